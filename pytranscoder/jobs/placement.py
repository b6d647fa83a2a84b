"""Which waiting job starts where, and which staged one gets a slot. Knows nothing of failures and outcomes.

Longest first where a queue of a cluster has several slots, in the given order otherwise; among hosts that differ, each
job goes where it ends earliest (48 films on hosts 1/.53/.42/.25 end within 1.02 of the lower bound in simulation,
longest-first without it within 1.03, first-come within 1.12).
"""

from collections.abc import Iterable, Iterator, Sequence

from pytranscoder.jobs.actions import Action, BeginEncode, StartAttempt, StopAttempt
from pytranscoder.jobs.capacity import Attempt, Host, HostState, Machine, Stage
from pytranscoder.jobs.estimate import Speeds, find_misplaced, plan, survey
from pytranscoder.jobs.events import JobReady
from pytranscoder.jobs.waiting import NEVER, ClusterQueue, Job, Kind

# Beyond so many pairs of a waiting job and a host the longest job is taken at once; with that many it is right anyway.
PLANNED_PAIRS = 8192
# A plan that keeps hosts idle is made anew when encodes turn out to be slower or faster, but not with each percent.
PLANNED_EVERY_S = 5.0
# A larger plan (that many pairs take a millisecond) which keeps hosts idle is not made anew with each event either.
PLANNED_AT_ONCE = 1024
PLANNED_SOON_S = 1.0


