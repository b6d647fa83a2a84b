"""The staging of hosts to which media is copied and from which it is fetched. Starts no encode.

Directions do not wait for each other, but in each one file goes after the other: the first shall be there soon.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.meter import Meter
from pytranscoder.encode.remains import below, run_directory
from pytranscoder.encode.replace import explain, require_unchanged
from pytranscoder.encode.room import MARGIN_BYTES, Loans, Room
from pytranscoder.encode.staging import Staged, reserved
from pytranscoder.errors import HostError, ReplaceError, TransferError, UnreadableMediaError, VerifyError, printable
from pytranscoder.hosts.completion import to_its_end
from pytranscoder.hosts.transport import Files
from pytranscoder.jobs.events import Direction, Event, Transfer
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.partial import split_extension
from pytranscoder.media.model import Media

# A part of the ten seconds within which a command returns after Ctrl-C, also when a host has just gone silent.
REMOVE_WITHIN_S = 3.0
# How long nobody waits once more for a host that has just given no answer.
SILENT_FOR_S = 10.0
_PLAIN = re.compile(r"\.[A-Za-z0-9]+")


@dataclass(slots=True, eq=False)
class Copied:
    """The host works on copies, in a directory of each attempt's own under the run's own in `working_dir`.

    One object for all attempts on a host, `close` is its end. `clock` returns Unix seconds, `loans` are of that run's
    directory. A host that does not answer for `remove_within_s` keeps the directories; what stays is removed later, at
    last by another run.
    """

    journal: Journal
    run: str
    files: Files
    working_dir: str
    host: str
    cluster: str | None
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    loans: Loans = field(default_factory=Loans)
    remove_within_s: float = REMOVE_WITHIN_S
    _directory: str = field(init=False)
    _room: Room = field(init=False)
    _left: set[str] = field(init=False, default_factory=set)
    _is_used: bool = field(init=False, default=False)
    _silent_since: float = field(init=False, default=-inf)
    _tidying: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _uploads: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _fetches: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._directory = run_directory(self.working_dir, self.run)
        self._room = Room(self.host, self.files, self._directory, self.loans)

    @asynccontextmanager
    async def stage(self, planned: PlannedJob, job: int, attempt: str) -> AsyncIterator[Staged]:
        """Waits for room on the host and its turn, then copies the source there, under a name of plain ASCII."""
        staged = copied_names(planned, attempt, self.run, self.working_dir)
        name = _directory_name(attempt, self.run)
        with reserved(staged.partial, self.journal, self.run):
            await self.tidy()
            self._is_used = True
            await self.files.make_directory(self._directory)
            # An output is hardly ever larger than its source.
            need_bytes = 2 * planned.media.size_bytes
            async with self._room.reserved(name, need_bytes), self._made(below(self._directory, name)):
                await self._upload(planned.media, staged, job)
                yield staged

    async def fetch(self, staged: Staged, job: int, _said_bytes: int | None) -> None:
        """Copies the output over its partial file. What counts is the size that the host sees, not what ffmpeg said."""
        async with self._fetches:
            # Hours of work may lie there; a connection that breaks just now must not cost them.
            size_bytes = await self.files.size_bytes(staged.output, patiently=True)
            if size_bytes is None:
                raise VerifyError("ffmpeg exited with status 0, but there is no output")
            _require_room(staged.fetched, size_bytes)
            meter = self._meter(staged, job, Direction.FETCH, size_bytes)
            try:
                await self.files.fetch(staged.output, staged.fetched, self._at_most(size_bytes, meter.report))
                fetched_bytes = staged.fetched.stat().st_size
            except OSError as exc:
                raise explain(exc, staged.fetched.parent) from exc
            if fetched_bytes != size_bytes:
                raise TransferError(self.host, f"{fetched_bytes} of {size_bytes} bytes of the output arrived")
            meter.finish()

    def _at_most(self, size_bytes: int, report: Callable[[int], None]) -> Callable[[int], None]:
        def check(done_bytes: int) -> None:
            # There was room for what the host said first; it may say something else when it is asked again.
            if done_bytes > size_bytes:
                raise TransferError(self.host, f"more than the {size_bytes} bytes of the output arrive")
            report(done_bytes)

        return check

    async def tidy(self) -> None:
        """Removes the directories of attempts that could not be removed at their end, as far as that is possible."""
        with suppress(HostError):
            try:
                async with asyncio.timeout(self.remove_within_s), self._tidying:
                    for directory in tuple(self._left):
                        await self.files.remove_tree(directory)
                        self._left.discard(directory)
            except TimeoutError:
                self._silent_since = self.clock()

    async def close(self) -> None:
        """Removes the run's directory, unless others of the run still use it; what stays is for the next run."""
        await to_its_end(self._remove_all())

    @asynccontextmanager
    async def _made(self, directory: str) -> AsyncIterator[None]:
        try:
            await self.files.make_directory(directory)
            yield
        finally:
            self._left.add(directory)
            await to_its_end(self.tidy())

    async def _remove_all(self) -> None:
        if not self._is_used or self.clock() - self._silent_since < SILENT_FOR_S:
            return  # there is nothing, or the end of an attempt has waited for it already
        await self.tidy()
        with suppress(HostError, TimeoutError):
            async with asyncio.timeout(self.remove_within_s):
                # In two clusters a host is two hosts with one directory.
                if not self._left and not await self.files.names(self._directory):
                    await self.files.remove_tree(self._directory)

    async def _upload(self, media: Media, staged: Staged, job: int) -> None:
        async with self._uploads:
            meter = self._meter(staged, job, Direction.UPLOAD, media.size_bytes)
            try:
                await self.files.upload(media.path, staged.source, meter.report)
            except OSError as exc:
                require_unchanged(media.path, media.identity)
                raise UnreadableMediaError(media.path, f"cannot be read: {exc.strerror}") from exc
            except TransferError:
                require_unchanged(media.path, media.identity)
                raise
            meter.finish()
        require_unchanged(media.path, media.identity)

    def _meter(self, staged: Staged, job: int, direction: Direction, total_bytes: int) -> Meter:
        begun = Transfer(
            time=self.clock(),
            job=job,
            attempt=staged.attempt,
            media=staged.media,
            host=self.host,
            cluster=self.cluster,
            direction=direction,
            done_bytes=0,
            total_bytes=total_bytes,
        )
        return Meter(begun, self.emit, self.clock)


