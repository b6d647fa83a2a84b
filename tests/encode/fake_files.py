"""The files of a host that is a folder of this machine, and what may happen to it in mid-work."""

import asyncio
import errno
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from pytranscoder.errors import HostError, TransferError

CHUNK_BYTES = 16 << 10
Happening = Callable[[], Awaitable[None]]


async def hang() -> None:
    """Never come back."""
    await asyncio.Event().wait()


def refusal(error: Exception) -> Happening:
    """Something that fails."""

    async def refuse() -> None:
        raise error

    return refuse


class Visit:
    """A moment that a test waits for, at which the work waits for the test."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = asyncio.Event()

    async def __call__(self) -> None:
        """Wait here."""
        self.begun.set()
        await self.over.wait()


class FakeFiles:
    """Keeps the promises of `Files`. `on` has what happens within the operation of a name; `log` has those that began.

    `lost` bytes are missing of whatever is copied, without a word. `said` is the size of every file, if it lies.
    """

    def __init__(self, host: str = "nas") -> None:
        self._host = host
        self.on: dict[str, Happening] = {}
        self.log: list[str] = []
        self.free: int | None = None
        self.lost = 0
        self.said: int | None = None

    async def make_directory(self, path: str) -> None:
        await self._begin("make_directory")
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)

    async def remove_tree(self, path: str) -> None:
        await self._begin("remove_tree")
        if Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    async def names(self, directory: str) -> list[str]:
        await self._begin("names")
        return [path.name for path in Path(directory).iterdir()] if Path(directory).is_dir() else []

    async def size_bytes(self, path: str, *, patiently: bool = False) -> int | None:
        del patiently
        await self._begin("size_bytes")
        return (self.said or Path(path).stat().st_size) if Path(path).exists() else None

    async def free_bytes(self, directory: str) -> int | None:
        await self._begin("free_bytes")
        if not Path(directory).is_dir():
            raise HostError(self._host, "no such directory")
        return self.free

    async def upload(self, ours: Path, theirs: str, report: Callable[[int], None]) -> None:
        await self._copy("upload", ours, Path(theirs), report)
        if Path(theirs).stat().st_size != ours.stat().st_size:
            raise TransferError(self._host, "the sizes differ")

    async def fetch(self, theirs: str, ours: Path, report: Callable[[int], None]) -> None:
        if not ours.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(ours))
        await self._copy("fetch", Path(theirs), ours, report)

    async def _copy(self, verb: str, source: Path, target: Path, report: Callable[[int], None]) -> None:
        """Copy half of it, let happen what happens, copy the rest."""
        content = source.read_bytes()
        content = content[: len(content) - self.lost]
        half = len(content) // 2
        target.write_bytes(content[:half])
        report(half)
        await self._begin(verb)
        target.write_bytes(content)
        report(len(content))

    async def _begin(self, verb: str) -> None:
        self.log.append(verb)
        await asyncio.sleep(0)
        if verb in self.on:
            await self.on[verb]()
