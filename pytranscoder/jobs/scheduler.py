"""Who encodes what, when. Pure: events in, actions out; it runs nothing and reads no clock.

Invariants, checked by `Scheduler.check`: no slot over its number, no job in two places, none lost, none tried more
than `MAX_ATTEMPTS` times.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    CancelRequested,
    EncodeEnded,
    Event,
    HostReady,
    JobReady,
    Outcome,
)

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Begins this attempt of this job on this host."""

    job: int
    attempt: str
    host: str


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """Stops this attempt; its end is awaited like any other."""

    job: int
    attempt: str


@dataclass(frozen=True, slots=True)
class FinishJob:
    """The job has its outcome. `last` is how its last attempt ended, None when it had none."""

    job: int
    outcome: Outcome
    reason: str | None = None
    last: AttemptSucceeded | AttemptFailed | None = None


Action = StartAttempt | StopAttempt | FinishJob


@dataclass(slots=True)
class _Job:
    """A job without an outcome. `started` numbers its attempts, `attempts` leaves out those that lacked capacity."""

    ready: JobReady
    started: int = 0
    attempts: int = 0
    attempt: str | None = None
    tried: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Slots:
    """One queue of one host: its slots, and the jobs that are encoded or published there now."""

    number: int
    encoding: set[int] = field(default_factory=set)
    publishing: set[int] = field(default_factory=set)

    def has_room(self) -> bool:
        # As many outputs may wait for their verification and replacement as there are slots; with a slow disk,
        # encoding ahead of that would only fill it.
        waiting = max(0, len(self.publishing) - self.number)
        return len(self.encoding) + waiting < self.number

    def release(self, job: int) -> None:
        self.encoding.discard(job)
        self.publishing.discard(job)


