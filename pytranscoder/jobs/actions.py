"""What the scheduler answers: frozen values that the runner performs in their order. Decides nothing."""

from dataclasses import dataclass

from pytranscoder.jobs.events import AttemptFailed, AttemptSucceeded, Outcome


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Begins this attempt of this job on this host; where media is copied, only its staging."""

    job: int
    attempt: str
    host: str
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class BeginEncode:
    """Gives a slot to an attempt whose media was staged ahead."""

    job: int
    attempt: str


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """Stops this attempt; its end is awaited like any other. Comes once for an attempt."""

    job: int
    attempt: str


@dataclass(frozen=True, slots=True)
class FinishJob:
    """The job has its outcome. `last` is how its last attempt ended, None when it had none."""

    job: int
    outcome: Outcome
    reason: str | None = None
    last: AttemptSucceeded | AttemptFailed | None = None


@dataclass(frozen=True, slots=True)
class RestHost:
    """Leaves a host alone for `pause_s` seconds; then it is checked again and said to be ready or unavailable."""

    host: str
    cluster: str | None
    pause_s: float
    reason: str


Action = StartAttempt | BeginEncode | StopAttempt | FinishJob | RestHost
