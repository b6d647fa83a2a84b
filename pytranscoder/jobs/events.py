"""The one event stream: frozen values that scheduler, journal, board, plain lines and JSON lines all observe.

`time` is Unix seconds; `job` numbers the jobs of a run from 1; `cluster` is None and `host` is ``local`` in local mode.
An event's name in JSON is its class name in snake case; a field is never renamed, new ones may come.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pytranscoder.errors import Fault

LOCAL_HOST = "local"

# For fields that are between parts of the program, too long for others to read.
NOT_IN_JSON: Mapping[str, bool] = {"json": False}


class Outcome(StrEnum):
    """How a job ends. Each job has exactly one."""

    ENCODED = "encoded"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, at `time`."""

    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """The first event of a run. `hosts` are all that it may use, by cluster and name."""

    run: str
    version: str
    dry_run: bool = False
    hosts: tuple[tuple[str | None, str], ...] = field(default=(), metadata=NOT_IN_JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReady(Event):
    """A host can take work: `slots` has the number for each of its queues. It may come again, after a rest.

    `free_bytes` is what its working directory has room for, None when nothing is copied there. `confinement` is what
    keeps the ffmpeg of an agent to its folders, empty when nothing does; None for other hosts.
    """

    host: str
    cluster: str | None = None
    host_type: str = "local"
    os: str = ""
    ffmpeg: str = ""
    ffmpeg_version: str = ""
    encoders: frozenset[str] = field(default=frozenset(), metadata=NOT_IN_JSON)
    slots: Mapping[str, int] = field(default_factory=dict)
    free_bytes: int | None = None
    confinement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUnavailable(Event):
    """A host cannot take work, and why. It is tried again in `retry_in_s` seconds; None is never.

    Comes again with each try that fails. One that `rests` is in order as far as is known, and what was copied there
    is there still.
    """

    host: str
    reason: str
    cluster: str | None = None
    retry_in_s: float | None = None
    rests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued(Event):
    """A file was accepted for this run; nothing is known of it yet but its size."""

    job: int
    media: Path
    source_bytes: int
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReady(Event):
    """A job was probed and planned: it waits for a slot. `work` estimates its cost in pixels to encode.

    `encoders` are those that its host must have.
    """

    job: int
    media: Path
    profile: str
    queue: str
    work: float
    duration_s: float | None
    source_bytes: int
    rule: str | None = None
    cluster: str | None = None
    encoders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Event):
    """What a dry run would do with one file. `rule` is the rule that matched, `why` the values that made it match."""

    job: int
    media: Path
    host: str
    host_type: str
    profile: str
    queue: str
    argv: tuple[str, ...]
    output: Path
    rule: str | None = None
    why: str = ""
    notes: tuple[str, ...] = ()
    cluster: str | None = None


class Direction(StrEnum):
    """Which way media is copied."""

    UPLOAD = "upload"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Event):
    """How far the copying of an attempt's media is: the first has 0 `done_bytes`, the last all of `total_bytes`.

    `bytes_per_s` is the rate of late, `eta_s` the seconds to go.
    """

    job: int
    attempt: str
    media: Path
    host: str
    direction: Direction
    done_bytes: int
    total_bytes: int
    bytes_per_s: float | None = None
    eta_s: float | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStaged(Event):
    """The media of an attempt was copied to its host ahead of time: it waits there for a slot."""

    job: int
    attempt: str
    host: str
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeStarted(Event):
    """ffmpeg was started for an attempt."""

    job: int
    attempt: str
    media: Path
    host: str
    profile: str
    queue: str
    argv: tuple[str, ...]
    duration_s: float | None
    source_bytes: int
    notes: tuple[str, ...] = ()
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """How far an encode is. Values that ffmpeg does not say are None.

    `percent` is of the source's duration, `speed` a multiple of real time, `compression` the saving in percent
    against the source's bytes up to this position, `eta_s` the seconds to go.
    """

    job: int
    attempt: str
    host: str
    percent: float | None
    position_s: float | None
    speed: float | None
    fps: float | None
    compression: float | None
    eta_s: float | None
    output_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeEnded(Event):
    """ffmpeg has ended well: its slot is free, the output is still to be verified and put in place."""

    job: int
    attempt: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSucceeded(Event):
    """An attempt is over with nothing wrong. `outcome` is encoded, rejected, or skipped.

    `settled` tells whether the path may leave the queue file; a job that is left to another run may not.
    """

    job: int
    attempt: str
    host: str
    outcome: Outcome
    seconds: float
    source_bytes: int
    output_bytes: int | None = None
    output: Path | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(Event):
    """An attempt is over and its job is not done. `detail` has ffmpeg's command and last lines for `-v`.

    `final` says that no other attempt can do better, on whatever host; `stopped` that it was this program that ended
    it, for another host or because the run ends.
    """

    job: int
    attempt: str
    host: str
    fault: Fault
    reason: str
    seconds: float
    retry_here: bool = False
    no_capacity: bool = False
    unfit: bool = False
    final: bool = False
    stopped: bool = False
    detail: str = ""
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Event):
    """The user wants the run to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished(Event):
    """A job has its outcome; nothing follows for it. `seconds` is the time of its last attempt.

    `settled` tells whether its path may leave the queue file.
    """

    job: int
    media: Path
    outcome: Outcome
    settled: bool
    host: str | None = None
    cluster: str | None = None
    profile: str | None = None
    rule: str | None = None
    attempt: str | None = None
    seconds: float = 0.0
    source_bytes: int = 0
    output_bytes: int | None = None
    output: Path | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """A sentence for the user that belongs to no job. `level` is ``info``, ``warning`` or ``detail`` (`-v` only)."""

    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The last event of a run: its counts by outcome, bytes of encoded files before and after, and length.

    With `no_host` this machine, or one of the clusters, had nothing to encode with.
    """

    run: str
    seconds: float
    encoded: int = 0
    skipped: int = 0
    rejected: int = 0
    failed: int = 0
    cancelled: int = 0
    source_bytes: int = 0
    output_bytes: int = 0
    interrupted: bool = False
    no_host: bool = False
