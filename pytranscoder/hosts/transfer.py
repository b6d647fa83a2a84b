"""One file on its way over an open sftp session: blocks in flight, the file of ours, up to where it has arrived.

Knows neither connections nor retries: whatever breaks is raised as it comes.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import TypeVar, cast

from asyncssh import SFTPClient, SFTPClientFile

from pytranscoder.hosts.completion import all_or_none, to_its_end
from pytranscoder.hosts.rate import Limiter, Window

T = TypeVar("T")

# What OpenSSH takes in one request (`limits@openssh.com`): 256 KiB less what is around it.
MOST_BLOCK_BYTES = 255 << 10
LEAST_BLOCK_BYTES = 16 << 10
# One trip to a thread for several blocks, as it costs as much as sending one of them.
BLOCKS_A_READ = 8


class ChangedError(Exception):
    """A file is not what it was when its copy began. `reason` says how."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class OurFileError(Exception):
    """Our own file cannot be read or written: `error` says why. Tells it from an OSError of the network."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__(str(error))


class Deadline:
    """Cuts off a session that owes an answer and gives none for `stall_s`."""

    def __init__(self, timeout: asyncio.Timeout, stall_s: float) -> None:
        self._timeout = timeout
        self._stall_s = stall_s

    def renew(self) -> None:
        """Begins to wait for the next answer."""
        self._timeout.reschedule(asyncio.get_running_loop().time() + self._stall_s)

    def lift(self) -> None:
        """Says that no answer is owed."""
        self._timeout.reschedule(None)


class Arrived:
    """Up to where a file has arrived without a hole, whatever the order of its blocks."""

    def __init__(self) -> None:
        self.bytes = 0
        self._beyond: dict[int, int] = {}

    def resume_at(self, offset: int) -> None:
        """Forgets what lies beyond `offset`: it is copied again."""
        self.bytes = offset
        self._beyond.clear()

    def add(self, offset: int, count: int) -> None:
        """Takes note of a block."""
        self._beyond[offset] = count
        while count := self._beyond.pop(self.bytes, 0):
            self.bytes += count


class OurFile:
    """A file of ours that is read and written in threads; one caller at a time.

    Raises OurFileError. Whoever is cancelled leaves only when the thread has ended: nobody closes a file in use.
    """

    def __init__(self, path: Path, mode: str) -> None:
        self._path = path
        self._mode = mode
        self._file: FileIO | None = None
        # To give the system memory back and ask it for new costs as much time as to read a block.
        self._spare: list[bytearray] = []

    async def size_bytes(self) -> int:
        """Returns its size at the moment."""
        return await _in_thread(lambda: os.fstat(self._opened().fileno()).st_size)

    async def read(self, offset: int, counts: list[int]) -> list[memoryview]:
        """Reads blocks that follow each other; each is to be given back."""
        return await _in_thread(self._read, offset, counts)

    def give_back(self, block: memoryview) -> None:
        """Takes back the memory of a block that was read."""
        self._spare.append(cast(bytearray, block.obj))

    async def write(self, blocks: list[tuple[int, bytes]]) -> None:
        """Writes blocks, each at its offset."""
        await _in_thread(self._write, blocks)

    def _opened(self) -> FileIO:
        # Unbuffered: the blocks are large, and every byte is then where it belongs as soon as `write` returns.
        if self._file is None:
            self._file = FileIO(self._path, self._mode)
        return self._file

    def _read(self, offset: int, counts: list[int]) -> list[memoryview]:
        file = self._opened()
        file.seek(offset)
        blocks = [self._block(count) for count in counts]
        if [file.readinto(block) for block in blocks] != counts:
            raise ChangedError("it became shorter while it was copied")
        return blocks

    def _block(self, count: int) -> memoryview:
        while self._spare:
            block = self._spare.pop()
            if len(block) >= count:
                return memoryview(block)[:count]
        return memoryview(bytearray(count))

    def _write(self, blocks: list[tuple[int, bytes]]) -> None:
        file = self._opened()
        for offset, block in blocks:
            file.seek(offset)
            rest = memoryview(block)
            while rest:
                rest = rest[file.write(rest) :]

    async def close(self) -> None:
        """Closes it, if it was opened at all."""
        if self._file is not None:
            await _in_thread(self._file.close)


@asynccontextmanager
async def open_ours(path: Path, mode: str) -> AsyncIterator[OurFile]:
    """Opens a file of ours and closes it in the end."""
    file = OurFile(path, mode)
    try:
        await file.size_bytes()
        yield file
    finally:
        await file.close()


async def _in_thread(work: Callable[..., T], *args: object) -> T:
    try:
        return await to_its_end(asyncio.to_thread(work, *args))
    except OSError as exc:
        raise OurFileError(exc) from exc


class Copy:
    """What both directions have in common: how much is under way, how much has arrived, and who is told."""

    def __init__(self, size_bytes: int, limiter: Limiter, arrived: Arrived, report: Callable[[int], None]) -> None:
        self.size_bytes = size_bytes
        self.arrived = arrived
        self._limiter = limiter
        self._report = report

    async def begin(self, sftp: SFTPClient, deadline: Deadline) -> None:
        """Begins, or goes on over a new session."""
        self._loop = asyncio.get_running_loop()
        self._deadline = deadline
        asked_at = self._loop.time()
        await sftp.realpath(".")  # asks for nothing that a sleeping disk could delay: it takes a round trip
        self._window = Window(self._loop.time() - asked_at, self._loop.time())
        deadline.lift()
        self._under_way = 0
        self._unanswered = 0
        self._landed = asyncio.Event()
        self._report(self.arrived.bytes)

    def block_bytes(self, most: int) -> int:
        """How large a block may be: `most` is what the host takes. Several are under way also on a slow link."""
        return max(min(most, MOST_BLOCK_BYTES, self._window.size_bytes // 8), LEAST_BLOCK_BYTES)

    async def admit(self, count: int) -> None:
        """Waits until `count` bytes more may be under way."""
        while self._under_way and self._under_way + count > self._window.size_bytes:
            self._landed.clear()
            await self._landed.wait()
        delay_s = self._limiter.delay_s(count, self._loop.time())
        if delay_s:
            await asyncio.sleep(delay_s)
        if not self._unanswered:
            self._deadline.renew()
        self._unanswered += 1
        self._under_way += count

    def answered(self) -> None:
        """Takes note that the host has answered for one block."""
        self._unanswered -= 1
        if self._unanswered:
            self._deadline.renew()
        else:
            self._deadline.lift()

    def landed(self, offset: int, count: int) -> None:
        """Takes note that a block is in its file."""
        self._under_way -= count
        self._window.arrived(count, self._loop.time())
        self.arrived.add(offset, count)
        self._landed.set()
        self._report(self.arrived.bytes)


async def send(copy: Copy, ours: OurFile, sftp: SFTPClient, theirs: SFTPClientFile) -> None:
    """Sends what has not arrived yet. Raises ChangedError, OurFileError and whatever asyncssh raises."""
    offset = copy.arrived.bytes
    async with all_or_none() as group:
        while offset < copy.size_bytes:
            block = copy.block_bytes(sftp.limits.max_write_len)
            counts = _blocks(min(block * BLOCKS_A_READ, copy.size_bytes - offset), block)
            for data in await ours.read(offset, counts):
                await copy.admit(len(data))
                group.create_task(_send_block(copy, ours, theirs, offset, data))
                offset += len(data)


async def _send_block(copy: Copy, ours: OurFile, theirs: SFTPClientFile, offset: int, data: memoryview) -> None:
    await theirs.write(cast(bytes, data), offset)
    copy.answered()
    copy.landed(offset, len(data))
    ours.give_back(data)


def _blocks(count: int, block: int) -> list[int]:
    return [min(block, count - start) for start in range(0, count, block)]


async def receive(copy: Copy, ours: OurFile, sftp: SFTPClient, theirs: SFTPClientFile) -> None:
    """Fetches what has not arrived yet. Raises ChangedError, OurFileError and whatever asyncssh raises."""
    offset = copy.arrived.bytes
    writer = _Writer(copy, ours)
    async with all_or_none() as group:
        group.create_task(writer.run())
        while offset < copy.size_bytes:
            count = min(copy.block_bytes(sftp.limits.max_read_len), copy.size_bytes - offset)
            await copy.admit(count)
            group.create_task(_receive_block(copy, theirs, writer, offset, count))
            offset += count


async def _receive_block(copy: Copy, theirs: SFTPClientFile, writer: "_Writer", offset: int, count: int) -> None:
    data: bytes = await theirs.read(count, offset)
    while len(data) < count:  # a server may give less than it was asked for
        more: bytes = await theirs.read(count - len(data), offset + len(data))
        if not more:
            raise ChangedError("it became shorter while it was copied")
        data += more
    copy.answered()
    writer.add(offset, data)


class _Writer:
    """Writes what has come in since it last looked with one trip to a thread."""

    def __init__(self, copy: Copy, ours: OurFile) -> None:
        self._copy = copy
        self._ours = ours
        self._blocks: list[tuple[int, bytes]] = []
        self._some = asyncio.Event()

    def add(self, offset: int, data: bytes) -> None:
        self._blocks.append((offset, data))
        self._some.set()

    async def run(self) -> None:
        while self._copy.arrived.bytes < self._copy.size_bytes:
            await self._some.wait()
            self._some.clear()
            blocks, self._blocks = self._blocks, []
            await self._ours.write(blocks)
            for offset, data in blocks:
                self._copy.landed(offset, len(data))
