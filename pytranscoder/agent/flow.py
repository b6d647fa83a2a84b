"""How much an agent has said that its peer did not take yet. Sends nothing itself."""

import asyncio
from typing import Any

import asyncssh

# Enough for a fast link with a long way. A peer that asks and asks and never reads costs no more memory than this and
# one answer.
MOST_UNSENT_BYTES = 2 << 20
_LOOK_AGAIN_S = 0.005
# So often that a stream which comes and goes is seen to go.
_LOOKS = 64

Channel = asyncssh.SSHServerChannel[Any]


async def wait_for_room(channel: Channel) -> None:
    """Waits until the peer has taken most of what was said; whether it takes anything is `wait_for_stall`'s."""
    while unsent_bytes(channel) > MOST_UNSENT_BYTES:  # noqa: ASYNC110  # asyncssh tells of its own buffer, not of the transport's
        await asyncio.sleep(_LOOK_AGAIN_S)


async def wait_for_stall(channel: Channel, stall_s: float) -> None:
    """Waits until something was said and the peer has taken nothing of it for so long."""
    before = looks = 0
    while looks < _LOOKS:
        await asyncio.sleep(stall_s / _LOOKS)
        unsent = unsent_bytes(channel)
        looks = looks + 1 if 0 < before <= unsent else 0
        before = unsent


def unsent_bytes(channel: Channel) -> int:
    """Returns how many bytes wait for the peer: on its channel, and on the connection under it."""
    waiting: int = channel.get_write_buffer_size()
    # A peer may allow any number of bytes on its channel and read none of them: then they wait in the transport, which
    # asyncssh neither limits nor shows.
    transport = getattr(channel.get_connection(), "_transport", None) if not channel.is_closing() else None
    return waiting + (transport.get_write_buffer_size() if transport is not None else 0)