class Scheduler:
    """Decides which job goes to which slot and what follows when an attempt ends.

    `run` makes attempt ids unique among runs. Longest first where a queue has several slots, in the given order
    otherwise (longest-first ends within 1.03 of the lower bound in simulation, first-come within 1.12).
    """

    def __init__(self, run: str, *, one_at_a_time: bool = False) -> None:
        self._run = run
        self._one_at_a_time = one_at_a_time
        self._hosts: dict[str, dict[str, _Slots]] = {}
        self._jobs: dict[int, _Job] = {}
        self._waiting: dict[str, list[tuple[float, int]]] = {}
        self._cancelled = False

    @property
    def idle(self) -> bool:
        """Whether every job that was ready so far has its outcome."""
        return not self._jobs

    def handle(self, event: Event, now: float) -> list[Action]:  # noqa: ARG002  # hosts will rest until a time
        """Takes in what happened and returns what to do about it, in this order."""
        match event:
            case HostReady():
                self._hosts[event.host] = {queue: _Slots(number) for queue, number in event.slots.items()}
                return list(self._fill())
            case JobReady():
                return list(self._accept(event))
            case EncodeEnded():
                self._move_to_publishing(event)
                return list(self._fill())
            case AttemptSucceeded() | AttemptFailed():
                return list(self._end_attempt(event))
            case CancelRequested():
                return list(self._cancel())
        return []

    def check(self) -> None:
        """Raises AssertionError when an invariant does not hold."""
        places = [job for queues in self._hosts.values() for slots in queues.values() for job in _everywhere(slots)] + [
            job for heap in self._waiting.values() for _, job in heap
        ]
        if sorted(places) != sorted(self._jobs):
            raise AssertionError(f"jobs {sorted(self._jobs)} are in places {sorted(places)}")
        for queues in self._hosts.values():
            for name, slots in queues.items():
                if len(slots.encoding) > slots.number:
                    raise AssertionError(f"queue {name} runs {slots.encoding} in {slots.number} slots")
        if any(job.attempts > MAX_ATTEMPTS for job in self._jobs.values()):
            raise AssertionError("a job was tried too often")

    def _accept(self, ready: JobReady) -> Iterator[Action]:
        if self._cancelled:
            yield FinishJob(ready.job, Outcome.CANCELLED, "interrupted")
            return
        if not any(ready.queue in queues for queues in self._hosts.values()):
            yield FinishJob(ready.job, Outcome.FAILED, f"no host has a queue {ready.queue}")
            return
        self._jobs[ready.job] = _Job(ready)
        self._wait(ready)
        yield from self._fill()

    def _wait(self, ready: JobReady) -> None:
        slots = sum(queues[ready.queue].number for queues in self._hosts.values() if ready.queue in queues)
        longest_first = slots > 1 and not self._one_at_a_time
        key = -ready.work if longest_first else 0.0
        heapq.heappush(self._waiting.setdefault(ready.queue, []), (key, ready.job))

    def _fill(self) -> Iterator[Action]:
        while not self._cancelled and (place := self._next_place()):
            host, queue, job = place
            state = self._jobs[job]
            state.started += 1
            state.attempts += 1
            state.attempt = f"{self._run}-{job}-{state.started}"
            self._hosts[host][queue].encoding.add(job)
            yield StartAttempt(job, state.attempt, host)

    def _next_place(self) -> tuple[str, str, int] | None:
        """Takes the job that comes first among those for which a slot is free."""
        free = [
            (head, host, queue)
            for host, queues in self._hosts.items()
            for queue, slots in queues.items()
            if slots.has_room() and self._may_start_on(host) and (head := self._first_waiting(host, queue)) is not None
        ]
        if not free:
            return None
        (key, job), host, queue = min(free)
        waiting = self._waiting[queue]
        if waiting[0] == (key, job):
            heapq.heappop(waiting)
        else:
            waiting.remove((key, job))
            heapq.heapify(waiting)
        return host, queue, job

    def _may_start_on(self, host: str) -> bool:
        return not (self._one_at_a_time and any(slots.encoding for slots in self._hosts[host].values()))

    def _first_waiting(self, host: str, queue: str) -> tuple[float, int] | None:
        waiting = self._waiting.get(queue, [])
        if waiting and host not in self._jobs[waiting[0][1]].tried:
            return waiting[0]
        return min((entry for entry in waiting if host not in self._jobs[entry[1]].tried), default=None)

    def _move_to_publishing(self, event: EncodeEnded) -> None:
        job = self._jobs.get(event.job)
        if job is not None and job.attempt == event.attempt:
            slots = self._hosts[event.host][job.ready.queue]
            slots.encoding.discard(event.job)
            slots.publishing.add(event.job)

    def _end_attempt(self, event: AttemptSucceeded | AttemptFailed) -> Iterator[Action]:
        job = self._jobs.get(event.job)
        if job is None or job.attempt != event.attempt:
            return  # the result of an attempt that is no longer the job's is thrown away
        slots = self._hosts[event.host][job.ready.queue]
        slots.release(event.job)
        if isinstance(event, AttemptFailed) and not self._cancelled and self._comes_back(job, event, slots):
            job.attempt = None
            self._wait(job.ready)
        else:
            del self._jobs[event.job]
            yield self._verdict(event)
        yield from self._fill()

    def _comes_back(self, job: _Job, event: AttemptFailed, slots: _Slots) -> bool:
        """Whether the job waits for another attempt; where it may run is noted on the way."""
        if event.no_capacity and slots.encoding:
            # The encoder takes fewer sessions than there are slots: no failure, but one slot less for this run.
            slots.number = max(1, min(slots.number, len(slots.encoding)))
            job.attempts -= 1
            return True
        if job.attempts >= MAX_ATTEMPTS:
            return False
        if event.retry_here:
            return True
        job.tried.add(event.host)
        elsewhere = any(job.ready.queue in queues for host, queues in self._hosts.items() if host not in job.tried)
        return elsewhere and (event.fault is Fault.HOST or len(job.tried) == 1)

    def _verdict(self, event: AttemptSucceeded | AttemptFailed) -> FinishJob:
        if isinstance(event, AttemptSucceeded):
            return FinishJob(event.job, event.outcome, event.reason, event)
        outcome = Outcome.CANCELLED if self._cancelled else Outcome.FAILED
        return FinishJob(event.job, outcome, "interrupted" if self._cancelled else event.reason, event)

    def _cancel(self) -> Iterator[Action]:
        self._cancelled = True
        self._waiting.clear()
        for number, job in list(self._jobs.items()):
            if job.attempt is not None:
                yield StopAttempt(number, job.attempt)
            else:
                del self._jobs[number]
                yield FinishJob(number, Outcome.CANCELLED, "interrupted")


def _everywhere(slots: _Slots) -> list[int]:
    return [*slots.encoding, *slots.publishing]
