"""How fast hosts are and when they will be done: learned speeds, and which job ends earliest where. Starts nothing.

Times are those of the events; a speed is kept as seconds per unit of work.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import itemgetter

from pytranscoder.jobs.capacity import Attempt, Host, HostState, Machine
from pytranscoder.jobs.waiting import ClusterQueue, Job, Kind

# How much the newest measurement counts against all before.
NEWEST = 0.3
TELLING_PERCENT = 5.0
# What is staged again elsewhere must end that much earlier there, as estimates are rough and uploads cost.
WORTHWHILE = 1.25


class Speeds:
    """What was learned of the speeds of machines and of the links to hosts."""

    def __init__(self) -> None:
        self._finished: dict[tuple[Machine, str | None], float] = {}
        self._early: dict[tuple[Machine, str | None], float] = {}
        # The former where there is one, the latter elsewhere: asked for thousands of times as often as it changes.
        self._known: dict[tuple[Machine, str | None], float] = {}
        self._links: dict[Host, float] = {}

    def advance(self, attempt: Attempt, percent: float | None, now: float) -> None:
        """Foresees the end of an encode from how far it is; that says something of its machine, too."""
        if percent is None or percent <= TELLING_PERCENT or attempt.begun is None or now <= attempt.begun:
            return
        seconds = (now - attempt.begun) * 100 / min(percent, 100.0)
        attempt.ends = attempt.begun + seconds
        self._learn(self._early, attempt, seconds)

    def finish(self, attempt: Attempt, now: float) -> None:
        """Learns from an encode that has ended well."""
        if attempt.begun is not None and now > attempt.begun:
            self._learn(self._finished, attempt, now - attempt.begun)

    def learn_link(self, host: Host, bytes_per_s: float | None) -> None:
        """Learns how fast media gets to a host."""
        if bytes_per_s:
            self._links[host] = 1 / bytes_per_s

    def pace(self, host: Host, profile: str) -> float | None:
        """Seconds per unit of work; the machine's mean for a profile that is new there, None for a machine that is."""
        pace = self._known.get((host.machine, profile))
        return self._known.get((host.machine, None)) if pace is None else pace

    def link(self, host: Host) -> float:
        """Seconds per byte to get media to a host, 0 when that is not known."""
        return self._links.get(host, 0.0)

    def end_of(self, attempt: Attempt, now: float) -> float:
        """When an encode should be done, infinity when nothing is known."""
        ends = attempt.ends
        if ends is None:
            pace = self.pace(attempt.host, attempt.demand.profile)
            if pace is None:
                return inf
            ends = (attempt.begun or attempt.created) + attempt.ready.work * pace
        # What is overdue is taken to need as long again as it is late.
        return ends if ends > now else now + (now - ends)

    def _learn(self, known: dict[tuple[Machine, str | None], float], attempt: Attempt, seconds: float) -> None:
        if attempt.ready.work <= 0:
            return
        pace = seconds / attempt.ready.work
        for key in ((attempt.host.machine, attempt.demand.profile), (attempt.host.machine, None)):
            before = known.get(key, pace)
            known[key] = before + NEWEST * (pace - before)
            if known is self._finished or key not in self._finished:
                self._known[key] = known[key]


@dataclass(slots=True, eq=False)
class Prospect:
    """What is to come on one host, for one queue: `free_at` is a heap of when each slot can take the next job.

    `parked` has the attempts that wait there without a slot, with the time when they should end, at best.
    """

    host: Host
    room: int
    free_at: list[float]
    uploads_end: float
    link: float
    parked: list[tuple[float, Attempt]] = field(default_factory=list)

    def begin_of(self, size_bytes: int) -> float:
        """When a further encode could begin here."""
        begins = self.free_at[0]
        if not self.link:  # known of hosts to which media is copied
            return begins
        return max(begins, self.uploads_end + size_bytes * self.link)

    def take(self, size_bytes: int, ends: float) -> None:
        """Puts a job in the slot that is free first."""
        self.uploads_end += size_bytes * self.link
        heapq.heapreplace(self.free_at, ends)


def survey(hosts: Iterable[Host], queue: str, speeds: Speeds, now: float) -> list[Prospect]:
    """Foresees each host that is up, or that rests with jobs parked on it."""
    return [
        _foresee(host, queue, speeds, now)
        for host in hosts
        if host.state is HostState.UP or (host.state is HostState.RESTING and host.ahead[queue])
    ]


