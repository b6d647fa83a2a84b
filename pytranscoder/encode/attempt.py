"""One attempt at one job on one host, from claim to clean-up: the only lifecycle there is.

Kinds of hosts differ in the transport and the staging that are given to it. It decides nothing about other attempts.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.ending import failure, require_success
from pytranscoder.encode.progress import saving
from pytranscoder.encode.replace import Checkpoint, pass_by, replace, require_free, require_unchanged
from pytranscoder.encode.staging import Staged, Staging
from pytranscoder.encode.threshold import misses_threshold, why_rejected
from pytranscoder.encode.verify import longest_frame_s, require_ends, require_streams, require_whole
from pytranscoder.encode.watch import Watch, Watched
from pytranscoder.errors import (
    AttemptError,
    CapacityError,
    EncodeError,
    EncodeFailedError,
    HostError,
    MediaError,
    ReplaceError,
    StalledError,
    UnfitError,
    UnreadableMediaError,
    VerifyError,
    printable,
)
from pytranscoder.hosts.completion import all_or_none
from pytranscoder.hosts.ffmpeg import Ffmpeg
from pytranscoder.hosts.transport import Transport
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    EncodeEnded,
    EncodeStarted,
    Event,
    MediaStaged,
    Outcome,
)
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.media.model import Ends
from pytranscoder.media.prober import Prober
from pytranscoder.profiles.command import cover_argv, expected_duration_s


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that can encode, ready to be used."""

    transport: Transport
    staging: Staging
    ffmpeg: Ffmpeg
    cluster: str | None = None

    @property
    def name(self) -> str:
        """The name of the host."""
        return self.transport.host


@dataclass(frozen=True, slots=True)
class Tools:
    """What all attempts of a run share. `clock` returns Unix seconds.

    `local` runs commands on this machine; `local_ffmpeg` returns the path of its ffmpeg or raises FfmpegMissingError.
    """

    run: str
    journal: Journal
    prober: Prober
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    stall_after_s: float
    local: Transport
    local_ffmpeg: Callable[[], str]
    checkpoint: Checkpoint = pass_by


@dataclass(frozen=True, slots=True)
class _Result:
    outcome: Outcome
    output_bytes: int | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    settled: bool = True


