"""Who encodes what, when, and what follows when it fails. Pure: events in, actions out; it reads no clock.

Invariants, checked by `Scheduler.check`: no slot over its number, no job in two places, none lost, none tried more
than `MAX_ATTEMPTS` times, no host idle that may run something (unless another will have done it earlier).
"""

from collections.abc import Collection, Iterator, Sequence

from pytranscoder.errors import Fault
from pytranscoder.jobs.actions import Action, FinishJob, RestHost, StopAttempt
from pytranscoder.jobs.capacity import Attempt, Demand, Host, HostState, Stage, build_hosts
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    CancelRequested,
    Direction,
    EncodeEnded,
    EncodeStarted,
    Event,
    HostReady,
    HostUnavailable,
    JobReady,
    MediaStaged,
    Outcome,
    Progress,
    Transfer,
)
from pytranscoder.jobs.health import DEFAULT_PAUSES, Pauses
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.jobs.invariants import check_jobs, check_slots, check_work
from pytranscoder.jobs.placement import Placement
from pytranscoder.jobs.refusal import explain_absence, explain_refusal
from pytranscoder.jobs.waiting import Job, Kind

MAX_ATTEMPTS = 3
NO_HOST = "no usable host"


class Scheduler:
    """Decides which job goes to which host and what follows when an attempt ends.

    `hosts` start nothing until they are said to be ready. A job that only hosts which are down may run fails after
    `patience_s`. `run` makes attempt ids unique among runs.
    """

    def __init__(
        self,
        run: str,
        hosts: Sequence[HostSpec],
        *,
        one_at_a_time: bool = False,
        patience_s: float = 600.0,
        pauses: Pauses = DEFAULT_PAUSES,
    ) -> None:
        self._patience_s = patience_s
        self._hosts = {host.spec.key: host for host in build_hosts(hosts, pauses, one_at_a_time=one_at_a_time)}
        self._clusters: dict[str | None, list[Host]] = {}
        for host in self._hosts.values():
            self._clusters.setdefault(host.spec.cluster, []).append(host)
        self._placement = Placement(run, list(self._hosts.values()))
        self._jobs: dict[int, Job] = {}
        self._answered: set[str | None] = set()
        self._cancelled = False

    @property
    def idle(self) -> bool:
        """Whether every job that was ready so far has its outcome."""
        return not self._jobs

    @property
    def unusable(self) -> frozenset[str | None]:
        """The clusters of which every host was tried and none could ever be used."""
        return frozenset(cluster for cluster in self._clusters if self._is_unusable(cluster))

    def candidates(self, ready: JobReady) -> list[HostSpec]:
        """The hosts that are up and may run a job."""
        return [host.spec for host in self._able(ready) if host.state is HostState.UP]

    def refusal(self, ready: JobReady) -> str | None:
        """Says why no host of its cluster may ever run a job, as far as is known by now; None if one may."""
        return None if self._able(ready) else explain_refusal(ready, self._clusters.get(ready.cluster, []))

    def absence(self, ready: JobReady) -> str:
        """Says why none of the hosts that may run a job can be used at the moment."""
        return explain_absence(list(self._able(ready)))

    def handle(self, event: Event, now: float) -> list[Action]:
        """Takes in what happened and returns what to do about it, in this order."""
        actions = list(self._take_in(event, now))
        if not self._cancelled:
            actions += self._placement.fill(now)
        return actions

    def check(self) -> None:
        """Raises AssertionError when an invariant does not hold."""
        check_slots(list(self._hosts.values()))
        check_jobs(self._jobs, list(self._hosts.values()), self._placement, MAX_ATTEMPTS)
        if not self._cancelled:
            check_work(self._placement)

    def _take_in(self, event: Event, now: float) -> Iterator[Action]:
        match event:
            case JobReady():
                yield from self._accept(event, now)
            case HostReady():
                yield from self._welcome(event, now)
            case HostUnavailable(rests=False):  # of a host that rests all is known here
                yield from self._lose(event, now)
            case AttemptSucceeded():
                yield from self._succeed(event)
            case AttemptFailed():
                yield from self._fail(event, now)
            case CancelRequested():
                yield from self._cancel()
            case MediaStaged() | EncodeStarted() | Progress() | EncodeEnded() | Transfer():
                if attempt := self._attempt_of(event.job, event.attempt):
                    self._follow(attempt, event, now)

    def _follow(
        self, attempt: Attempt, event: MediaStaged | EncodeStarted | Progress | EncodeEnded | Transfer, now: float
    ) -> None:
        speeds = self._placement.speeds
        match event:
            case Progress():
                was_foreseen = attempt.ends is not None
                speeds.advance(attempt, event.percent, now)
                self._placement.progress(attempt, now, is_first=not was_foreseen and attempt.ends is not None)
            case Transfer():
                if event.direction is Direction.UPLOAD:
                    attempt.unstaged_bytes = event.total_bytes - event.done_bytes
                    speeds.learn_link(attempt.host, event.bytes_per_s)
                    self._placement.progress(attempt, now)
            case EncodeStarted():
                attempt.begun = now
            case MediaStaged():
                attempt.host.advance(attempt, Stage.STAGED)
                self._placement.touch(attempt.host.machine)
            case EncodeEnded():
                speeds.finish(attempt, now)
                attempt.host.advance(attempt, Stage.PUBLISHING)
                self._placement.touch(attempt.host.machine)

    def _attempt_of(self, number: int, attempt: str) -> Attempt | None:
        """The attempt that a job has now; None when the event is of an earlier one, which is thrown away."""
        job = self._jobs.get(number)
        return job.attempt if job and job.attempt and job.attempt.id == attempt else None

    def _able(self, ready: JobReady) -> Collection[Host]:
        queue = self._placement.queue(ready)
        return queue.kind(Demand.of(ready)).able if queue else ()

    def _accept(self, ready: JobReady, now: float) -> Iterator[Action]:
        if self._cancelled:
            yield FinishJob(ready.job, Outcome.CANCELLED, "interrupted")
        elif self._is_unusable(ready.cluster):
            yield FinishJob(ready.job, Outcome.CANCELLED, NO_HOST)
        elif reason := self.refusal(ready):
            yield FinishJob(ready.job, Outcome.FAILED, reason)
        else:
            job = Job(ready, self._placement.queues[ready.cluster, ready.queue].rank(ready))
            self._jobs[ready.job] = job
            yield from self._wait(job, now)

    def _wait(self, job: Job, now: float) -> Iterator[Action]:
        kind = self._placement.wait(job)
        # Further jobs of a kind that was not stranded are not stranded either.
        if len(kind.jobs) == 1 or kind.stranded_since is not None:
            yield from self._look_after(kind, now)

    def _welcome(self, event: HostReady, now: float) -> Iterator[Action]:
        host = self._hosts[event.cluster, event.host]
        self._answered.add(event.cluster)
        is_news = host.welcome(event)
        for queue in self._placement.of_cluster(event.cluster):
            if is_news:
                queue.relearn()
            for kind in list(queue.kinds.values()):
                yield from self._look_after(kind, now)
        self._placement.touch(host.machine)
        self._placement.expect_idlers(event.cluster)

    def _lose(self, event: HostUnavailable, now: float) -> Iterator[Action]:
        host = self._hosts[event.cluster, event.host]
        host.lose(event)
        self._placement.touch(host.machine)
        # What encodes there ends by itself; what only waits there would not notice. An upload goes on when the link is
        # soon back, or ends by itself, too: that is worth it when nobody else could do the job meanwhile.
        for attempt in [attempt for ahead in host.ahead.values() for attempt in ahead if not attempt.is_stopping]:
            if attempt.stage is Stage.STAGED or self._is_replaceable(host, self._jobs[attempt.ready.job]):
                attempt.is_stopping = True
                yield StopAttempt(attempt.ready.job, attempt.id)
        for queue in self._placement.of_cluster(event.cluster):
            for kind in list(queue.kinds.values()):
                yield from self._look_after(kind, now)

    def _is_unusable(self, cluster: str | None) -> bool:
        hosts = self._clusters.get(cluster, ())
        return (
            cluster not in self._answered and bool(hosts) and all(host.state is HostState.UNAVAILABLE for host in hosts)
        )

    def _look_after(self, kind: Kind, now: float) -> Iterator[Action]:
        """Ends the waiting of jobs that nobody will run."""
        if self._is_unusable(kind.demand.cluster):
            yield from self._give_up(kind, Outcome.CANCELLED, NO_HOST)
        elif any(host.state is not HostState.UNAVAILABLE for host in kind.able):
            kind.stranded_since = None
        else:
            yield from self._readmit(kind, now)
            yield from self._strand(kind, now)

    def _strand(self, kind: Kind, now: float) -> Iterator[Action]:
        if not kind.able:
            yield from self._give_up(kind, Outcome.FAILED)
        elif kind.jobs:
            kind.stranded_since = now if kind.stranded_since is None else kind.stranded_since
            is_over = now - kind.stranded_since >= self._patience_s
            if is_over or not any(host.is_retried for host in kind.able):
                yield from self._give_up(kind, Outcome.FAILED, explain_absence(list(kind.able)))

    def _readmit(self, kind: Kind, now: float) -> Iterator[Action]:
        """Lets jobs go back to hosts that had a trouble of their own, as there is nobody else."""
        if not kind.demand.excluded:
            return
        queue = self._placement.queues[kind.demand.cluster, kind.demand.queue]
        for job in [job for job in kind.jobs if job.avoided]:
            queue.pop(job)
            job.readmit()
            yield from self._wait(job, now)

    def _give_up(self, kind: Kind, outcome: Outcome, reason: str | None = None) -> Iterator[Action]:
        if not kind.jobs:
            return
        demand = kind.demand
        for job in self._placement.queues[demand.cluster, demand.queue].clear(kind):
            # What a host has said of the file tells more than that the others are away.
            is_telling = job.is_suspect or reason is None or (job.last is not None and job.last.unfit)
            said = job.last.reason if job.last and is_telling else reason
            yield self._finish(job, outcome, said or self.refusal(job.ready))

    def _finish(
        self,
        job: Job,
        outcome: Outcome,
        reason: str | None = None,
        last: AttemptSucceeded | AttemptFailed | None = None,
    ) -> FinishJob:
        del self._jobs[job.ready.job]
        return FinishJob(job.ready.job, outcome, reason, last or job.last)

    def _release(self, number: int, attempt: str) -> tuple[Job, Attempt] | None:
        """Takes an attempt that is over off its host."""
        over = self._attempt_of(number, attempt)
        if over is None:
            return None
        job = self._jobs[number]
        job.attempt = None
        over.host.release(over)
        self._placement.touch(over.host.machine)
        return job, over

    def _succeed(self, event: AttemptSucceeded) -> Iterator[Action]:
        if released := self._release(event.job, event.attempt):
            job, attempt = released
            attempt.host.health.succeeded()
            yield self._finish(job, event.outcome, event.reason, event)

    def _fail(self, event: AttemptFailed, now: float) -> Iterator[Action]:
        released = self._release(event.job, event.attempt)
        if released is None:
            return
        job, attempt = released
        if self._cancelled:
            yield self._finish(job, Outcome.CANCELLED, "interrupted", event)
        elif event.final:
            yield self._finish(job, Outcome.FAILED, event.reason, event)
        elif self._costs_nothing(event, attempt):
            job.attempts -= 1
            job.was_recalled |= attempt.is_stopping
            yield from self._wait(job, now)
        else:
            job.last = event
            if event.unfit:  # what is wrong is that the two do not fit
                job.attempts -= 1
            else:
                yield from self._blame_host(event, attempt, now)
            if self._comes_back(job, event, attempt.host):
                yield from self._wait(job, now)
            else:
                yield self._finish(job, Outcome.FAILED, event.reason, event)

    def _costs_nothing(self, event: AttemptFailed, attempt: Attempt) -> bool:
        """Whether a failure is none: the attempt was recalled, or the encoder takes fewer sessions than it has slots.

        Of such slots, one less is used for the rest of the run.
        """
        slots = attempt.host.machine.slots[attempt.demand.queue]
        lacks_capacity = event.no_capacity and bool(slots.encoding)
        if lacks_capacity:
            slots.lose_one()
            self._placement.touch(attempt.host.machine)
        return lacks_capacity or attempt.is_stopping

    def _comes_back(self, job: Job, event: AttemptFailed, host: Host) -> bool:
        """Whether the job waits for another attempt; where it may not run any more is noted on the way."""
        if job.attempts >= MAX_ATTEMPTS:
            return False
        if event.fault is Fault.HOST and event.retry_here:
            return True
        job.excluded |= {host}
        # This machine alone does not rest, and so is the same a moment later.
        if event.fault is Fault.HOST and not event.unfit and host.spec.cluster is not None:
            job.avoided |= {host}
        was_suspect, job.is_suspect = job.is_suspect, job.is_suspect or event.fault is Fault.FILE
        if was_suspect and event.fault is Fault.FILE:
            return False
        if not self._has_taker(job):
            job.readmit()
        return self._has_taker(job)

    def _has_taker(self, job: Job) -> bool:
        return any(host.admits(job.demand) for host in self._clusters[job.ready.cluster])

    def _blame_host(self, event: AttemptFailed, attempt: Attempt, now: float) -> Iterator[Action]:
        """Lets a host rest that has failed, or under which too many files have failed in a row."""
        host = attempt.host
        if event.fault is Fault.FILE:
            self._blame_for_file(self._jobs[event.job], host)
        if host.spec.cluster is None or host.state is not HostState.UP:
            return
        if event.fault is Fault.HOST:
            yield self._rest(host, host.health.failed_by_itself(), event.reason, now)
        elif host.health.is_suspicious and self._is_replaceable(host, self._jobs[event.job]):
            reason = f"one encode after the other fails there, the last: {event.reason}"
            yield self._rest(host, host.health.rest_as_suspicious(), reason, now)

    def _blame_for_file(self, job: Job, host: Host) -> None:
        if job.is_suspect and host.health.is_proven:
            # It fails under a host that has done others well, too: it was the file.
            for other in job.excluded:
                other.health.forgive(job.ready.job)
        else:
            host.health.failed_with(job.ready.job)

    def _is_replaceable(self, host: Host, job: Job) -> bool:
        demand = job.demand._replace(excluded=frozenset({host}))
        return any(other.state is HostState.UP and other.admits(demand) for other in self._clusters[host.spec.cluster])

    def _rest(self, host: Host, pause_s: float, reason: str, now: float) -> RestHost:
        host.rest(now + pause_s)
        self._placement.touch(host.machine)
        return RestHost(host.spec.name, host.spec.cluster, pause_s, reason)

    def _cancel(self) -> Iterator[Action]:
        self._cancelled = True
        for queue in self._placement.queues.values():
            for kind in list(queue.kinds.values()):
                queue.clear(kind)
        for job in list(self._jobs.values()):
            if job.attempt is None:
                yield self._finish(job, Outcome.CANCELLED, "interrupted")
            elif not job.attempt.is_stopping:
                job.attempt.is_stopping = True
                yield StopAttempt(job.ready.job, job.attempt.id)
