"""The files of a host, over sftp: sessions, second tries, directories. How a file is copied is in `transfer`.

Every operation has a session of its own, which is gone afterwards however it ends: no handle can stay open.
"""

import asyncio
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from asyncssh import (
    ChannelOpenError,
    SFTPAttrs,
    SFTPBadMessage,
    SFTPClient,
    SFTPConnectionLost,
    SFTPDirNotEmpty,
    SFTPFailure,
    SFTPFileAlreadyExists,
    SFTPName,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
    SSHClientConnection,
    SSHReader,
    SSHWriter,
)
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, OPEN_REQUEST_SESSION_FAILED
from asyncssh.sftp import MIN_SFTP_VERSION, start_sftp_client

from pytranscoder.errors import (
    HostError,
    LostError,
    SourceChangedError,
    TransferError,
    UnreachableError,
    printable,
)
from pytranscoder.hosts.completion import all_or_none, in_own_task
from pytranscoder.hosts.rate import Limiter
from pytranscoder.hosts.sftp_faults import FOREIGN, NOTHING_THERE, disk_full, explain, is_lost, may_be_full
from pytranscoder.hosts.transfer import (
    Arrived,
    ChangedError,
    Copy,
    Deadline,
    OurFile,
    OurFileError,
    open_ours,
    receive,
    send,
)

T = TypeVar("T")
Work = Callable[[SFTPClient, Deadline], Awaitable[T]]

# With the default of 2 MiB a link with a delay of 20 ms carries 46 MB/s at most.
RECEIVE_WINDOW_BYTES = 32 << 20
# A connection carries about eight sessions. More copies side by side would only make each of them slower.
COPIES_A_DIRECTION = 3
QUESTIONS = 2
# A disk without that much room is full, when it refuses a directory without saying why.
DIRECTORY_BYTES = 1 << 20
REMOVED_AT_ONCE = 64


class DataConnections(Protocol):
    """Where the connection for transfers comes from; `Connections` is one."""

    @property
    def host(self) -> str:
        """The name of the host."""

    async def data(self) -> SSHClientConnection:
        """Returns the connection, a new one when it has broken. Raises UnreachableError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a host may owe an answer, how long be out of reach, and how many tries in a row may bring nothing."""

    stall_s: float = 30.0
    reconnect_s: float = 60.0
    pause_s: float = 1.0
    tries: int = 4


