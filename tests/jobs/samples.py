"""Events for the scheduler and the journal, so that a test names only what it is about. Checks nothing."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    CancelRequested,
    Direction,
    EncodeEnded,
    EncodeStarted,
    HostReady,
    HostUnavailable,
    JobFinished,
    JobReady,
    MediaStaged,
    Outcome,
    Progress,
    RunFinished,
    Transfer,
)
from pytranscoder.jobs.hostspec import HostSpec

GB = 1_000_000_000


def media(job: int) -> Path:
    return Path(f"/films/Film {job}.mp4")


def spec(name: str = "local", slots: Mapping[str, int] | None = None, **values: Any) -> HostSpec:
    return HostSpec(name, slots or {"default": 1}, **values)


def up(spec: HostSpec, *, time: float = 0, encoders: Iterable[str] = ()) -> HostReady:
    return HostReady(
        time=time,
        host=spec.name,
        cluster=spec.cluster,
        slots=spec.slots,
        encoders=frozenset(encoders),
        ffmpeg="/usr/bin/ffmpeg",
        ffmpeg_version="5.1",
    )


def down(spec: HostSpec, *, time: float = 0, retry_in_s: float | None = 60) -> HostUnavailable:
    return HostUnavailable(
        time=time, host=spec.name, cluster=spec.cluster, reason="connection refused", retry_in_s=retry_in_s
    )


def ready(job: int, *, work: float = 1.0, queue: str = "default", profile: str = "hevc", **values: Any) -> JobReady:
    return JobReady(
        time=values.pop("time", 0),
        job=job,
        media=media(job),
        profile=profile,
        queue=queue,
        work=work,
        duration_s=60,
        source_bytes=GB,
        **values,
    )


def staged(attempt: str, host: str = "local") -> MediaStaged:
    return MediaStaged(time=1, job=_job(attempt), attempt=attempt, host=host)


def uploaded(attempt: str, done_bytes: int, bytes_per_s: float, *, time: float = 1) -> Transfer:
    return Transfer(
        time=time,
        job=_job(attempt),
        attempt=attempt,
        media=media(_job(attempt)),
        host="local",
        direction=Direction.UPLOAD,
        done_bytes=done_bytes,
        total_bytes=GB,
        bytes_per_s=bytes_per_s,
    )


def progressed(attempt: str, percent: float, *, time: float) -> Progress:
    return Progress(
        time=time,
        job=_job(attempt),
        attempt=attempt,
        host="local",
        percent=percent,
        position_s=None,
        speed=None,
        fps=None,
        compression=None,
        eta_s=None,
        output_bytes=None,
    )


def started(attempt: str, job: int = 1, *, time: float = 1) -> EncodeStarted:
    return EncodeStarted(
        time=time,
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


def encoded(attempt: str, host: str = "local", *, time: float = 2) -> EncodeEnded:
    return EncodeEnded(time=time, job=_job(attempt), attempt=attempt, host=host)


def succeeded(
    attempt: str, host: str = "local", outcome: Outcome = Outcome.ENCODED, *, time: float = 3
) -> AttemptSucceeded:
    return AttemptSucceeded(
        time=time, job=_job(attempt), attempt=attempt, host=host, outcome=outcome, seconds=3, source_bytes=GB
    )


def failed(attempt: str, host: str = "local", fault: Fault = Fault.FILE, **values: Any) -> AttemptFailed:
    return AttemptFailed(
        time=values.pop("time", 3),
        job=_job(attempt),
        attempt=attempt,
        host=host,
        fault=fault,
        reason="it broke",
        seconds=3,
        **values,
    )


def finished(job: int, outcome: Outcome = Outcome.ENCODED, **values: Any) -> JobFinished:
    return JobFinished(time=4, job=job, media=media(job), outcome=outcome, settled=True, **values)


def run_finished(run: str, *, interrupted: bool = False) -> RunFinished:
    return RunFinished(time=9, run=run, seconds=8, interrupted=interrupted)


CANCEL = CancelRequested(time=5)


def _job(attempt: str) -> int:
    return int(attempt.split("-")[1])
