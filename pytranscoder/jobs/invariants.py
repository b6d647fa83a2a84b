"""What must hold of a scheduler after every event. Changes nothing; raises AssertionError."""

from collections.abc import Mapping, Sequence

from pytranscoder.jobs.capacity import Host, HostState
from pytranscoder.jobs.placement import Placement
from pytranscoder.jobs.waiting import ClusterQueue, Job


def check_slots(hosts: Sequence[Host]) -> None:
    """No slot over its number, and no more staged ahead than there are slots."""
    for machine in {host.machine: None for host in hosts}:
        over = [name for name, slots in machine.slots.items() if len(slots.encoding) > slots.number]
        _require(not over, f"too much is encoded in the queues {over}")
        if machine.one_at_a_time:
            encoding = sum(len(slots.encoding) for slots in machine.slots.values())
            _require(encoding <= 1, "a machine encodes more than one at a time")
    full = [host for host in hosts for name, ahead in host.ahead.items() if len(ahead) > host.spec.slots[name]]
    _require(not full, f"too much is staged ahead on {[host.spec.name for host in full]}")


def check_jobs(jobs: Mapping[int, Job], hosts: Sequence[Host], placement: Placement, most_attempts: int) -> None:
    """Every job waits or has an attempt, in one place; none is tried too often."""
    held = [
        attempt
        for machine in {host.machine: None for host in hosts}
        for slots in machine.slots.values()
        for attempt in (*slots.encoding, *slots.publishing)
    ]
    held += [attempt for host in hosts for ahead in host.ahead.values() for attempt in ahead]
    waiting = [
        job.ready.job for queue in placement.queues.values() for kind in queue.kinds.values() for job in kind.jobs
    ]
    places = [*(attempt.ready.job for attempt in held), *waiting]
    odd = jobs.keys() ^ set(places)
    _require(not odd and len(places) == len(jobs), f"{len(jobs)} jobs are in {len(places)} places; see {sorted(odd)}")
    strays = [attempt.id for attempt in held if jobs[attempt.ready.job].attempt is not attempt]
    _require(not strays, f"{strays} hold places that are not their jobs'")
    _require(all(job.attempts <= most_attempts for job in jobs.values()), "a job was tried too often")


def check_work(placement: Placement) -> None:
    """No host is idle that may run something, unless another will have done it earlier."""
    for queue in placement.queues.values():
        _require(set(queue.rooms) == {host for host in queue.hosts if host.room(queue.name)}, "rooms are out of date")
        _require(queue.waiting == sum(len(kind.jobs) for kind in queue.kinds.values()), "miscounted what waits")
        behind = [host.spec.name for host in queue.hosts if _could_begin(host, queue.name)]
        _require(not behind, f"slots of {behind} are free for what is staged")
        if queue.is_deferring:
            _require(_is_busy(queue), f"jobs of queue {queue.name} wait for nobody")
            continue
        for kind in queue.kinds.values():
            idle = [host.spec.name for host in queue.rooms if host in kind.able] if kind.jobs else []
            _require(not idle, f"{idle} idle while jobs wait that they may run")


def _could_begin(host: Host, name: str) -> bool:
    staged = host.machine.slots[name].staged
    able = [attempt for attempt in staged if attempt.host.state is HostState.UP and not attempt.is_stopping]
    return bool(able) and host.machine.free(name) > 0


def _is_busy(queue: ClusterQueue) -> bool:
    return any(
        host.ahead[queue.name] or any(slots.encoding for slots in host.machine.slots.values()) for host in queue.hosts
    )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
