"""Hosts, their machines and slots: what is where, and whether there is room for more. Chooses no job and no host."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Self

from pytranscoder.jobs.events import HostReady, HostUnavailable, JobReady
from pytranscoder.jobs.health import Health, Pauses
from pytranscoder.jobs.hostspec import HostSpec


class HostState(Enum):
    """Whether a host can be used. A pending one has not answered yet, a resting one is to come back."""

    PENDING = auto()
    UP = auto()
    RESTING = auto()
    UNAVAILABLE = auto()


class Stage(Enum):
    """How far an attempt is. From staging to encoding it waits for its media and then for a slot."""

    STAGING = auto()
    STAGED = auto()
    ENCODING = auto()
    PUBLISHING = auto()


class Demand(NamedTuple):
    """What a waiting job asks of its host. It does not go back to those in `excluded`."""

    cluster: str | None
    queue: str
    profile: str
    encoders: tuple[str, ...]
    excluded: "frozenset[Host]" = frozenset()

    @classmethod
    def of(cls, ready: JobReady, excluded: "frozenset[Host]" = frozenset()) -> Self:
        """What a job asks that was just planned, or that has been on some hosts already."""
        return cls(ready.cluster, ready.queue, ready.profile, ready.encoders, excluded)


@dataclass(slots=True, eq=False)
class Attempt:
    """A try on one host that is not over. `begun` is when ffmpeg was started, `ends` when it should be done.

    `unstaged_bytes` are still to be copied to the host.
    """

    id: str
    ready: JobReady
    demand: Demand
    host: "Host"
    stage: Stage
    created: float
    unstaged_bytes: int
    may_recall: bool
    begun: float | None = None
    ends: float | None = None
    is_stopping: bool = False


@dataclass(slots=True, eq=False)
class Slots:
    """One queue of one machine: its slots and what uses them; `staged` waits for one, the first to come first."""

    number: int
    encoding: set[Attempt] = field(default_factory=set)
    publishing: set[Attempt] = field(default_factory=set)
    staged: list[Attempt] = field(default_factory=list)

    @property
    def free(self) -> int:
        """How many more encodes may begin."""
        # As many outputs may wait for their verification and replacement as there are slots; with a slow disk or
        # link, encoding ahead of that would only fill it.
        free = self.number - len(self.encoding)
        if len(self.publishing) > self.number:
            free += self.number - len(self.publishing)
        return max(0, free)

    def lose_one(self) -> None:
        """Takes the slots down to what is encoded at the moment, for the rest of the run."""
        self.number = max(1, min(self.number, len(self.encoding)))


@dataclass(slots=True, eq=False)
class Machine:
    """What the hosts of several clusters that are one machine share."""

    one_at_a_time: bool
    slots: dict[str, Slots] = field(default_factory=dict)
    hosts: "list[Host]" = field(default_factory=list)

    def add(self, host: "Host") -> None:
        """Makes a host one of this machine; where hosts disagree on a queue, the smaller number counts."""
        self.hosts.append(host)
        for queue, number in host.spec.slots.items():
            slots = self.slots.setdefault(queue, Slots(number))
            slots.number = min(slots.number, number)

    def width(self, queue: str) -> int:
        """How many encodes of a queue there may be at once."""
        number = self.slots[queue].number
        return min(number, 1) if self.one_at_a_time else number

    def free(self, queue: str) -> int:
        """How many more encodes of a queue may begin now."""
        free = self.slots[queue].free
        if not self.one_at_a_time:
            return free
        return 0 if any(slots.encoding for slots in self.slots.values()) else min(free, 1)

    def rivals(self, queue: str) -> Iterable[Attempt]:
        """The encodes that a further one of this queue would have to wait for."""
        if not self.one_at_a_time:
            return self.slots[queue].encoding
        return [attempt for slots in self.slots.values() for attempt in slots.encoding]


@dataclass(slots=True, eq=False)
class Host:
    """One host of a run. `ahead` has the attempts on it that have no slot yet, by queue, in the order they began."""

    spec: HostSpec
    machine: Machine
    state: HostState = HostState.PENDING
    reason: str = ""
    is_retried: bool = True
    rests_until: float = 0.0
    encoders: frozenset[str] = frozenset()
    ffmpeg: str = ""
    ffmpeg_version: str = ""
    ahead: dict[str, dict[Attempt, None]] = field(default_factory=dict)
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self.ahead = {queue: {} for queue in self.spec.slots}
        self.machine.add(self)

    def admits(self, demand: Demand) -> bool:
        """Whether it may ever run such a job, as far as is known; encoders not known yet are taken to be there."""
        spec = self.spec
        return (
            spec.slots.get(demand.queue, 0) > 0
            and (not spec.profiles or demand.profile in spec.profiles)
            and (not self.encoders or self.encoders.issuperset(demand.encoders))
            and self not in demand.excluded
        )

    def room(self, queue: str) -> int:
        """How many attempts may start on it now."""
        if self.state is not HostState.UP:
            return 0
        if self.spec.copies:
            return max(0, self.machine.width(queue) - len(self.ahead[queue]))
        return self.machine.free(queue)

    def welcome(self, event: HostReady) -> bool:
        """Is up from now on; tells whether its encoders were not known before, or are others now."""
        is_news = event.encoders != self.encoders
        self.state, self.reason, self.is_retried = HostState.UP, "", True
        self.encoders, self.ffmpeg, self.ffmpeg_version = event.encoders, event.ffmpeg, event.ffmpeg_version
        return is_news

    def lose(self, event: HostUnavailable) -> None:
        """Is not to be used until it is said to be ready."""
        self.state, self.reason, self.is_retried = HostState.UNAVAILABLE, event.reason, event.retry_in_s is not None

    def rest(self, until: float) -> None:
        """Is not to be used until it is said to be ready, which will be about `until`."""
        self.state, self.rests_until = HostState.RESTING, until

    def begin(self, attempt: Attempt) -> None:
        """Takes an attempt, to stage its media or, where nothing is copied, into a slot at once."""
        if attempt.stage is Stage.STAGING:
            self.ahead[attempt.demand.queue][attempt] = None
        else:
            self.machine.slots[attempt.demand.queue].encoding.add(attempt)

    def advance(self, attempt: Attempt, stage: Stage) -> None:
        """Brings an attempt of its own to a later stage."""
        slots = self.machine.slots[attempt.demand.queue]
        if stage is Stage.STAGED:
            attempt.unstaged_bytes = 0
            slots.staged.append(attempt)
        else:
            self.release(attempt)
            (slots.encoding if stage is Stage.ENCODING else slots.publishing).add(attempt)
        attempt.stage = stage

    def release(self, attempt: Attempt) -> None:
        """Frees what an attempt has taken."""
        slots = self.machine.slots[attempt.demand.queue]
        self.ahead[attempt.demand.queue].pop(attempt, None)
        slots.encoding.discard(attempt)
        slots.publishing.discard(attempt)
        if attempt.stage is Stage.STAGED:
            slots.staged.remove(attempt)


def build_hosts(specs: Sequence[HostSpec], pauses: Pauses, *, one_at_a_time: bool) -> list[Host]:
    """Makes the hosts of a run, pending; those with the same machine share its slots."""
    machines: dict[object, Machine] = {}
    return [
        Host(spec, machines.setdefault(spec.machine or spec.key, Machine(one_at_a_time)), health=Health(pauses))
        for spec in specs
    ]
