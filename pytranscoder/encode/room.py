"""The free space of a host's working directory, shared by the attempts that copy media there. Copies nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytranscoder.encode.remains import below
from pytranscoder.errors import UnfitError, printable
from pytranscoder.hosts.transport import Files

# For cover art and what file systems need for themselves.
MARGIN_BYTES = 16 << 20


class Loans:
    """What is lent of a directory's space, by subdirectory, to all who reach the directory in one way or another."""

    def __init__(self) -> None:
        self.lent: dict[str, int] = {}
        self.turn = asyncio.Lock()
        self.returned = asyncio.Event()


class Room:
    """Lends space in a directory, first come, first served. What was lent and is not written yet is not free."""

    def __init__(self, host: str, files: Files, directory: str, loans: Loans) -> None:
        self._host = host
        self._files = files
        self._directory = directory
        self._loans = loans

    @asynccontextmanager
    async def reserved(self, name: str, need_bytes: int) -> AsyncIterator[None]:
        """Waits until there is space for what will be in the subdirectory `name`.

        Raises UnfitError when the end of all others would not be enough.
        """
        async with self._loans.turn:
            while not await self._fits(need_bytes + MARGIN_BYTES):
                await self._loans.returned.wait()
            self._loans.lent[name] = need_bytes + MARGIN_BYTES
        try:
            yield
        finally:
            del self._loans.lent[name]
            self._loans.returned.set()

    async def _fits(self, need_bytes: int) -> bool:
        self._loans.returned.clear()
        written = {name: await self._written(name) for name in tuple(self._loans.lent)}
        free_bytes = await self._files.free_bytes(self._directory)
        if free_bytes is None:
            return True
        promised_bytes = sum(max(0, self._loans.lent.get(name, 0) - done) for name, done in written.items())
        if need_bytes <= free_bytes - promised_bytes:
            return True
        # What has come back meanwhile is not in these numbers. What others wrote while we asked is: they return at
        # most what they borrowed, whatever we saw of it.
        if not self._loans.returned.is_set():
            returned_bytes = sum(max(self._loans.lent[name], done) for name, done in written.items())
            self._require_hope(need_bytes, free_bytes, returned_bytes)
        return False

    def _require_hope(self, need_bytes: int, free_bytes: int, returned_bytes: int) -> None:
        if not self._loans.lent or need_bytes > free_bytes + returned_bytes:
            raise UnfitError(
                self._host,
                f"{_rounded(need_bytes)} are needed in {printable(self._directory)} for the source and its output, "
                f"{_rounded(free_bytes)} are free; make room there, or set another `working_dir`",
            )

    async def _written(self, name: str) -> int:
        directory = below(self._directory, name)
        sizes = [await self._files.size_bytes(below(directory, file)) for file in await self._files.names(directory)]
        return sum(size or 0 for size in sizes)


def _rounded(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
