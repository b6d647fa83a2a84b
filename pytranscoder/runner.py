"""The asyncio shell: performs what the scheduler decides and feeds back what happened. Prints nothing.

Every event goes through `Runner.emit`, in order: journal, observers, scheduler; what the scheduler answers is done
next. The tasks of a run are children of one task group.
"""

import asyncio
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pytranscoder import __version__
from pytranscoder.encode.attempt import Attempt, Host, Tools
from pytranscoder.encode.choose import Chooser, PlannedJob, Policy, Skip
from pytranscoder.encode.outcomes import Totals, finished_event, planned_event, ready_event
from pytranscoder.encode.planner import Found, Plan, Planner, QueuedJob, find_files
from pytranscoder.encode.recovery import recover_dead_runs
from pytranscoder.encode.replace import Checkpoint, pass_by
from pytranscoder.encode.staging import InPlace
from pytranscoder.errors import Fault, FfmpegMissingError, first_leaf
from pytranscoder.hosts.ffmpeg import Ffmpeg, check_ffmpeg, find_local_ffmpeg
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.jobs import events
from pytranscoder.jobs.events import LOCAL_HOST, Event, JobFinished, Notice, Outcome
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.pruner import QueuePruner
from pytranscoder.jobs.scheduler import Action, FinishJob, Scheduler, StartAttempt, StopAttempt
from pytranscoder.jobs.sources import Request
from pytranscoder.media.prober import Prober

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is to do. `slots` has the number of each queue; `ffmpeg` is its configured path, None finds one."""

    run: str
    requests: Sequence[Request]
    policy: Policy
    slots: Mapping[str, int]
    ffmpeg: str | None = None
    one_at_a_time: bool = False
    notices: Sequence[Notice] = ()
    checkpoint: Checkpoint = pass_by


class Runner:
    """Brings every job of an order to its outcome. Observers see all events; the journal is None in a dry run.

    Raises UsageError when a profile, template or mixin that the order names does not exist.
    """

    def __init__(self, order: Order, journal: Journal | None, observers: Sequence[Callable[[Event], None]]) -> None:
        self._order = order
        self._requests = list(order.requests)
        self._journal = journal
        self._observers = observers
        self._scheduler = Scheduler(order.run, one_at_a_time=order.one_at_a_time)
        self._chooser = Chooser(order.policy)
        for request in order.requests:
            self._chooser.check(request.selection)
        self._pruner = QueuePruner(time.monotonic, self._noting)
        self._totals = Totals()
        self._events: deque[Event] = deque()
        self._numbers: dict[Path, int] = {}
        self._queued: dict[int, Found] = {}
        self._jobs: dict[int, PlannedJob] = {}
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._planning: list[asyncio.Task[None]] = []
        self._drained = asyncio.Event()
        self._planned = False
        self._interrupted = False
        self._no_host = False

    async def run(self) -> events.RunFinished:
        """Runs the order and returns the last event.

        Raises UsageError when a list of files cannot be read, StateError when the journal cannot be written.
        """
        started = events.RunStarted(
            time=time.time(), run=self._order.run, version=__version__, dry_run=self._journal is None
        )
        with self._stop_signals():
            async with Prober() as self._prober:
                await self._begin(started)
                await self._work_or_give_up()
            self._pruner.flush()
            finished = self._totals.finished(started, time.time(), interrupted=self._interrupted, no_host=self._no_host)
            self.emit(finished)
        return finished

    def emit(self, event: Event) -> None:
        """Tell everybody what happened and do what follows from it, one event after the other."""
        self._events.append(event)
        if len(self._events) > 1:
            return  # the call that is at work on the first one takes this one too
        while self._events:
            try:
                self._dispatch(self._events[0])
            finally:
                self._events.popleft()

    def _dispatch(self, event: Event) -> None:
        if self._journal is not None:
            self._journal.record(event)
        for observe in self._observers:
            observe(event)
        for action in self._scheduler.handle(event, event.time):
            self._perform(action)
        self._check_drained()

    def _perform(self, action: Action) -> None:
        match action:
            case StartAttempt():
                self._attempts[action.attempt] = self._group.create_task(self._run_attempt(action))
            case StopAttempt():
                self._attempts[action.attempt].cancel()
            case FinishJob():
                self._finish_job(action)

    def _check_drained(self) -> None:
        if self._planned and self._scheduler.idle and not self._queued:
            self._drained.set()

    async def _begin(self, started: events.RunStarted) -> None:
        self.emit(started)
        for notice in self._order.notices:
            self.emit(notice)
        if self._journal is not None:
            await self._recover(self._journal, started.time)

    async def _recover(self, journal: Journal, begun: float) -> None:
        lists = {request.path for request in self._requests if request.is_list and request.path.exists()}
        recovery = recover_dead_runs(journal, begun, at=self._order.checkpoint)
        for text in await asyncio.to_thread(list, recovery):
            self.emit(Notice(time=time.time(), level="warning", text=text))
        # A list that is empty and gone now, as its last file was finished, is no mistake of the user's.
        gone = {path for path in lists if not path.exists()}
        self._requests = [request for request in self._requests if request.path not in gone]

    async def _work_or_give_up(self) -> None:
        try:
            await self._work()
        except BaseExceptionGroup as group:
            error = first_leaf(group)
            if not isinstance(error, FfmpegMissingError):
                raise error from group
            self._no_host = True
            self.emit(events.HostUnavailable(time=time.time(), host=LOCAL_HOST, reason=error.reason))
            self._cancel_queued("no usable host")

    async def _work(self) -> None:
        if self._interrupted:
            return
        queue: asyncio.Queue[QueuedJob | None] = asyncio.Queue()
        async with asyncio.TaskGroup() as self._group:
            ffmpeg = self._group.create_task(self._check_host())
            planner = Planner(self._chooser, self._prober, self._order.slots, ffmpeg, time.time)
            self._planning = [
                self._group.create_task(self._find(queue)),
                self._group.create_task(planner.plan(queue, self._take_plan)),
            ]
            await asyncio.wait(self._planning)
            self._planned = True
            self._check_drained()
            await self._drained.wait()

    async def _check_host(self) -> Ffmpeg:
        self._transport = LocalTransport(LOCAL_HOST)
        try:
            self._ffmpeg = await check_ffmpeg(self._transport, find_local_ffmpeg(self._order.ffmpeg))
        except FfmpegMissingError:
            await asyncio.wait(self._planning[:1])  # every file that was named is a job, and is told of
            raise
        self.emit(
            events.HostReady(
                time=time.time(),
                host=LOCAL_HOST,
                ffmpeg=self._ffmpeg.path,
                ffmpeg_version=self._ffmpeg.version,
                slots=self._order.slots,
            )
        )
        return self._ffmpeg

    async def _find(self, queue: "asyncio.Queue[QueuedJob | None]") -> None:
        def take(found: Found) -> None:
            path = found.source.path
            is_new = path not in self._numbers
            number = self._numbers.setdefault(path, len(self._numbers) + 1)
            self._pruner.expect(number, found.source)
            if is_new:
                self._queued[number] = found
                self.emit(events.JobQueued(time=time.time(), job=number, media=path, source_bytes=found.size_bytes))
                queue.put_nowait(QueuedJob(number, found))

        await find_files(self._requests, take)
        self._pruner.complete()
        queue.put_nowait(None)

    def _take_plan(self, job: QueuedJob, plan: Plan) -> None:
        found = self._queued.pop(job.number)
        if isinstance(plan, PlannedJob):
            self._jobs[job.number] = plan
            self.emit(self._planned_event(job.number, plan))
        elif isinstance(plan, Skip):
            self._end_unplanned(job.number, found, Outcome.SKIPPED, plan.reason, plan.rule)
        else:
            self._end_unplanned(job.number, found, Outcome.FAILED, str(plan))

    def _planned_event(self, number: int, planned: PlannedJob) -> Event:
        if self._journal is not None:
            return ready_event(number, planned, time.time())
        output = planned.partial(self._order.policy.fls_path or planned.final.parent, f"{self._order.run}-{number}-1")
        argv = planned.argv(self._ffmpeg.path, str(planned.media.path), str(output), {})
        return planned_event(number, planned, argv, time.time())

    async def _run_attempt(self, action: StartAttempt) -> None:
        begun = time.time()
        attempt = Attempt(self._jobs[action.job], action.job, action.attempt, self._host(), self._tools())
        ended: Event | None = None
        try:
            ended = await attempt.run()
        finally:
            del self._attempts[action.attempt]
            self.emit(_stopped(action, time.time(), begun) if ended is None else ended)

    def _host(self) -> Host:
        staging = InPlace(self._require_journal(), self._order.run, self._order.policy.fls_path)
        return Host(self._transport, staging, self._ffmpeg)

    def _tools(self) -> Tools:
        return Tools(
            run=self._order.run,
            journal=self._require_journal(),
            prober=self._prober,
            emit=self.emit,
            clock=time.time,
            stall_after_s=self._order.policy.stall_after_s,
            checkpoint=self._order.checkpoint,
        )

    def _require_journal(self) -> Journal:
        if self._journal is None:
            raise AssertionError("a dry run writes nothing")
        return self._journal

    def _finish_job(self, action: FinishJob) -> None:
        self._end(finished_event(action, self._jobs.pop(action.job), time.time()))

    def _end_unplanned(self, number: int, found: Found, outcome: Outcome, reason: str, rule: str | None = None) -> None:
        self._end(
            JobFinished(
                time=time.time(),
                job=number,
                media=found.source.path,
                outcome=outcome,
                settled=outcome is Outcome.SKIPPED and self._journal is not None,
                source_bytes=found.size_bytes,
                rule=rule,
                reason=reason,
            )
        )

    def _end(self, event: JobFinished) -> None:
        self._totals.add(event)
        self.emit(event)
        self._pruner.settle(event.job, settled=event.settled, at_once=event.outcome is Outcome.ENCODED)
        if self._journal is not None and event.outcome is Outcome.ENCODED and event.attempt is not None:
            self._journal.end_replacement(event.attempt)

    def _noting(self, aside: Path) -> AbstractContextManager[None]:
        return self._require_journal().noting(aside, self._order.run)

    def _interrupt(self) -> None:
        if self._interrupted:
            return  # all is being stopped already; to cancel again would cut off the clean-up
        self._interrupted = True
        for task in self._planning:
            task.cancel()
        self.emit(events.CancelRequested(time=time.time()))
        self._cancel_queued("interrupted")

    def _cancel_queued(self, reason: str) -> None:
        queued, self._queued = self._queued, {}
        for number, found in queued.items():
            self._end_unplanned(number, found, Outcome.CANCELLED, reason)
        self._check_drained()

    @contextmanager
    def _stop_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            with suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt instead
                loop.add_signal_handler(number, self._interrupt)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                with suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
                    if self._interrupted:  # a user who presses Ctrl-C again must not cut off the end of the report
                        signal.signal(number, signal.SIG_IGN)


def _stopped(action: StartAttempt, now: float, begun: float) -> events.AttemptFailed:
    return events.AttemptFailed(
        time=now,
        job=action.job,
        attempt=action.attempt,
        host=action.host,
        fault=Fault.HOST,
        reason="stopped",
        seconds=now - begun,
    )
