"""Hosts in simulated time, as a scheduler sees them: they upload, encode and publish, and fail as their seed says.

It checks by its own books that no slot is taken twice, no job is in two places, and none is tried too often.
"""

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytranscoder.errors import Fault
from pytranscoder.jobs.actions import Action, BeginEncode, FinishJob, RestHost, StartAttempt, StopAttempt
from pytranscoder.jobs.events import Event, HostReady, JobReady, Outcome, Progress
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.jobs.scheduler import MAX_ATTEMPTS, Scheduler
from tests.jobs.samples import CANCEL, down, encoded, failed, progressed, staged, started, succeeded, up

RETRY_S = 60.0
GIVE_UP_AFTER_S = 1e9


@dataclass(frozen=True)
class Machinery:
    """A host: `speed` is work per second. It is away at first when it joins later than at 0."""

    spec: HostSpec
    speed: float = 1.0
    bytes_per_s: float = 1e8
    joins_at: float = 0.0
    encoders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mishaps:
    """How likely it is that an attempt fails, by what; every so many seconds some host is lost for a while."""

    host: float = 0.0
    file: float = 0.0
    capacity: float = 0.0
    upload: float = 0.0
    unfit: float = 0.0
    loss_every_s: float = 0.0
    broken: frozenset[str] = frozenset()


@dataclass
class Running:
    """One attempt: where it is, and whether it is encoding or was told to stop."""

    job: JobReady
    attempt: str
    host: Machinery
    is_encoding: bool = False
    is_stopped: bool = False


