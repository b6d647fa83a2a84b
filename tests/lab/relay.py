"""A long line in one process: ``relay.py PORT TARGET_PORT DELAY`` hands on what comes to PORT, so many seconds later.

Each direction is delayed, and what is under way is bounded by memory only. Ends with its standard input.
"""

import asyncio
import os
import sys
from contextlib import suppress

_PIECE = 64 * 1024
# More than any link of the lab can have under way; the sender waits beyond that.
_MOST_PIECES = 2048


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Copy one direction, its end too."""
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_PIECES)
    clock = asyncio.get_running_loop().time

    async def deliver() -> None:
        piece = b"-"
        while piece:
            due, piece = await under_way.get()
            await asyncio.sleep(due - clock())
            writer.write(piece)
            await writer.drain()
        writer.write_eof()

    async def collect() -> None:
        piece = b"-"
        while piece:
            piece = await reader.read(_PIECE)
            await under_way.put((clock() + delay_s, piece))

    async with asyncio.TaskGroup() as group:
        group.create_task(collect())
        group.create_task(deliver())


async def serve(port: int, target: int, delay_s: float) -> None:
    """Relay connections until standard input ends."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A connection that breaks at one end is broken at the other.
            with suppress(OSError, ExceptionGroup):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(hand_on(reader, far_writer, delay_s))
                        group.create_task(hand_on(far_reader, writer, delay_s))
                finally:
                    far_writer.close()
        finally:
            writer.close()

    # Not as a context: leaving that would wait for the connections.
    server = await asyncio.start_server(relay, "0.0.0.0", port)  # noqa: S104  # in a namespace of the lab
    sys.stdout.write("up\n")
    sys.stdout.flush()
    await asyncio.to_thread(os.read, 0, 1)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