class Placement:
    """Gives slots to jobs. What changes is told by `wait`, `touch` and `progress`; `fill` then answers with actions.

    `run` makes attempt ids unique among runs.
    """

    def __init__(self, run: str, hosts: Sequence[Host]) -> None:
        self._run = run
        self.speeds = Speeds()
        self.queues = {
            (cluster, name): _build_queue(name, [host for host in hosts if host.spec.cluster == cluster])
            for cluster, name in {(host.spec.cluster, name): None for host in hosts for name in host.spec.slots}
        }
        self._changed: dict[ClusterQueue, None] = {}
        self._freed: dict[Machine, None] = {}

    def of_cluster(self, cluster: str | None) -> list[ClusterQueue]:
        """The queues of a cluster."""
        return [queue for (name, _), queue in self.queues.items() if name == cluster]

    def queue(self, ready: JobReady) -> ClusterQueue | None:
        """The queue that a job needs, None when its cluster has no such."""
        return self.queues.get((ready.cluster, ready.queue))

    def wait(self, job: Job) -> Kind:
        """Lets a job wait for a host."""
        queue = self.queues[job.ready.cluster, job.ready.queue]
        kind = queue.push(job)
        if queue.is_deferring or (kind in queue.fresh and queue.rooms):
            self._changed[queue] = None
        return kind

    def touch(self, machine: Machine) -> None:
        """Takes note that a machine may have more room than before, or less."""
        self._freed[machine] = None
        for host in machine.hosts:
            for queue in self._update_rooms(host):
                queue.changed[host] = None
                self._changed[queue] = None
                if host.state is not HostState.UP:
                    queue.planned_at = NEVER  # the plan may have counted on this host

    def expect_idlers(self, cluster: str | None) -> None:
        """Takes note that a host may idle while what it could run waits elsewhere: that is looked into at once."""
        for queue in self.of_cluster(cluster):
            queue.recalled_at = NEVER

    def progress(self, attempt: Attempt, now: float, *, is_first: bool = False) -> None:
        """Takes note that the end of an encode may be foreseen better than before, or for the first time."""
        queue = self.queues[attempt.ready.cluster, attempt.ready.queue]
        if is_first:
            queue.recalled_at = NEVER
        may_start = queue.is_deferring and now - queue.planned_at >= PLANNED_EVERY_S
        may_recall = queue.copies and queue.rooms and now - queue.recalled_at >= PLANNED_EVERY_S
        if may_start or may_recall:
            self._changed[queue] = None

    def fill(self, now: float) -> Iterator[Action]:
        """Begins and starts all that has room now."""
        freed, self._freed = self._freed, {}
        for machine in freed:
            yield from self._begin_staged(machine)
        changed, self._changed = self._changed, {}
        for queue in sorted(changed, key=ClusterQueue.first_rank, reverse=True):
            yield from self._fill_queue(queue, now)

    def _begin_staged(self, machine: Machine) -> Iterator[Action]:
        for name, slots in machine.slots.items():
            # What is staged on a host that rests waits until it is back.
            able = (it for it in list(slots.staged) if it.host.state is HostState.UP and not it.is_stopping)
            while machine.free(name) and (attempt := next(able, None)):
                attempt.host.advance(attempt, Stage.ENCODING)
                self.touch(machine)
                yield BeginEncode(attempt.ready.job, attempt.id)

    def _fill_queue(self, queue: ClusterQueue, now: float) -> Iterator[Action]:
        changed, fresh = list(queue.changed), list(queue.fresh)
        queue.changed, queue.fresh = {}, {}
        pairs = queue.waiting * len(queue.hosts)
        if not queue.waiting or not queue.rooms:
            queue.is_deferring = False
        elif queue.has_work_for(changed, fresh) or (queue.is_deferring and _is_due(queue, pairs, now)):
            if len(queue.hosts) > 1 and pairs <= PLANNED_PAIRS:
                yield from self._start_as_planned(queue, now)
            else:
                yield from self._start_longest(queue, list(queue.rooms) if queue.is_deferring else changed, fresh, now)
        if queue.copies and queue.rooms and now - queue.recalled_at >= PLANNED_EVERY_S:
            yield from self._recall(queue, now)

    def _start_as_planned(self, queue: ClusterQueue, now: float) -> Iterator[Action]:
        made = plan(queue, survey(queue.hosts, queue.name, self.speeds, now), self.speeds, now)
        queue.is_deferring = made.is_deferring
        queue.planned_at = now
        # Two hosts of this cluster may be one machine; then the second finds its room taken.
        able = (self._start(queue, job, host, now) for job, host in made.starts if host.room(queue.name))
        started = list(able)
        yield from started
        if len(started) < len(made.starts):
            yield from self._start_as_planned(queue, now)

    def _start_longest(
        self, queue: ClusterQueue, changed: Iterable[Host], fresh: Iterable[Kind], now: float
    ) -> Iterator[Action]:
        queue.is_deferring = False
        for host in changed:
            while host.room(queue.name) and (job := queue.first_for(host)):
                yield self._start(queue, job, host, now)
        for kind in fresh:
            while kind.jobs and (roomiest := queue.roomiest_for(kind)):
                yield self._start(queue, kind.jobs[-1], roomiest, now)

    def _start(self, queue: ClusterQueue, job: Job, host: Host, now: float) -> StartAttempt:
        queue.pop(job)
        job.started += 1
        job.attempts += 1
        stage = Stage.STAGING if host.spec.copies else Stage.ENCODING
        attempt = job.attempt = Attempt(
            id=f"{self._run}-{job.ready.job}-{job.started}",
            ready=job.ready,
            demand=job.demand,
            host=host,
            stage=stage,
            created=now,
            unstaged_bytes=job.ready.source_bytes,
            may_recall=not job.was_recalled,
        )
        host.begin(attempt)
        for other in host.machine.hosts:
            for concerned in self._update_rooms(other):
                if concerned is not queue and concerned.is_deferring:
                    self._changed[concerned] = None  # it may have waited for this slot; looked at with the next event
        return StartAttempt(job.ready.job, attempt.id, host.spec.name, host.spec.cluster)

    def _recall(self, queue: ClusterQueue, now: float) -> Iterator[Action]:
        queue.recalled_at = now
        parking = [host for host in queue.hosts if host.ahead[queue.name]]
        if not parking:
            return
        prospects = survey({**dict.fromkeys(parking), **queue.rooms}, queue.name, self.speeds, now)
        if attempt := find_misplaced(prospects, self.speeds, now):
            attempt.is_stopping = True
            yield StopAttempt(attempt.ready.job, attempt.id)

    def _update_rooms(self, host: Host) -> list[ClusterQueue]:
        """Brings `rooms` up to date for a host; returns the queues that should look at it."""
        concerned = []
        for name in host.spec.slots:
            queue = self.queues[host.spec.cluster, name]
            has_room = host.room(name) > 0
            if has_room:
                queue.rooms[host] = None
            else:
                queue.rooms.pop(host, None)
            if has_room or queue.is_deferring:
                concerned.append(queue)
        return concerned


def _build_queue(name: str, hosts: Sequence[Host]) -> ClusterQueue:
    able = [host for host in hosts if name in host.spec.slots]
    machines = {host.machine: None for host in able}
    width = sum(machine.width(name) for machine in machines)
    return ClusterQueue(name, able, longest_first=width > 1)


def _is_due(queue: ClusterQueue, pairs: int, now: float) -> bool:
    return pairs <= PLANNED_AT_ONCE or now - queue.planned_at >= PLANNED_SOON_S