class SftpFiles:
    """The files of one host. `bandwidth` is in bytes per second and direction, for all transfers together.

    Instead of that, `limiters` up and down may be given, which others share.
    """

    def __init__(
        self,
        connections: DataConnections,
        bandwidth: float | None,
        patience: Patience | None = None,
        limiters: tuple[Limiter, Limiter] | None = None,
    ) -> None:
        self._connections = connections
        self._patience = patience or Patience()
        self._up, self._down = limiters or (Limiter(bandwidth), Limiter(bandwidth))
        self._uploads = asyncio.Semaphore(COPIES_A_DIRECTION)
        self._fetches = asyncio.Semaphore(COPIES_A_DIRECTION)
        self._questions = asyncio.Semaphore(QUESTIONS)

    @property
    def _host(self) -> str:
        return self._connections.host

    async def make_directory(self, path: str) -> None:
        """Makes a directory that only its owner may enter, and those above it that are missing."""
        await self._ask(path, lambda sftp, _: _make_directory(sftp, path))

    async def remove_tree(self, path: str) -> None:
        """Removes a directory with all that is in it, or a file; nothing there is no trouble. Follows no links."""
        await self._ask(path, lambda sftp, deadline: _remove_tree(sftp, path, deadline))

    async def names(self, directory: str) -> list[str]:
        """Returns the names in a directory; none when it is not there."""
        return await self._ask(directory, lambda sftp, _: _names(sftp, directory))

    async def size_bytes(self, path: str) -> int | None:
        """Returns the size of a file; None when it is not there."""
        return await self._ask(path, lambda sftp, _: _size(sftp, path))

    async def free_bytes(self, directory: str) -> int | None:
        """Returns the room that its file system has for us; of the one above it when it is not there yet."""
        return await self._ask(directory, lambda sftp, _: _free(sftp, directory))

    async def upload(self, ours: Path, theirs: str, report: Callable[[int], None]) -> None:
        """Copies a file to the host and checks its size there."""
        arrived = Arrived()
        try:
            async with self._uploads, open_ours(ours, "rb") as source:
                copy = Copy(await source.size_bytes(), self._up, arrived, report)
                await self._persist(theirs, arrived, partial(self._upload, copy, source, theirs), copy.size_bytes)
        except OurFileError as exc:
            raise exc.error from None
        except ChangedError as exc:
            raise SourceChangedError(ours, exc.reason) from exc

    async def _upload(self, copy: Copy, source: OurFile, theirs: str, sftp: SFTPClient, deadline: Deadline) -> None:
        arrived = copy.arrived
        # What is there may have holes: it is the end of what was acknowledged that counts, unless less is left of it.
        arrived.resume_at(min(arrived.bytes, await _size(sftp, theirs) or 0))
        file = await sftp.open(theirs, "r+b" if arrived.bytes else "wb", encoding=None, block_size=0)
        await copy.begin(sftp, deadline)
        await send(copy, source, sftp, file)
        deadline.renew()
        await file.close()
        if await source.size_bytes() != copy.size_bytes:
            raise ChangedError("it became longer while it was copied")
        self._require_size(theirs, await _size(sftp, theirs), copy.size_bytes)

    async def fetch(self, theirs: str, ours: Path, report: Callable[[int], None]) -> None:
        """Copies a file from the host over `ours`, which may exist, and checks its size."""
        arrived = Arrived()
        try:
            async with self._fetches, open_ours(ours, "wb") as target:
                size_bytes = await self._persist(theirs, arrived, lambda sftp, _: _size(sftp, theirs))
                if size_bytes is None:
                    raise TransferError(self._host, f"{printable(theirs)}: no such file there")
                copy = Copy(size_bytes, self._down, arrived, report)
                await self._persist(theirs, arrived, partial(self._fetch, copy, target, theirs))
        except OurFileError as exc:
            raise exc.error from None
        except ChangedError as exc:
            raise TransferError(self._host, f"{printable(theirs)}: {exc.reason}") from exc

    async def _fetch(self, copy: Copy, target: OurFile, theirs: str, sftp: SFTPClient, deadline: Deadline) -> None:
        file = await sftp.open(theirs, "rb", encoding=None, block_size=0)
        copy.arrived.resume_at(copy.arrived.bytes)
        await copy.begin(sftp, deadline)
        await receive(copy, target, sftp, file)
        deadline.renew()
        await file.close()
        self._require_size(theirs, await _size(sftp, theirs), copy.size_bytes)
        self._require_size(theirs, await target.size_bytes(), copy.size_bytes)

    def _require_size(self, path: str, size_bytes: int | None, expected: int) -> None:
        if size_bytes != expected:
            found = "nothing" if size_bytes is None else f"{size_bytes} bytes"
            raise TransferError(self._host, f"{printable(path)}: {found} after the copy instead of {expected} bytes")

    async def _ask(self, path: str, work: Work[T]) -> T:
        """Puts a question to the host; once more over a new connection when the first one breaks."""
        async with self._questions:
            try:
                return await self._once(work)
            except FOREIGN as exc:
                if not is_lost(exc):
                    raise await self._explained(path, exc, DIRECTORY_BYTES) from exc
            await asyncio.sleep(self._patience.pause_s)
            try:
                return await self._once(work)
            except FOREIGN as exc:
                raise await self._explained(path, exc, DIRECTORY_BYTES) from exc

    async def _once(self, work: Work[T]) -> T:
        async with self._session(await self._connections.data()) as (sftp, deadline):
            return await work(sftp, deadline)

    async def _persist(self, path: str, arrived: Arrived, work: Work[T], size_bytes: int = 0) -> T:
        """Tries again whenever the connection breaks, as long as it can be made again and something arrives."""
        fruitless = 0
        while True:
            before = arrived.bytes
            try:
                return await in_own_task(self._try(work))
            except FOREIGN as exc:
                fruitless = 0 if arrived.bytes > before else fruitless + 1
                if not is_lost(exc) or fruitless == self._patience.tries:
                    raise await self._explained(path, exc, size_bytes - arrived.bytes) from exc
            await asyncio.sleep(self._patience.pause_s * 2**fruitless)

    async def _try(self, work: Work[T]) -> T:
        async with self._session(await self._connected()) as (sftp, deadline):
            return await work(sftp, deadline)

    async def _connected(self) -> SSHClientConnection:
        reason, pause_s = "", self._patience.pause_s
        try:
            async with asyncio.timeout(self._patience.reconnect_s):
                while True:
                    try:
                        return await self._connections.data()
                    except UnreachableError as exc:
                        reason = f": {exc.reason}"
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, 8 * self._patience.pause_s)
        except TimeoutError as exc:
            waited = f"{self._patience.reconnect_s:g} s"
            raise LostError(self._host, f"connection lost, and no other for {waited}{reason}") from exc

    @asynccontextmanager
    async def _session(self, connection: SSHClientConnection) -> AsyncIterator[tuple[SFTPClient, Deadline]]:
        try:
            async with asyncio.timeout(None) as timeout:
                deadline = Deadline(timeout, self._patience.stall_s)
                deadline.renew()
                async with self._open_sftp(connection) as sftp:
                    yield sftp, deadline
        except TimeoutError:
            connection.abort()  # nobody else shall wait for it
            raise

    @asynccontextmanager
    async def _open_sftp(self, connection: SSHClientConnection) -> AsyncIterator[SFTPClient]:
        # As `SSHClientConnection.start_sftp_client` does, which has no say in the size of the window.
        writer, reader = await self._open_channel(connection)
        try:
            yield await self._start_sftp(connection, writer, reader)
        finally:
            writer.channel.abort()

    async def _open_channel(self, connection: SSHClientConnection) -> tuple[SSHWriter[bytes], SSHReader[bytes]]:
        try:
            writer, reader, _ = await connection.open_session(
                subsystem="sftp", encoding=None, window=RECEIVE_WINDOW_BYTES
            )
        except asyncio.CancelledError:
            connection.abort()  # the session would open later and belong to nobody
            raise
        except ChannelOpenError as exc:
            if exc.code == OPEN_REQUEST_SESSION_FAILED:
                raise self._lacks_sftp() from exc
            raise
        return writer, reader

    async def _start_sftp(
        self, connection: SSHClientConnection, writer: SSHWriter[bytes], reader: SSHReader[bytes]
    ) -> SFTPClient:
        loop = asyncio.get_running_loop()
        try:
            return await start_sftp_client(
                connection, loop, "replace", reader, writer, "utf-8", "surrogateescape", MIN_SFTP_VERSION
            )
        except (SFTPBadMessage, SFTPConnectionLost) as exc:
            if connection.is_closed():
                raise
            raise self._lacks_sftp() from exc

    def _lacks_sftp(self) -> HostError:
        remedy = "enable `Subsystem sftp` in its sshd_config, and let its login shell print nothing by itself"
        return HostError(self._host, f"its ssh server offers no sftp; {remedy}")

    async def _explained(self, path: str, error: Exception, needed_bytes: int) -> HostError:
        if may_be_full(error):
            with suppress(HostError, *FOREIGN):  # the first error is the one to tell
                free = await self._once(lambda sftp, _: _free(sftp, posixpath.dirname(path)))
                if free is not None and free < needed_bytes:
                    return disk_full(self._host, path)
        return explain(self._host, path, error)