def _foresee(host: Host, queue: str, speeds: Speeds, now: float) -> Prospect:
    usable_from = host.rests_until if host.state is HostState.RESTING else now
    free_at = [max(usable_from, speeds.end_of(attempt, now)) for attempt in host.machine.rivals(queue)]
    free_at += [usable_from] * host.machine.free(queue)
    if len(free_at) > 1:
        heapq.heapify(free_at)
    prospect = Prospect(host, host.room(queue), free_at or [inf], now, speeds.link(host))
    for attempt in host.ahead[queue]:
        _park(prospect, attempt, speeds.pace(host, attempt.demand.profile))
    return prospect


def _park(prospect: Prospect, attempt: Attempt, pace: float | None) -> None:
    begins = prospect.begin_of(attempt.unstaged_bytes)
    # Of a host that is new only this much is known: an upload that goes on for an hour is not over before.
    at_best = begins + attempt.ready.work * (pace or 0.0)
    prospect.take(attempt.unstaged_bytes, inf if pace is None else at_best)
    prospect.parked.append((at_best, attempt))


@dataclass(slots=True)
class Plan:
    """Which jobs should start now; `is_deferring` when some host stays idle, as others would end its job earlier."""

    starts: list[tuple[Job, Host]]
    is_deferring: bool = False


class _Choices:
    """The hosts for one kind of job: those whose pace is known, and those that are new."""

    def __init__(self, kind: Kind, prospects: Sequence[Prospect], speeds: Speeds) -> None:
        able = [prospect for prospect in prospects if prospect.host in kind.able]
        paces = [(prospect, speeds.pace(prospect.host, kind.demand.profile)) for prospect in able]
        self.known = [(prospect, pace) for prospect, pace in paces if pace is not None]
        self.new = [prospect for prospect, pace in paces if pace is None]

    def best(self, job: Job, now: float) -> tuple[Prospect | None, float]:
        """The host on which a job ends earliest, and when. A new one that is free comes first, if its link allows."""
        size_bytes, work = job.ready.source_bytes, job.ready.work
        new = max((it for it in self.new if it.room > 0), key=lambda it: (it.free_at[0] <= now, it.room), default=None)
        best, earliest = new or next((it for it, _ in self.known if it.room > 0), None), inf
        for prospect, pace in self.known:
            ends = prospect.begin_of(size_bytes) + work * pace
            if ends < earliest:
                best, earliest = prospect, ends
        # However fast it may turn out to be, media that is copied must get there first.
        if new is not None and new.free_at[0] <= now and new.begin_of(size_bytes) <= earliest:
            return new, inf
        return best, earliest

    def has_room(self) -> bool:
        return any(it.room > 0 for it, _ in self.known) or any(it.room > 0 for it in self.new)


def plan(queue: ClusterQueue, prospects: Sequence[Prospect], speeds: Speeds, now: float) -> Plan:
    """Gives each waiting job in turn to the host where it ends earliest, after all that was given there before.

    Ends as soon as no host has room: what would start later is planned later.
    """
    result = Plan([])
    choices: dict[Kind, _Choices] = {}
    wanted = [kind.able for kind in queue.kinds.values() if kind.jobs]
    room = sum(it.room for it in prospects if it.room > 0 and any(it.host in able for able in wanted))
    for kind, job in queue.in_order():
        if room <= 0:
            break
        if kind not in choices:
            choices[kind] = _Choices(kind, prospects, speeds)
        best, ends = choices[kind].best(job, now)
        if best is None:
            continue
        best.take(job.ready.source_bytes, ends)
        if best.room > 0:
            best.room -= 1
            room -= 1
            result.starts.append((job, best.host))
        elif not result.is_deferring:
            result.is_deferring = choices[kind].has_room()
    return result


def find_misplaced(prospects: Sequence[Prospect], speeds: Speeds, now: float) -> Attempt | None:
    """The attempt that waits on a busy host although an idle one would end it notably earlier; the latest of them."""
    idle = [it for it in prospects if it.room > 0 and it.free_at[0] <= now and not it.parked]
    if not idle:
        return None
    parked = [
        (ends, attempt)
        for it in prospects
        for ends, attempt in it.parked
        if attempt.may_recall and not attempt.is_stopping and ends < inf
    ]
    for ends, attempt in sorted(parked, key=itemgetter(0), reverse=True):
        elsewhere = min((_end_at(it, attempt, speeds) for it in idle if it.host.admits(attempt.demand)), default=inf)
        if (elsewhere - now) * WORTHWHILE < ends - now:
            return attempt
    return None


def _end_at(prospect: Prospect, attempt: Attempt, speeds: Speeds) -> float:
    profile = attempt.demand.profile
    # A host that is new is taken to be as fast as the one where the job is.
    pace = speeds.pace(prospect.host, profile) or speeds.pace(attempt.host, profile)
    return inf if pace is None else prospect.begin_of(attempt.ready.source_bytes) + attempt.ready.work * pace
