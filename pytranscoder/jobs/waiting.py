"""Jobs that wait for a host, by what they ask of it, and the hosts that have room for them. Starts none."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from pytranscoder.jobs.capacity import Attempt, Demand, Host
from pytranscoder.jobs.events import AttemptFailed, JobReady

NEVER = float("-inf")

Rank = tuple[float, int]
_rank_of = attrgetter("rank")


@dataclass(slots=True, eq=False)
class Job:
    """A job without an outcome; the greatest rank goes first.

    `started` numbers its attempts, `attempts` counts those that were failures or may still become one. It does not go
    back to hosts in `excluded`; of these it has left those in `avoided` for a trouble of their own.
    """

    ready: JobReady
    rank: Rank
    started: int = 0
    attempts: int = 0
    attempt: Attempt | None = None
    excluded: frozenset[Host] = frozenset()
    avoided: frozenset[Host] = frozenset()
    is_suspect: bool = False
    was_recalled: bool = False
    last: AttemptFailed | None = None

    @property
    def demand(self) -> Demand:
        """What it asks of its next host."""
        return Demand.of(self.ready, self.excluded)

    def readmit(self) -> None:
        """Lets it go back to the hosts that it avoids."""
        self.excluded -= self.avoided
        self.avoided = frozenset()


@dataclass(slots=True, eq=False)
class Kind:
    """The waiting jobs with one demand, in the order of their ranks, and the hosts that may ever run them.

    `stranded_since` is when the last of these hosts went away.
    """

    demand: Demand
    able: dict[Host, None]
    jobs: list[Job] = field(default_factory=list)
    stranded_since: float | None = None


class ClusterQueue:
    """One queue of one cluster: what waits for it. `rooms` has the hosts on which a job of it could start now.

    `changed` and `fresh` have the hosts and kinds to look at next; all others have been found to have nothing
    for each other. With `is_deferring`, hosts stay idle on purpose.
    """

    def __init__(self, name: str, hosts: Sequence[Host], *, longest_first: bool) -> None:
        self.name = name
        self.hosts = hosts
        self.copies = any(host.spec.copies for host in hosts)
        self.kinds: dict[Demand, Kind] = {}
        self.waiting = 0
        self.rooms: dict[Host, None] = {}
        self.changed: dict[Host, None] = {}
        self.fresh: dict[Kind, None] = {}
        self.is_deferring = False
        self.planned_at = self.recalled_at = NEVER
        self._longest_first = longest_first

    def rank(self, ready: JobReady) -> Rank:
        """Where a job stands in the order of this queue."""
        return (ready.work if self._longest_first else 0.0, -ready.job)

    def kind(self, demand: Demand) -> Kind:
        """The waiting jobs with a demand."""
        kind = self.kinds.get(demand)
        if kind is None:
            kind = self.kinds[demand] = Kind(demand, self._able(demand))
        return kind

    def push(self, job: Job) -> Kind:
        """Lets a job wait."""
        kind = self.kind(job.demand)
        if not kind.jobs:
            self.fresh[kind] = None
        insort(kind.jobs, job, key=_rank_of)
        self.waiting += 1
        return kind

    def pop(self, job: Job) -> None:
        """Takes a job out."""
        kind = self.kinds[job.demand]
        del kind.jobs[bisect_left(kind.jobs, job.rank, key=_rank_of)]
        self.waiting -= 1
        self._forget_if_empty(kind)

    def clear(self, kind: Kind) -> list[Job]:
        """Takes all jobs of a kind out, the first to run first."""
        jobs, kind.jobs = kind.jobs[::-1], []
        self.waiting -= len(jobs)
        kind.stranded_since = None
        self._forget_if_empty(kind)
        return jobs

    def relearn(self) -> None:
        """Finds out anew which hosts may run which jobs, as more is known of a host."""
        for kind in self.kinds.values():
            kind.able = self._able(kind.demand)

    def first_rank(self) -> Rank:
        """The greatest rank of all that waits."""
        return max((kind.jobs[-1].rank for kind in self.kinds.values() if kind.jobs), default=(0.0, 0))

    def first_for(self, host: Host) -> Job | None:
        """The job that a host should take first."""
        able = [kind.jobs[-1] for kind in self.kinds.values() if kind.jobs and host in kind.able]
        return max(able, key=_rank_of, default=None)

    def has_work_for(self, hosts: Iterable[Host], kinds: Iterable[Kind]) -> bool:
        """Whether one of these hosts may take a job now, or some host a job of one of these kinds."""
        if not self.waiting or not self.rooms:
            return False
        if any(host in self.rooms and self.first_for(host) for host in hosts):
            return True
        return any(kind.jobs and host in kind.able for kind in kinds for host in self.rooms)

    def roomiest_for(self, kind: Kind) -> Host | None:
        """The host with the most slots free among those that may take a job now."""
        able = [host for host in self.rooms if host in kind.able]
        return max(able, key=lambda host: host.machine.free(self.name), default=None)

    def in_order(self) -> Iterator[tuple[Kind, Job]]:
        """Yields all that waits in the order of ranks; nothing may be pushed or popped meanwhile."""
        runs = [[(kind, job) for job in reversed(kind.jobs)] for kind in self.kinds.values() if kind.jobs]
        return iter(runs[0]) if len(runs) == 1 else heapq.merge(*runs, key=lambda it: it[1].rank, reverse=True)

    def _able(self, demand: Demand) -> dict[Host, None]:
        return {host: None for host in self.hosts if host.admits(demand)}

    def _forget_if_empty(self, kind: Kind) -> None:
        if not kind.jobs and kind.demand.excluded:
            del self.kinds[kind.demand]
            self.fresh.pop(kind, None)
