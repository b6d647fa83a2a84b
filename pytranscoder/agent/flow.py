"""How much an agent has said that its peer did not take yet. Sends nothing itself."""

import asyncio
from typing import Any

import asyncssh

# Enough for a fast link with a long way. A peer that asks and asks and never reads costs no more memory than this.
MOST_UNSENT_BYTES = 16 << 20
_LOOK_AGAIN_S = 0.005

Channel = asyncssh.SSHServerChannel[Any]


async def wait_for_room(channel: Channel, stall_s: float) -> None:
    """Waits until the peer has taken most of what was said; raises TimeoutError when it takes nothing for so long."""
    unsent = unsent_bytes(channel)
    if unsent <= MOST_UNSENT_BYTES:
        return
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(stall_s) as timeout:
        while (left := unsent_bytes(channel)) > MOST_UNSENT_BYTES:
            if left < unsent:
                unsent = left
                timeout.reschedule(loop.time() + stall_s)
            await asyncio.sleep(_LOOK_AGAIN_S)


def unsent_bytes(channel: Channel) -> int:
    """Returns how many bytes wait for the peer: on its channel, and on the connection under it."""
    waiting: int = channel.get_write_buffer_size()
    # A peer may allow any number of bytes on its channel and read none of them: then they wait in the transport, which
    # asyncssh neither limits nor shows.
    transport = getattr(channel.get_connection(), "_transport", None) if not channel.is_closing() else None
    return waiting + (transport.get_write_buffer_size() if transport is not None else 0)
