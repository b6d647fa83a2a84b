"""The asyncio shell: performs what the scheduler decides and feeds back what happened. Prints nothing.

Every event goes through `Runner.emit`, in order: journal, observers, scheduler; what the scheduler answers is done
next. The tasks of a run are children of one task group.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from pytranscoder import __version__
from pytranscoder.encode.attempt import Attempt, Tools
from pytranscoder.encode.choose import Chooser, PlannedJob, Policy
from pytranscoder.encode.equipment import Setup
from pytranscoder.encode.outcomes import Totals, finished_event, ready_event
from pytranscoder.encode.progress import report_every_s
from pytranscoder.encode.recovery import recover_dead_runs
from pytranscoder.encode.replace import Checkpoint, pass_by
from pytranscoder.errors import Fault
from pytranscoder.fleet import RETRY_S, Fleet, Member
from pytranscoder.hosts.agents.trust import Trust, default_trust_folder
from pytranscoder.hosts.completion import all_or_none
from pytranscoder.hosts.ffmpeg import find_local_ffmpeg
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.intake import Desk, Intake
from pytranscoder.jobs import events
from pytranscoder.jobs.actions import Action, BeginEncode, FinishJob, RestHost, StartAttempt, StopAttempt
from pytranscoder.jobs.events import LOCAL_HOST, Event, JobFinished, Notice, Outcome
from pytranscoder.jobs.health import DEFAULT_PAUSES, Pauses
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.lacks import Lacks
from pytranscoder.jobs.pruner import QueuePruner
from pytranscoder.jobs.scheduler import Scheduler
from pytranscoder.jobs.sources import Request
from pytranscoder.media.prober import Prober
from pytranscoder.rehearsal import Rehearsal
from pytranscoder.stop_signals import on_stop_signals


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is to do, on which hosts. `ffmpeg` is the configured one of this machine; None finds one.

    Jobs that no host can take any more wait for one `patience_s` seconds. Hosts that are out are tried again every
    `retry_s` seconds. `trust` is what agents are known by, the user's own unless it is given.
    """

    run: str
    requests: Sequence[Request]
    policy: Policy
    hosts: Sequence[Member]
    ffmpeg: str | None = None
    one_at_a_time: bool = False
    notices: Sequence[Notice] = ()
    patience_s: float = 600.0
    retry_s: float = RETRY_S
    pauses: Pauses = DEFAULT_PAUSES
    trust: Trust | None = None
    checkpoint: Checkpoint = pass_by


@dataclass(slots=True)
class _Running:
    """An attempt that is under way, and what lets it encode when it was staged ahead."""

    task: asyncio.Task[None]
    slot: asyncio.Event | None = None


@dataclass(slots=True)
class _State:
    """How far a run is."""

    jobs: dict[int, PlannedJob] = field(default_factory=dict)
    attempts: dict[str, _Running] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    interrupted: bool = False


