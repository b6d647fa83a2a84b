"""Events with sensible values, so that a test names only what it is about. Checks nothing."""

from pathlib import Path
from typing import Any

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import (
    AttemptFailed,
    Direction,
    EncodeEnded,
    EncodeStarted,
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    JobQueued,
    JobReady,
    MediaStaged,
    Outcome,
    Planned,
    Progress,
    RunFinished,
    Transfer,
)
from pytranscoder.ui.tally import Tally

GB = 1_000_000_000


CLUSTER = "home"


def media(job: int) -> Path:
    return Path(f"/films/Film {job}.mp4")


def host_ready(host: str, **values: Any) -> HostReady:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "cluster": CLUSTER,
        "host_type": "streaming",
        "os": "linux",
        "ffmpeg": "/usr/bin/ffmpeg",
        "ffmpeg_version": "7.1",
        "slots": {"cuda": 2, "default": 1},
    }
    return HostReady(host=host, **(defaults | values))


def host_unavailable(host: str, reason: str = "connection refused", **values: Any) -> HostUnavailable:
    defaults: dict[str, Any] = {"time": 0.0, "cluster": CLUSTER, "retry_in_s": 60.0}
    return HostUnavailable(host=host, reason=reason, **(defaults | values))


def queued(job: int, time: float = 0.0, cluster: str | None = None) -> JobQueued:
    return JobQueued(time=time, job=job, media=media(job), source_bytes=GB, cluster=cluster)


def ready(job: int, *, time: float = 0.0, work: float = 100.0, cluster: str | None = None) -> JobReady:
    return JobReady(
        time=time,
        job=job,
        media=media(job),
        profile="hevc",
        queue="default",
        work=work,
        duration_s=6130.0,
        source_bytes=GB,
        cluster=cluster,
    )


def transfer(job: int, done_bytes: int, **values: Any) -> Transfer:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "attempt": f"a{job}",
        "media": media(job),
        "host": "nas",
        "direction": Direction.UPLOAD,
        "total_bytes": GB,
        "bytes_per_s": 11_200_000.0 if done_bytes else None,
        "eta_s": 65.0 if done_bytes else None,
        "cluster": CLUSTER,
    }
    return Transfer(job=job, done_bytes=done_bytes, **(defaults | values))


def staged(job: int, host: str = "nas") -> MediaStaged:
    return MediaStaged(time=0.0, job=job, attempt=f"a{job}", host=host, cluster=CLUSTER)


def started(job: int, **values: Any) -> EncodeStarted:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "attempt": f"a{job}",
        "media": media(job),
        "host": "local",
        "profile": "hevc",
        "queue": "default",
        "argv": ("ffmpeg", "-i", str(media(job)), "out.mkv"),
        "duration_s": 6130.0,
        "source_bytes": 1_200_000_000,
    }
    return EncodeStarted(job=job, **(defaults | values))


def progress(job: int, percent: float | None, **values: Any) -> Progress:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "attempt": f"a{job}",
        "host": "local",
        "position_s": None,
        "speed": 3.14,
        "fps": 74.3,
        "compression": 62.1,
        "eta_s": 730.0,
        "output_bytes": None,
    }
    return Progress(job=job, percent=percent, **(defaults | values))


def ended(job: int, time: float = 0.0) -> EncodeEnded:
    return EncodeEnded(time=time, job=job, attempt=f"a{job}", host="local")


def attempt_failed(job: int, reason: str = "host nas: lost", **values: Any) -> AttemptFailed:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "attempt": f"a{job}",
        "host": "nas",
        "fault": Fault.HOST,
        "seconds": 10.0,
    }
    return AttemptFailed(job=job, reason=reason, **(defaults | values))


def finished(job: int, outcome: Outcome = Outcome.ENCODED, **values: Any) -> JobFinished:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "media": media(job),
        "settled": True,
        "source_bytes": 1_200_000_000,
        "attempt": f"a{job}",
        "seconds": 1930.0,
        "output_bytes": 504_000_000 if outcome is Outcome.ENCODED else None,
    }
    return JobFinished(job=job, outcome=outcome, **(defaults | values))


def planned(job: int = 1, **values: Any) -> Planned:
    defaults: dict[str, Any] = {
        "time": 0.0,
        "media": media(job),
        "host": "local",
        "host_type": "local",
        "profile": "hevc",
        "queue": "default",
        "argv": ("ffmpeg", "-i", str(media(job)), "/films/Film.mkv"),
        "output": Path("/films/Film.mkv"),
    }
    return Planned(job=job, **(defaults | values))


def run_finished(**values: Any) -> RunFinished:
    defaults: dict[str, Any] = {"time": 0.0, "run": "r1", "seconds": 3723.0}
    return RunFinished(**(defaults | values))


def tally_of(*events: Event) -> Tally:
    tally = Tally()
    for event in events:
        tally.handle(event)
    return tally