class Attempt:
    """One try of `job` on `host`; `attempt` is its id.

    With a `slot`, media is staged ahead: the attempt says so, and waits for the slot before it encodes.
    """

    def __init__(
        self,
        planned: PlannedJob,
        job: int,
        attempt: str,
        host: Host,
        tools: Tools,
        slot: asyncio.Event | None = None,
    ) -> None:
        self._planned = planned
        self._job = job
        self._attempt = attempt
        self._host = host
        self._tools = tools
        self._slot = slot
        self._started = tools.clock()

    async def run(self) -> AttemptSucceeded | AttemptFailed:
        """Runs the attempt to its end; whatever fails comes back as a value, only cancellation is raised."""
        try:
            return self._succeeded(await self._run())
        except AttemptError as exc:
            return self._failed(exc)
        except Exception as exc:  # noqa: BLE001  # the attempt's boundary: one job's trouble must not end the others
            error = EncodeError(f"unexpected {type(exc).__name__}: {exc}")
            error.__cause__ = exc
            return self._failed(error)

    async def _run(self) -> _Result:
        source = self._planned.media.path
        async with self._claimed() as other:
            if other is not None:
                return _Result(Outcome.SKIPPED, reason=f"left to run {other}, which works on it", settled=False)
            if self._is_own_output():
                return _Result(
                    Outcome.SKIPPED, reason="it was made by an earlier run; name the file itself to encode it"
                )
            if self._is_made_already():
                return _Result(
                    Outcome.SKIPPED, reason=f"{printable(self._planned.final.name)} was made from it already"
                )
            require_free(self._planned.final, source)
            if self._planned.profile.verify_by_decoding:
                self._decoder()  # to know now, and not after the encode, that there is none
            async with self._host.staging.stage(self._planned, self._job, self._attempt) as staged:
                await self._wait_for_slot()
                return await self._encode_and_replace(staged)

    def _is_own_output(self) -> bool:
        """Whether this is what a run that keeps its sources left here, found again with its folder."""
        media = self._planned.media
        if self._planned.remove_source or self._planned.source.named:
            return False
        return self._tools.journal.is_output(media.path, media.size_bytes)

    def _is_made_already(self) -> bool:
        """Whether the output of an earlier run that kept the source is still there."""
        planned = self._planned
        if planned.remove_source or not planned.final.exists():
            return False
        return self._tools.journal.was_produced(
            planned.final, planned.media.path, planned.media.size_bytes, planned.profile.name
        )

    @asynccontextmanager
    async def _claimed(self) -> AsyncIterator[str | None]:
        journal, source = self._tools.journal, self._planned.media.path
        other = journal.claim(source, self._tools.run)
        try:
            yield other
        finally:
            if other is None:
                journal.release(source, self._tools.run)

    async def _wait_for_slot(self) -> None:
        if self._slot is None:
            return
        host = self._host
        self._tools.emit(
            MediaStaged(
                time=self._tools.clock(), job=self._job, attempt=self._attempt, host=host.name, cluster=host.cluster
            )
        )
        await self._slot.wait()

    async def _encode_and_replace(self, staged: Staged) -> _Result:
        seen, ends = await self._encode_while_examining(staged)
        if seen.rejection is not None:
            return _Result(Outcome.REJECTED, reason=seen.rejection)
        self._tools.emit(
            EncodeEnded(time=self._tools.clock(), job=self._job, attempt=self._attempt, host=self._host.name)
        )
        await self._host.staging.fetch(staged, self._job, seen.last.output_bytes if seen.last else None)
        output_bytes = await self._verify(staged, ends)
        profile, saved = self._planned.profile, saving(self._planned.media.size_bytes, output_bytes)
        if misses_threshold(profile, saved):
            return _Result(Outcome.REJECTED, output_bytes, why_rejected(profile, saved))
        notes = await self._replace(staged, output_bytes)
        return _Result(Outcome.ENCODED, output_bytes, notes=notes)

    async def _encode_while_examining(self, staged: Staged) -> tuple[Watched, Ends]:
        """Encode; meanwhile read where the source ends, as a damaged one shall not cost a night."""
        async with all_or_none() as group:
            ends = group.create_task(self._examine_source())
            seen = group.create_task(self._encode(staged))
        return seen.result(), ends.result()

    async def _examine_source(self) -> Ends:
        ends = await self._tools.prober.examine(self._planned.media.path)
        if not self._planned.profile.accept_damaged:
            require_whole(self._planned.media, ends)
        return ends

    async def _encode(self, staged: Staged) -> Watched:
        await self._extract_covers(staged)
        argv = self._planned.argv(self._host.ffmpeg.path, staged.source, staged.output, staged.covers)
        self._announce(argv)
        async with self._host.transport.supervise(argv, staged.output) as ffmpeg:
            seen = await self._watch.follow(ffmpeg)
            if seen.rejection is not None:
                return seen
            status = await ffmpeg.wait()
        name = printable(self._planned.final.name)
        require_success(self._host.name, name, argv, status, ffmpeg.stderr_tail, seen.last)
        return seen

    @property
    def _watch(self) -> Watch:
        tools = self._tools
        return Watch(
            self._planned, self._job, self._attempt, self._host.name, tools.emit, tools.clock, tools.stall_after_s
        )

    async def _extract_covers(self, staged: Staged) -> None:
        for stream in self._planned.covers:
            cover = staged.covers[stream.index]
            argv = cover_argv(self._host.ffmpeg.path, staged.source, stream, cover)
            try:
                async with asyncio.timeout(self._tools.stall_after_s):
                    status, stderr_tail = await _run_to_end(self._host.transport, argv, cover)
            except TimeoutError as exc:
                raise StalledError(self._tools.stall_after_s) from exc
            if status != 0:
                raise failure(argv, status, stderr_tail)

    async def _verify(self, staged: Staged, ends: Ends) -> int:
        """Checks the output itself and returns its size in bytes."""
        prober, planned = self._tools.prober, self._planned
        try:
            output = await prober.probe(staged.fetched)
            output_ends = await prober.examine(staged.fetched)
        except UnreadableMediaError as exc:
            require_unchanged(
                planned.media.path, planned.media.identity
            )  # a share that is gone took both files with it
            raise VerifyError(f"the output cannot be read: {exc.reason}") from exc
        require_streams(output, planned.expected)
        expected_s = expected_duration_s(planned.profile, ends.end_s)
        require_ends(ends, output_ends, expected_s, planned.whole_kinds, longest_frame_s(planned.media, output))
        if planned.profile.verify_by_decoding:
            await self._decode(staged)
        return output.size_bytes

    async def _decode(self, staged: Staged) -> None:
        reading = ("-nostdin", "-v", "error", "-xerror", "-i", str(staged.fetched))
        # Copied sound of DVDs may step back by a tick, of which the muxer complains; only what decodes is looked at.
        renumbered = ("-af", "asetpts=N/SR/TB")
        argv = (self._decoder(), *reading, "-map", "0:v?", "-map", "0:a?", *renumbered, "-f", "null", "-")
        # An empty partial name: whatever the decoder does, the output is not its to remove.
        with _no_fault_of_the_host():
            status, stderr_tail = await _run_to_end(self._tools.local, argv, "")
        if status != 0 or stderr_tail:
            raise VerifyError(f"the output does not decode: {EncodeFailedError(argv, status, stderr_tail)}")

    def _decoder(self) -> str:
        with _no_fault_of_the_host():
            return self._tools.local_ffmpeg()

    async def _replace(self, staged: Staged, output_bytes: int) -> tuple[str, ...]:
        planned = self._planned
        intent = Replacement(
            attempt=self._attempt,
            run=self._tools.run,
            job=self._job,
            source=planned.media.path,
            identity=planned.media.identity,
            output=staged.fetched,
            partial=staged.partial,
            final=planned.final,
            output_bytes=output_bytes,
            remove_source=planned.remove_source,
            profile=planned.profile.name,
            queue_file=planned.source.queue_file,
        )
        stop = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(
            None, lambda: replace(intent, self._tools.journal, at=self._tools.checkpoint, stopped=stop.is_set)
        )
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:  # as often as it comes: the files must not go while the thread has them
                stop.set()
        if stop.is_set() and work.exception() is not None:
            raise asyncio.CancelledError from work.exception()
        return work.result()  # also when stopped: past the point of no return the truth is that the job is encoded

    def _announce(self, argv: tuple[str, ...]) -> None:
        media = self._planned.media
        self._tools.emit(
            EncodeStarted(
                time=self._tools.clock(),
                job=self._job,
                attempt=self._attempt,
                host=self._host.name,
                cluster=self._host.cluster,
                media=media.path,
                profile=self._planned.profile.name,
                queue=self._planned.profile.queue,
                argv=argv,
                duration_s=media.duration_s,
                source_bytes=media.size_bytes,
                notes=self._planned.notes,
            )
        )

    def _succeeded(self, result: _Result) -> AttemptSucceeded:
        return AttemptSucceeded(
            time=self._tools.clock(),
            job=self._job,
            attempt=self._attempt,
            host=self._host.name,
            outcome=result.outcome,
            seconds=self._tools.clock() - self._started,
            source_bytes=self._planned.media.size_bytes,
            output_bytes=result.output_bytes,
            output=self._planned.final if result.outcome is Outcome.ENCODED else None,
            reason=result.reason,
            notes=result.notes,
            settled=result.settled,
        )

    def _failed(self, exc: AttemptError) -> AttemptFailed:
        return AttemptFailed(
            time=self._tools.clock(),
            job=self._job,
            attempt=self._attempt,
            host=self._host.name,
            fault=exc.fault,
            reason=str(exc),
            seconds=self._tools.clock() - self._started,
            retry_here=exc.retry_here,
            no_capacity=isinstance(exc, CapacityError),
            unfit=isinstance(exc, UnfitError),
            final=isinstance(exc, MediaError | ReplaceError),  # another host could do nothing about it
            detail=_detail(exc),
            cluster=self._host.cluster,
        )


@contextmanager
def _no_fault_of_the_host() -> Iterator[None]:
    """Tells what goes wrong in this machine from what does in the host, which may have any name, also ``local``."""
    try:
        yield
    except HostError as exc:
        raise ReplaceError(f"this machine cannot check the output: {exc.reason}") from exc


async def _run_to_end(transport: Transport, argv: tuple[str, ...], partial: str) -> tuple[int, tuple[str, ...]]:
    async with transport.supervise(argv, partial) as ffmpeg:
        async for _ in ffmpeg.lines():
            pass
        status = await ffmpeg.wait()
    return status, ffmpeg.stderr_tail


def _detail(exc: AttemptError) -> str:
    """Returns what helps a person to find the cause: the command and ffmpeg's last lines, or what lay below."""
    if isinstance(exc, EncodeFailedError):
        return "\n".join((exc.command, *exc.stderr_tail))
    return f"{type(exc.__cause__).__name__}: {exc.__cause__}" if exc.__cause__ else ""