class Runner:
    """Brings every job of an order to its outcome. Observers see all events; the journal is None in a dry run.

    Raises UsageError when a profile, template or mixin that the order names does not exist.
    """

    def __init__(self, order: Order, journal: Journal | None, observers: Sequence[Callable[[Event], None]]) -> None:
        self._order = order
        self._journal = journal
        self._observers = observers
        specs = [member.spec for member in order.hosts]
        self._scheduler = Scheduler(
            order.run,
            specs,
            one_at_a_time=order.one_at_a_time,
            patience_s=order.patience_s,
            pauses=order.pauses,
        )
        encodes = len(specs) if order.one_at_a_time else sum(sum(spec.slots.values()) for spec in specs)
        chooser = Chooser(order.policy, report_every_s(encodes, order.policy.stall_after_s))
        for request in order.requests:
            chooser.check(request.selection)
        self._pruner = QueuePruner(time.monotonic, self._noting)
        desk = Desk(self.emit, self._take_ready, self._end)
        self._intake = Intake(chooser, self._pruner, desk, dry_run=journal is None)
        self._copying = {spec.key for spec in specs if spec.copies}
        self._lacks = Lacks(specs)
        self._rehearsal: Rehearsal | None = None
        self._asking: asyncio.Task[None] | None = None
        self._events: deque[Event] = deque()
        self._state = _State()

    async def run(self) -> events.RunFinished:
        """Runs the order and returns the last event.

        Raises UsageError when a list of files cannot be read, StateError when the journal cannot be written.
        """
        started = events.RunStarted(
            time=time.time(),
            run=self._order.run,
            version=__version__,
            dry_run=self._journal is None,
            hosts=tuple(member.key for member in self._order.hosts),
        )
        with on_stop_signals(self._interrupt):
            async with Prober() as prober:
                requests = await self._begin(started)
                if not self._state.interrupted:
                    await self._work(requests, prober)
            self._pruner.flush()
            finished = self._state.totals.finished(
                started, time.time(), interrupted=self._state.interrupted, no_host=bool(self._scheduler.unusable)
            )
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
        if isinstance(event, events.JobReady | events.HostReady):
            self._tell_lacks(event)
        if isinstance(event, events.JobQueued) and event.source_bytes:
            self._fleet.show_sample(event.cluster, event.media)
        self._check_drained()

    def _perform(self, action: Action) -> None:
        match action:
            case StartAttempt():
                self._start_attempt(action)
            case BeginEncode():
                slot = self._state.attempts[action.attempt].slot
                if slot is not None:
                    slot.set()
            case StopAttempt():
                # Not at once: a task that is cancelled before its first step never gets to tell of its end.
                asyncio.get_running_loop().call_soon(self._state.attempts[action.attempt].task.cancel)
            case RestHost():
                self._fleet.rest((action.cluster, action.host), action.pause_s, action.reason)
            case FinishJob():
                self._end(finished_event(action, self._state.jobs.pop(action.job), time.time()))

    def _tell_lacks(self, event: events.JobReady | events.HostReady) -> None:
        for notice in self._lacks.find(event):
            self.emit(notice)

    def _check_drained(self) -> None:
        if self._intake.is_done and self._scheduler.idle:
            self._state.drained.set()
        elif self._scheduler.unusable and self._intake.found.is_set():
            wanted = {request.cluster for request in self._order.requests}
            if wanted <= self._scheduler.unusable:  # every file that was named is a job by now, and is told of
                self._intake.cancel("no usable host")

    async def _begin(self, started: events.RunStarted) -> Sequence[Request]:
        """Starts the run and returns what is still to do once what dead runs left is dealt with."""
        order = self._order
        trust = order.trust or Trust(default_trust_folder())
        setup = Setup(order.run, self._journal, self.emit, trust, order.policy.fls_path)
        self._fleet = Fleet(self._order.hosts, setup, self._order.retry_s)
        self.emit(started)
        for notice in self._order.notices:
            self.emit(notice)
        requests = self._order.requests
        return requests if self._journal is None else await self._recover(self._journal, started.time, requests)

    async def _recover(self, journal: Journal, begun: float, requests: Sequence[Request]) -> Sequence[Request]:
        lists = {request.path for request in requests if request.is_list and request.path.exists()}
        recovery = recover_dead_runs(journal, begun, at=self._order.checkpoint)
        for text in await asyncio.to_thread(list, recovery):
            self.emit(Notice(time=time.time(), level="warning", text=text))
        # A list that is empty and gone now, as its last file was finished, is no mistake of the user's.
        gone = {path for path in lists if not path.exists()}
        return [request for request in requests if request.path not in gone]

    async def _work(self, requests: Sequence[Request], prober: Prober) -> None:
        async with all_or_none() as self._group:
            if self._journal is not None:
                self._tools = self._make_tools(self._journal, prober)
            keeping = self._group.create_task(self._fleet.keep())
            await self._take_in(requests, prober)
            await self._state.drained.wait()
            keeping.cancel()

    async def _take_in(self, requests: Sequence[Request], prober: Prober) -> None:
        if self._journal is not None:
            await self._intake.run(requests, prober, _at_once)
        else:
            self._rehearsal = Rehearsal(
                self._order.run,
                self._order.policy.fls_path,
                self._fleet,
                self._scheduler,
                self.emit,
                self._end,
                self._tell_lacks,
            )
            await self._intake.run(requests, prober, self._hosts_checked)
            if not self._state.interrupted:
                self._asking = self._group.create_task(self._rehearsal.end_with_warnings())
                await asyncio.wait([self._asking])
        self._check_drained()

    async def _hosts_checked(self) -> None:
        await self._intake.found.wait()
        for cluster in {request.cluster for request in self._order.requests}:
            self._fleet.show_sample(cluster, None)
        await self._fleet.answered()

    def _take_ready(self, number: int, planned: PlannedJob) -> None:
        if self._rehearsal is not None:
            self._rehearsal.take(number, planned)
            return
        self._state.jobs[number] = planned
        self.emit(ready_event(number, planned, time.time()))

    def _start_attempt(self, action: StartAttempt) -> None:
        # Media that is copied is on its way before its slot is free; `BeginEncode` will say when it is.
        slot = asyncio.Event() if (action.cluster, action.host) in self._copying else None
        task = self._group.create_task(self._run_attempt(action, slot))
        self._state.attempts[action.attempt] = _Running(task, slot)

    async def _run_attempt(self, action: StartAttempt, slot: asyncio.Event | None) -> None:
        begun = time.time()
        ended: Event | None = None
        try:
            host = self._fleet.host((action.cluster, action.host))
            attempt = Attempt(self._state.jobs[action.job], action.job, action.attempt, host, self._tools, slot)
            ended = await attempt.run()
        finally:
            del self._state.attempts[action.attempt]
            self.emit(_stopped(action, time.time(), begun) if ended is None else ended)

    def _make_tools(self, journal: Journal, prober: Prober) -> Tools:
        return Tools(
            run=self._order.run,
            journal=journal,
            prober=prober,
            emit=self.emit,
            clock=time.time,
            stall_after_s=self._order.policy.stall_after_s,
            local=LocalTransport(LOCAL_HOST),
            local_ffmpeg=lambda: find_local_ffmpeg(self._order.ffmpeg),
            checkpoint=self._order.checkpoint,
        )

    def _end(self, event: JobFinished) -> None:
        self._state.totals.add(event)
        self.emit(event)
        self._pruner.settle(event.job, settled=event.settled, at_once=event.outcome is Outcome.ENCODED)
        if self._journal is not None and event.outcome is Outcome.ENCODED and event.attempt is not None:
            self._journal.end_replacement(event.attempt)

    def _noting(self, aside: Path) -> AbstractContextManager[None]:
        if self._journal is None:
            raise AssertionError("a dry run writes nothing")
        return self._journal.noting(aside, self._order.run)

    def _interrupt(self) -> None:
        if self._state.interrupted:
            return  # all is being stopped already; to cancel again would cut off the clean-up
        self._state.interrupted = True
        self.emit(events.CancelRequested(time=time.time()))
        self._intake.cancel("interrupted")
        if self._asking is not None:
            self._asking.cancel()


async def _at_once() -> None:
    """The gate of a run that plans while hosts are still being checked."""


def _stopped(action: StartAttempt, now: float, begun: float) -> events.AttemptFailed:
    return events.AttemptFailed(
        time=now,
        job=action.job,
        attempt=action.attempt,
        host=action.host,
        cluster=action.cluster,
        fault=Fault.HOST,
        reason="stopped",
        stopped=True,
        seconds=now - begun,
    )
