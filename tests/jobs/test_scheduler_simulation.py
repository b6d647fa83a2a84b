"""Thousands of jobs on several hosts that succeed and fail at random: the invariants hold after every event."""

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import Event, Outcome
from pytranscoder.jobs.scheduler import MAX_ATTEMPTS, FinishJob, Scheduler, StartAttempt, StopAttempt
from tests.jobs.samples import CANCEL, encoded, failed, host, ready, succeeded

HOSTS = {"a": {"default": 1, "cuda": 3}, "b": {"default": 2}, "c": {"cuda": 2, "qsv": 1}}
QUEUES = ("default", "default", "cuda", "cuda", "qsv", "nobody's")
OUTCOMES = (Outcome.ENCODED, Outcome.ENCODED, Outcome.ENCODED, Outcome.REJECTED, Outcome.SKIPPED)


@dataclass
class World:
    """The hosts, as a scheduler would see them: attempts run for a while and end in a random way."""

    random: random.Random
    scheduler: Scheduler
    queue_of: dict[int, str] = field(default_factory=dict)
    encoding: dict[str, str] = field(default_factory=dict)
    publishing: dict[str, str] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    attempts: set[str] = field(default_factory=set)
    ended: list[Event] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    stopping: set[str] = field(default_factory=set)
    cancelled: bool = False

    def tell(self, event: Event) -> None:
        for action in self.scheduler.handle(event, event.time):
            match action:
                case StartAttempt():
                    self.start(action)
                case StopAttempt():
                    self.stopping.add(action.attempt)
                case FinishJob():
                    assert action.job not in self.outcomes, "a job ended twice"
                    self.outcomes[action.job] = action.outcome
        self.scheduler.check()

    def start(self, action: StartAttempt) -> None:
        assert not self.cancelled
        assert action.attempt not in self.attempts, "two attempts share an id"
        self.attempts.add(action.attempt)
        self.encoding[action.attempt] = action.host
        self.tries[action.job] += 1
        assert self.tries[action.job] <= MAX_ATTEMPTS
        self.require_room(action.host, self.queue_of[action.job])

    def require_room(self, where: str, queue: str) -> None:
        slots = HOSTS[where][queue]
        encoding, publishing = (self.count(place, where, queue) for place in (self.encoding, self.publishing))
        assert encoding <= slots, "more encodes than slots"
        assert encoding + max(0, publishing - slots) <= slots, "encoding runs away from publishing"

    def count(self, place: dict[str, str], where: str, queue: str) -> int:
        return sum(at == where and self.queue_of[job_of(attempt)] == queue for attempt, at in place.items())

    def accept(self, job: int) -> None:
        self.queue_of[job] = self.random.choice(QUEUES)
        self.tell(ready(job, work=self.random.random(), queue=self.queue_of[job]))

    def step(self) -> None:
        """Let something happen to one attempt, or let an old result arrive late."""
        if self.ended and self.random.random() < 0.1:
            self.tell(self.random.choice(self.ended))
        if not self.encoding and not self.publishing:
            return
        attempt = self.random.choice([*self.encoding, *self.publishing])
        if attempt in self.encoding and attempt not in self.stopping and self.random.random() < 0.5:
            where = self.publishing[attempt] = self.encoding.pop(attempt)
            self.tell(encoded(attempt, where))
        else:
            self.end(attempt)

    def end(self, attempt: str) -> None:
        event = self.some_end(attempt, attempt in self.encoding)
        self.encoding.pop(attempt, None)
        self.publishing.pop(attempt, None)
        self.ended.append(event)
        self.tell(event)

    def some_end(self, attempt: str, was_encoding: bool) -> Event:
        where = self.encoding.get(attempt) or self.publishing[attempt]
        draw = self.random.random()
        if draw < 0.55:
            return succeeded(attempt, where, self.random.choice(OUTCOMES))
        if draw < 0.65 and was_encoding:
            others = self.count(self.encoding, where, self.queue_of[job_of(attempt)]) - 1
            self.tries[job_of(attempt)] -= others > 0
            return failed(attempt, where, Fault.HOST, no_capacity=True, retry_here=True)
        return failed(attempt, where, self.random.choice(list(Fault)), retry_here=draw > 0.9)


def job_of(attempt: str) -> int:
    return int(attempt.split("-")[1])


def simulate(seed: int, jobs: int, *, one_at_a_time: bool = False, cancel_at: int | None = None) -> World:
    world = World(random.Random(seed), Scheduler("r", one_at_a_time=one_at_a_time))
    for name, slots in HOSTS.items():
        world.tell(host(name, slots))
    for job in range(1, jobs + 1):
        world.accept(job)
        if job == cancel_at:
            world.cancelled = True
            world.tell(CANCEL)
        world.step()
    while world.encoding or world.publishing:
        world.step()
    return world


@pytest.mark.parametrize("seed", range(5))
def test_every_job_of_a_random_run_ends_exactly_once(seed: int) -> None:
    world = simulate(seed, 400, one_at_a_time=seed == 4)

    assert set(world.outcomes) == set(range(1, 401))
    assert Outcome.CANCELLED not in world.outcomes.values()
    assert world.scheduler.idle


@pytest.mark.parametrize("seed", range(5))
def test_every_job_of_a_cancelled_run_ends_exactly_once(seed: int) -> None:
    world = simulate(seed, 300, cancel_at=100 + 40 * seed)

    assert set(world.outcomes) == set(range(1, 301))
    assert Outcome.CANCELLED in world.outcomes.values()
    assert world.scheduler.idle


def test_thousands_of_jobs_end() -> None:
    world = simulate(99, 3000)

    assert len(world.outcomes) == 3000


@pytest.mark.parametrize("seed", range(3))
def test_jobs_of_a_queue_that_nobody_has_fail_and_no_others_are_left_out(seed: int) -> None:
    world = simulate(seed, 300)

    tried = {job_of(attempt) for attempt in world.attempts}
    homeless = {job for job, queue in world.queue_of.items() if queue == "nobody's"}

    assert tried == set(range(1, 301)) - homeless
    assert {world.outcomes[job] for job in homeless} == {Outcome.FAILED}