@dataclass
class World:
    """A cluster or several, with jobs that arrive at their times."""

    hosts: Sequence[Machinery]
    jobs: Sequence[JobReady]
    seed: int = 0
    mishaps: Mishaps = field(default_factory=Mishaps)
    one_at_a_time: bool = False
    is_checked: bool = True
    cancel_at: float | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        specs = [host.spec for host in self.hosts]
        self.scheduler = Scheduler("r", specs, one_at_a_time=self.one_at_a_time)
        self.tell_scheduler: Callable[[Event, float], list[Action]] = self.scheduler.handle
        self.by_key = {host.spec.key: host for host in self.hosts}
        self.ready = {job.job: job for job in self.jobs}
        self.now = 0.0
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.running: dict[str, Running] = {}
        self.usable: set[tuple[str | None, str]] = set()
        self.uploads: dict[tuple[str | None, str], deque[Running]] = {host.spec.key: deque() for host in self.hosts}
        self.encoding: Counter[tuple[object, str]] = Counter()
        self.slots: dict[tuple[object, str], int] = {}
        for host in self.hosts:
            for queue, slots in host.spec.slots.items():
                place = self.machine(host), queue
                self.slots[place] = min(slots, self.slots.get(place, slots))
        self.tries: Counter[int] = Counter()
        self.outcomes: dict[int, Outcome] = {}
        self.stale: list[Event] = []
        self.last_end = 0.0
        self.is_cancelled = False

    def run(self) -> "World":
        """Let time pass until every job has its outcome."""
        for host in self.hosts:
            self.at(host.joins_at, lambda host=host: self.come_up(host))  # type: ignore[misc]
            if host.joins_at > 0:
                self.tell(down(host.spec))
        for job in self.jobs:
            self.at(job.time, lambda job=job: self.tell(job))  # type: ignore[misc]
        if self.cancel_at is not None:
            self.at(self.cancel_at, self.cancel)
        if self.mishaps.loss_every_s:
            self.after(self.mishaps.loss_every_s, self.lose_some_host)
        while len(self.outcomes) < len(self.jobs):
            assert self.timers, "jobs are left and nothing will happen any more"
            self.now, _, act = heapq.heappop(self.timers)
            assert self.now < GIVE_UP_AFTER_S, "jobs are left and only hosts come and go"
            act()
        assert self.scheduler.idle
        return self

    def at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.timers, (time, next(self.order), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self.now + seconds, act)

    def tell(self, event: Event) -> None:
        actions = self.tell_scheduler(event, self.now)
        for action in actions:
            self.perform(action)
        if self.is_checked and (actions or not isinstance(event, Progress)):
            self.scheduler.check()

    def perform(self, action: Action) -> None:
        match action:
            case StartAttempt():
                self.start(action)
            case BeginEncode():
                self.begin_encode(self.running[action.attempt])
            case StopAttempt():
                self.stop(self.running[action.attempt])
            case FinishJob():
                assert action.job not in self.outcomes, "a job ended twice"
                self.outcomes[action.job] = action.outcome
                self.last_end = self.now
            case RestHost():
                host = self.by_key[action.cluster, action.host]
                self.usable.discard(host.spec.key)
                self.after(action.pause_s, lambda: self.come_up(host))

    def start(self, action: StartAttempt) -> None:
        assert not self.is_cancelled
        assert (action.cluster, action.host) in self.usable, "a host is used that is not up"
        assert not self.is_checked or all(it.job.job != action.job for it in self.running.values())
        self.tries[action.job] += 1
        assert self.tries[action.job] <= MAX_ATTEMPTS
        host = self.by_key[action.cluster, action.host]
        attempt = self.running[action.attempt] = Running(self.ready[action.job], action.attempt, host)
        if not host.spec.copies:
            self.begin_encode(attempt)
        else:
            self.uploads[host.spec.key].append(attempt)
            if len(self.uploads[host.spec.key]) == 1:
                self.upload(host)

    def upload(self, host: Machinery) -> None:
        """Copy what comes first, one after the other."""
        attempt = self.uploads[host.spec.key][0]

        def end() -> None:
            self.uploads[host.spec.key].popleft()
            if self.uploads[host.spec.key]:
                self.upload(host)
            if self.is_live(attempt) and self.random.random() < self.mishaps.upload:
                self.fail(attempt, Fault.HOST, retry_here=True)
            elif self.is_live(attempt):
                self.tell(staged(attempt.attempt, host.spec.name))

        self.after(attempt.job.source_bytes / host.bytes_per_s if self.is_live(attempt) else 0.0, end)

    def begin_encode(self, attempt: Running) -> None:
        assert not attempt.is_stopped
        assert not attempt.is_encoding
        attempt.is_encoding = True
        place = self.place(attempt)
        self.encoding[place] += 1
        assert self.encoding[place] <= self.slots[place], "more encodes than slots"
        self.after(0, lambda: self.encode(attempt))

    def encode(self, attempt: Running) -> None:
        """Tell of an encode's beginning and some of its progress, then end it in a random way."""
        if not self.is_live(attempt):
            return
        self.tell(started(attempt.attempt, attempt.job.job, time=self.now))
        seconds = attempt.job.work / attempt.host.speed
        for percent in (6, 30, 60, 90):
            self.after(seconds * percent / 100, lambda percent=percent: self.progress(attempt, percent))  # type: ignore[misc]
        draw, mishaps = self.random.random(), self.mishaps
        if attempt.host.spec.name in mishaps.broken or draw < mishaps.file:
            self.after(0.01 * seconds, lambda: self.fail(attempt, Fault.FILE))
        elif draw < mishaps.file + mishaps.host:
            is_passing = self.random.random() < 0.5
            self.after(draw * seconds, lambda: self.fail(attempt, Fault.HOST, retry_here=is_passing))
        elif draw < mishaps.file + mishaps.host + mishaps.capacity:
            self.after(1, lambda: self.lack_capacity(attempt))
        elif draw < mishaps.file + mishaps.host + mishaps.capacity + mishaps.unfit:
            self.after(1, lambda: self.refuse(attempt))
        else:
            self.after(seconds, lambda: self.publish(attempt))

    def progress(self, attempt: Running, percent: float) -> None:
        if self.is_live(attempt):
            self.tell(progressed(attempt.attempt, percent, time=self.now))

    def publish(self, attempt: Running) -> None:
        if self.is_live(attempt):
            self.free(attempt)
            self.after(self.random.random(), lambda: self.succeed(attempt))
            self.tell(encoded(attempt.attempt, attempt.host.spec.name, time=self.now))

    def succeed(self, attempt: Running) -> None:
        if self.is_live(attempt):
            del self.running[attempt.attempt]
            self.end(succeeded(attempt.attempt, attempt.host.spec.name, time=self.now))

    def lack_capacity(self, attempt: Running) -> None:
        if self.is_live(attempt):
            self.tries[attempt.job.job] -= self.encoding[self.place(attempt)] > 1
            self.fail(attempt, Fault.HOST, retry_here=True, no_capacity=True)

    def refuse(self, attempt: Running) -> None:
        if self.is_live(attempt):
            self.tries[attempt.job.job] -= 1
            self.fail(attempt, Fault.HOST, unfit=True)

    def fail(self, attempt: Running, fault: Fault, **values: bool) -> None:
        if attempt.attempt in self.running:
            if attempt.is_stopped:
                self.tries[attempt.job.job] -= 1
            del self.running[attempt.attempt]
            self.free(attempt)
            self.end(failed(attempt.attempt, attempt.host.spec.name, fault, time=self.now, **values))

    def end(self, event: Event) -> None:
        self.stale = [*self.stale[-9:], event]
        self.tell(event)
        if self.random.random() < 0.05:
            self.tell(self.random.choice(self.stale))

    def stop(self, attempt: Running) -> None:
        assert not attempt.is_stopped, "an attempt was stopped twice"
        attempt.is_stopped = True
        self.after(self.random.random(), lambda: self.fail(attempt, Fault.HOST))

    def free(self, attempt: Running) -> None:
        if attempt.is_encoding:
            attempt.is_encoding = False
            self.encoding[self.place(attempt)] -= 1

    def is_live(self, attempt: Running) -> bool:
        return attempt.attempt in self.running and not attempt.is_stopped

    def place(self, attempt: Running) -> tuple[object, str]:
        return self.machine(attempt.host), attempt.job.queue

    def machine(self, host: Machinery) -> object:
        return host.spec.machine or host.spec.key

    def come_up(self, host: Machinery) -> None:
        self.usable.add(host.spec.key)
        self.tell(self.welcome(host))

    def welcome(self, host: Machinery) -> HostReady:
        return up(host.spec, time=self.now, encoders=host.encoders)

    def lose_some_host(self) -> None:
        """Cut a cable: what runs there fails soon, before or after the host is known to be away."""
        host = self.random.choice(self.hosts)
        if host.spec.key in self.usable:
            for attempt in [it for it in self.running.values() if it.host is host]:
                self.after(4 * self.random.random(), lambda it=attempt: self.fail(it, Fault.HOST, retry_here=True))  # type: ignore[misc]
            self.after(2, lambda: self.be_away(host, self.random.randrange(1, 4)))
        self.after(self.mishaps.loss_every_s, self.lose_some_host)

    def be_away(self, host: Machinery, tries: int) -> None:
        self.usable.discard(host.spec.key)
        self.tell(down(host.spec, time=self.now))
        again = (lambda: self.come_up(host)) if tries == 0 else (lambda: self.be_away(host, tries - 1))
        self.after(RETRY_S, again)

    def cancel(self) -> None:
        self.is_cancelled = True
        self.tell(CANCEL)
