"""Events for the scheduler and the journal, so that a test names only what it is about. Checks nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    CancelRequested,
    EncodeEnded,
    EncodeStarted,
    HostReady,
    JobFinished,
    JobReady,
    Outcome,
    RunFinished,
)

GB = 1_000_000_000


def media(job: int) -> Path:
    return Path(f"/films/Film {job}.mp4")


def host(name: str = "local", slots: Mapping[str, int] | None = None) -> HostReady:
    return HostReady(time=0, host=name, slots=slots or {"default": 1})


def ready(job: int, *, work: float = 1.0, queue: str = "default") -> JobReady:
    return JobReady(
        time=0, job=job, media=media(job), profile="hevc", queue=queue, work=work, duration_s=60, source_bytes=GB
    )


def started(attempt: str, job: int = 1) -> EncodeStarted:
    return EncodeStarted(
        time=1,
        job=job,
        attempt=attempt,
        media=media(job),
        host="local",
        profile="hevc",
        queue="default",
        argv=("ffmpeg",),
        duration_s=60,
        source_bytes=GB,
    )


def encoded(attempt: str, host: str = "local") -> EncodeEnded:
    return EncodeEnded(time=2, job=_job(attempt), attempt=attempt, host=host)


def succeeded(attempt: str, host: str = "local", outcome: Outcome = Outcome.ENCODED) -> AttemptSucceeded:
    return AttemptSucceeded(
        time=3, job=_job(attempt), attempt=attempt, host=host, outcome=outcome, seconds=3, source_bytes=GB
    )


def failed(attempt: str, host: str = "local", fault: Fault = Fault.FILE, **values: Any) -> AttemptFailed:
    return AttemptFailed(
        time=3, job=_job(attempt), attempt=attempt, host=host, fault=fault, reason="it broke", seconds=3, **values
    )


def finished(job: int, outcome: Outcome = Outcome.ENCODED, **values: Any) -> JobFinished:
    return JobFinished(time=4, job=job, media=media(job), outcome=outcome, settled=True, **values)


def run_finished(run: str, *, interrupted: bool = False) -> RunFinished:
    return RunFinished(time=9, run=run, seconds=8, interrupted=interrupted)


CANCEL = CancelRequested(time=5)


def _job(attempt: str) -> int:
    return int(attempt.split("-")[1])