async def _size(sftp: SFTPClient, path: str) -> int | None:
    try:
        return (await sftp.stat(path)).size
    except NOTHING_THERE:
        return None


async def _names(sftp: SFTPClient, directory: str) -> list[str]:
    try:
        return [_name(entry) for entry in await _entries(sftp, directory)]
    except NOTHING_THERE:
        return []


async def _entries(sftp: SFTPClient, directory: str) -> list[SFTPName]:
    return [entry async for entry in sftp.scandir(directory) if entry.filename not in (".", "..")]


def _name(entry: SFTPName) -> str:
    return str(entry.filename)


async def _free(sftp: SFTPClient, directory: str) -> int | None:
    while True:
        try:
            system = await sftp.statvfs(directory or ".")
        except SFTPOpUnsupported:
            return None
        except NOTHING_THERE:
            above = posixpath.dirname(directory)
            if above == directory:
                raise
            directory = above
        else:
            return system.frsize * system.bavail


async def _make_directory(sftp: SFTPClient, path: str) -> None:
    try:
        await sftp.mkdir(path, SFTPAttrs(permissions=0o700))
    except NOTHING_THERE:
        above = posixpath.dirname(path.rstrip("/"))
        if not above:
            raise
        await _make_directory(sftp, above)
        await sftp.mkdir(path, SFTPAttrs(permissions=0o700))
    except (SFTPFailure, SFTPFileAlreadyExists, SFTPPermissionDenied):
        # What is there already may be refused for any of these.
        if not await sftp.isdir(path):
            raise


async def _remove_tree(sftp: SFTPClient, path: str, deadline: Deadline) -> None:
    with suppress(*NOTHING_THERE):
        if (await sftp.lstat(path)).type == FILEXFER_TYPE_DIRECTORY:
            await _remove_directory(sftp, path, deadline)
        else:
            await sftp.remove(path)


async def _remove_directory(sftp: SFTPClient, directory: str, deadline: Deadline) -> None:
    # Something may come in meanwhile: the last request of a copy that was cancelled.
    for _ in range(2):
        await _empty(sftp, directory, deadline)
        with suppress(SFTPFailure, SFTPDirNotEmpty):
            return await sftp.rmdir(directory)
    await _empty(sftp, directory, deadline)
    return await sftp.rmdir(directory)


async def _empty(sftp: SFTPClient, directory: str, deadline: Deadline) -> None:
    entries = await _entries(sftp, directory)
    directories = [_name(entry) for entry in entries if entry.attrs.type == FILEXFER_TYPE_DIRECTORY]
    files = [_name(entry) for entry in entries if entry.attrs.type != FILEXFER_TYPE_DIRECTORY]
    for start in range(0, len(files), REMOVED_AT_ONCE):
        async with all_or_none() as group:
            for name in files[start : start + REMOVED_AT_ONCE]:
                group.create_task(_remove_file(sftp, posixpath.join(directory, name)))
        deadline.renew()
    for name in directories:
        await _remove_tree(sftp, posixpath.join(directory, name), deadline)
        deadline.renew()


async def _remove_file(sftp: SFTPClient, path: str) -> None:
    with suppress(*NOTHING_THERE):
        await sftp.remove(path)
