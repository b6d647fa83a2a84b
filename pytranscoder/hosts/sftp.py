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
    SFTPBadMessage,
    SFTPClient,
    SFTPConnectionLost,
    SSHClientConnection,
    SSHReader,
    SSHWriter,
)
from asyncssh.constants import OPEN_REQUEST_SESSION_FAILED
from asyncssh.sftp import MIN_SFTP_VERSION, start_sftp_client

from pytranscoder.errors import (
    HostError,
    LostError,
    SourceChangedError,
    TransferError,
    UnreachableError,
    printable,
)
from pytranscoder.hosts import sftp_tree
from pytranscoder.hosts.completion import in_own_task
from pytranscoder.hosts.connection import Lane
from pytranscoder.hosts.packets import require_packets
from pytranscoder.hosts.rate import Limiter
from pytranscoder.hosts.sftp_faults import FOREIGN, disk_full, explain, is_lost, may_be_full
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


class DataConnections(Protocol):
    """Where the connection for transfers comes from; `Connections` is one."""

    @property
    def host(self) -> str:
        """The name of the host."""

    async def data(self, lane: Lane) -> SSHClientConnection:
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
        await self._ask(path, lambda sftp, _: sftp_tree.make_directory(sftp, sftp_tree.spelled(path)))

    async def remove_tree(self, path: str) -> None:
        """Removes a directory with all that is in it, or a file; nothing there is no trouble. Follows no links."""
        await self._ask(path, lambda sftp, deadline: sftp_tree.remove_tree(sftp, sftp_tree.spelled(path), deadline))

    async def names(self, directory: str) -> list[str]:
        """Returns the names in a directory; none when it is not there."""
        return await self._ask(directory, lambda sftp, _: sftp_tree.names(sftp, sftp_tree.spelled(directory)))

    async def size_bytes(self, path: str, *, patiently: bool = False) -> int | None:
        """Returns the size of a file; None when it is not there. `patiently` waits for a host that is away."""

        def work(sftp: SFTPClient, _: Deadline) -> Awaitable[int | None]:
            return sftp_tree.file_size(sftp, sftp_tree.spelled(path))

        if patiently:
            return await self._persist(path, Arrived(), work)
        return await self._ask(path, work)

    async def free_bytes(self, directory: str) -> int | None:
        """Returns the room that its file system has for us; of the one above it when it is not there yet."""
        return await self._ask(directory, lambda sftp, _: sftp_tree.free_bytes(sftp, sftp_tree.spelled(directory)))

    async def upload(self, ours: Path, theirs: str, report: Callable[[int], None]) -> None:
        """Copies a file to the host and checks its size there."""
        arrived = Arrived()
        try:
            async with self._uploads, open_ours(ours, "rb") as source:
                copy = Copy(await source.size_bytes(), self._up, arrived, report)
                work = partial(self._upload, copy, source, theirs)
                await self._persist(theirs, arrived, work, Lane.OUT, copy.size_bytes)
        except OurFileError as exc:
            raise exc.error from None
        except ChangedError as exc:
            raise SourceChangedError(ours, exc.reason) from exc

    async def _upload(self, copy: Copy, source: OurFile, theirs: str, sftp: SFTPClient, deadline: Deadline) -> None:
        arrived = copy.arrived
        # What is there may have holes: it is the end of what was acknowledged that counts, unless less is left of it.
        path = sftp_tree.spelled(theirs)
        arrived.resume_at(min(arrived.bytes, await sftp_tree.file_size(sftp, path) or 0))
        file = await sftp.open(path, "r+b" if arrived.bytes else "wb", encoding=None, block_size=0)
        await copy.begin(sftp, deadline)
        await send(copy, source, sftp, file)
        deadline.renew()
        await file.close()
        if await source.size_bytes() != copy.size_bytes:
            raise ChangedError("it became longer while it was copied")
        self._require_size(theirs, await sftp_tree.file_size(sftp, path), copy.size_bytes)

    async def fetch(self, theirs: str, ours: Path, report: Callable[[int], None]) -> None:
        """Copies a file from the host over `ours`, which may exist, and checks its size."""
        arrived = Arrived()
        try:
            async with self._fetches, open_ours(ours, "wb") as target:
                size_bytes = await self.size_bytes(theirs, patiently=True)
                if size_bytes is None:
                    raise TransferError(self._host, f"{printable(theirs)}: no such file there")
                copy = Copy(size_bytes, self._down, arrived, report)
                await self._persist(theirs, arrived, partial(self._fetch, copy, target, theirs))
        except OurFileError as exc:
            raise exc.error from None
        except ChangedError as exc:
            raise TransferError(self._host, f"{printable(theirs)}: {exc.reason}") from exc

    async def _fetch(self, copy: Copy, target: OurFile, theirs: str, sftp: SFTPClient, deadline: Deadline) -> None:
        path = sftp_tree.spelled(theirs)
        file = await sftp.open(path, "rb", encoding=None, block_size=0)
        copy.arrived.resume_at(copy.arrived.bytes)
        await copy.begin(sftp, deadline)
        await receive(copy, target, sftp, file)
        deadline.renew()
        await file.close()
        self._require_size(theirs, await sftp_tree.file_size(sftp, path), copy.size_bytes)
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
        # Answers come home: a question behind an upload would wait for what is under way there.
        async with self._session(await self._connections.data(Lane.HOME)) as (sftp, deadline):
            return await work(sftp, deadline)

    async def _persist(
        self, path: str, arrived: Arrived, work: Work[T], lane: Lane = Lane.HOME, size_bytes: int = 0
    ) -> T:
        """Tries again whenever the connection breaks, as long as it can be made again and something arrives."""
        fruitless = 0
        while True:
            before = arrived.bytes
            try:
                return await in_own_task(self._try(work, lane))
            except FOREIGN as exc:
                fruitless = 0 if arrived.bytes > before else fruitless + 1
                if not is_lost(exc) or fruitless == self._patience.tries:
                    raise await self._explained(path, exc, size_bytes - arrived.bytes) from exc
            await asyncio.sleep(self._patience.pause_s * 2**fruitless)

    async def _try(self, work: Work[T], lane: Lane) -> T:
        async with self._session(await self._connected(lane)) as (sftp, deadline):
            return await work(sftp, deadline)

    async def _connected(self, lane: Lane) -> SSHClientConnection:
        reason, pause_s = "", self._patience.pause_s
        try:
            async with asyncio.timeout(self._patience.reconnect_s):
                while True:
                    try:
                        return await self._connections.data(lane)
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
        opening = asyncio.ensure_future(
            connection.open_session(subsystem="sftp", encoding=None, window=RECEIVE_WINDOW_BYTES)
        )
        try:
            # An opening that is cancelled half way would leave its session open over there, and belong to nobody.
            writer, reader, _ = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_abort_session)
            raise
        except ChannelOpenError as exc:
            if exc.code == OPEN_REQUEST_SESSION_FAILED:
                raise self._lacks_sftp() from exc
            raise
        require_packets(self._host, writer.channel)
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
                free = await self._once(
                    lambda sftp, _: sftp_tree.free_bytes(sftp, posixpath.dirname(sftp_tree.spelled(path)))
                )
                if free is not None and free < needed_bytes:
                    return disk_full(self._host, path)
        return explain(self._host, path, error)


def _abort_session(opening: "asyncio.Future[tuple[SSHWriter[bytes], SSHReader[bytes], SSHReader[bytes]]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].channel.abort()