def copied_names(planned: PlannedJob, attempt: str, run: str, working_dir: str) -> Staged:
    """Returns the names for a host that works on copies: plain ones, whatever the source is called."""
    partial = planned.partial(planned.final.parent, attempt)
    directory = below(run_directory(working_dir, run), _directory_name(attempt, run))
    return Staged(
        attempt=attempt,
        media=planned.media.path,
        source=below(directory, f"source{_plain_extension(planned.media.path)}"),
        output=below(directory, f"output{split_extension(partial.name)[1]}"),
        fetched=partial,
        partial=partial,
        covers={stream.index: below(directory, f"cover.{stream.index}") for stream in planned.covers},
    )


def _require_room(fetched: Path, size_bytes: int) -> None:
    """Raises ReplaceError for an output that would fill our disk: nobody but its host has looked at it so far.

    There is no bound by the source: a lossless output may be many times as large.
    """
    try:
        disk = shutil.disk_usage(fetched.parent)
    except OSError as exc:
        raise explain(exc, fetched.parent) from exc
    if disk.total and size_bytes > disk.free - MARGIN_BYTES:  # some network shares tell of no size at all
        raise ReplaceError(
            f"this machine has no space left for {printable(fetched.parent)}: "
            f"the output has {size_bytes} bytes, {disk.free} are free"
        )


def _directory_name(attempt: str, run: str) -> str:
    return attempt.removeprefix(f"{run}-")


def _plain_extension(path: Path) -> str:
    """Returns the extension of a source, by which ffmpeg tells some containers apart, unless a host might mind it."""
    return path.suffix if _PLAIN.fullmatch(path.suffix) else ""
