"""A TCP relay in the test's own event loop. It breaks or freezes when it has carried so many bytes, and counts them."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 16384


class FaultyLink:
    """A way to a port of this machine. `carried` counts the bytes of both directions, `connections` how often it was
    taken."""

    def __init__(self, far_port: int) -> None:
        self.port = 0
        self.carried = 0
        self.connections = 0
        self.has_failed = asyncio.Event()
        self._far_port = far_port
        self._failure = ""
        self._fails_at = 0
        self._open: list[StreamWriter] = []
        self._relays: set[asyncio.Task[None]] = set()

    def break_after(self, count: int) -> None:
        """Break all connections of then, once."""
        self._failure, self._fails_at = "break", self.carried + count

    def break_each_after(self, count: int) -> None:
        """Break every connection when it has carried `count`."""
        self._failure, self._fails_at = "break each", count

    def freeze_after(self, count: int, *, for_good: bool) -> None:
        """Carry nothing any more over the connections of then, nor over new ones if it is for good."""
        self._failure, self._fails_at = "freeze all" if for_good else "freeze", self.carried + count

    def relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        self._relays.add(asyncio.create_task(self._relay(reader, writer)))

    async def _relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far_port)
        ends = [writer, far_writer]
        self._open += ends
        line = _Line(self, ends)
        with suppress(ConnectionError):
            await asyncio.gather(line.pump(reader, far_writer), line.pump(far_reader, writer))
        for end in ends:
            end.transport.abort()

    def fail(self, ends: list[StreamWriter], carried: int) -> bool:
        """Let happen what is due, and say whether the line is frozen."""
        if not self._failure or (carried if self._failure == "break each" else self.carried) < self._fails_at:
            return False
        self.has_failed.set()
        failure = self._failure
        if failure in ("break", "freeze"):
            self._failure = ""
        for end in ends if failure.startswith("break") else ():
            end.transport.abort()
        return failure.startswith("freeze")

    async def close(self) -> None:
        for end in self._open:
            end.transport.abort()
        await asyncio.gather(*self._relays)


class _Line:
    """One connection of a link."""

    def __init__(self, link: FaultyLink, ends: list[StreamWriter]) -> None:
        self._link = link
        self._ends = ends
        self._carried = 0
        self._is_frozen = False

    async def pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            self._link.carried += len(data)
            self._carried += len(data)
            self._is_frozen |= self._link.fail(self._ends, self._carried)
            if self._is_frozen:
                continue  # taken from the sender and lost, as by a network that is gone
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def faulty_link(far_port: int) -> AsyncIterator[FaultyLink]:
    link = FaultyLink(far_port)
    server = await asyncio.start_server(link.relay, "127.0.0.1")
    link.port = server.sockets[0].getsockname()[1]
    async with server:
        yield link
        await link.close()
