"""What must hold once chaos is over: films, jobs, queue file, hosts. Each check returns what is wrong, and changes
nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av

from pytranscoder.jobs.queue_file import parse_entries
from pytranscoder.jobs.scheduler import MAX_ATTEMPTS
from tests.cluster.scene import files_in, leases
from tests.end_to_end.command import Event
from tests.lab.host import Host

# How long a command may go on of which nobody hears any more.
ENDS_WITHIN_S = 45.0
DONE = ("encoded", "rejected")


class Contents(NamedTuple):
    """What is in a film: its kinds of streams, its pictures, all decoded, and its end in half seconds."""

    streams: tuple[str, ...]
    pictures: int
    end_s: float


@dataclass(frozen=True, slots=True)
class Film:
    """One source as it was, and how its job should end at last."""

    source: Path
    data: bytes
    contents: Contents
    outcome: str

    @property
    def final(self) -> Path:
        """Where its output goes."""
        return self.source.with_suffix(".mkv")

    @property
    def is_done(self) -> bool:
        """Whether its path has nothing more to do in a queue file."""
        return self.final.exists() or self.outcome == "rejected"


@dataclass(frozen=True, slots=True)
class Record:
    """One run of the manager: its exit status, its events, and the queue file before and after it."""

    status: int
    events: Sequence[Event]
    stderr: str
    before: Collection[Path]
    after: Collection[Path]

    def of(self, name: str) -> list[Event]:
        """The events of a name."""
        return [event for event in self.events if event["event"] == name]

    @property
    def was_killed(self) -> bool:
        """Whether it had no chance to end well."""
        return self.status < 0

    @property
    def outcomes(self) -> Mapping[Path, str]:
        """How its jobs ended."""
        return {Path(event["media"]): event["outcome"] for event in self.of("job_finished")}


def wrong_with_run(record: Record, films: Iterable[Film]) -> list[str]:
    """Each job ends once, and the queue file has lost what is done, and nothing else."""
    ends = Counter(event["media"] for event in record.of("job_finished"))
    wrong = [f"{media} ended {count} times" for media, count in ends.items() if count > 1]
    wrong += [record.stderr] if "Traceback" in record.stderr or "mistake in pytranscoder" in record.stderr else []
    wrong += [f"{path} came into the queue file" for path in set(record.after) - set(record.before)]
    gone = set(record.before) - set(record.after)
    wrong += [f"{film.source} left the queue file" for film in films if film.source in gone and not film.is_done]
    return wrong if record.was_killed else [*wrong, *_wrong_with_end(record, films)]


def _wrong_with_end(record: Record, films: Iterable[Film]) -> list[str]:
    """Every job has an outcome, and queue file, last event and exit status tell of it."""
    if not record.of("run_finished"):
        return [f"broke off with status {record.status}: {record.stderr}"]
    outcomes = record.outcomes
    done = {path for path, outcome in outcomes.items() if outcome in DONE}
    # What an earlier run had encoded when it was killed is no job any more.
    encoded = {film.source for film in films if film.final.exists()}
    wrong = [f"{path} is {outcomes[path]} and in the queue file" for path in set(record.after) & done]
    wrong += [f"{path} has no outcome" for path in set(record.before) - set(outcomes) - encoded]
    (finished,) = record.of("run_finished")
    counts = Counter(outcomes.values())
    names = (*DONE, "failed", "cancelled", "skipped")
    wrong += [f"{finished[name]} {name}, not {counts[name]}" for name in names if finished[name] != counts[name]]
    early = [event for event in record.of("job_finished") if _is_early(record, event)]
    wrong += [f"{event['media']} was given up: {event['reason']}" for event in early]
    status = 130 if finished["interrupted"] else 1 if counts["failed"] else 0
    return [*wrong, *([f"status {record.status}, not {status}"] if record.status != status else [])]


def _is_early(record: Record, end: Event) -> bool:
    """Whether a job has failed for a passing trouble of a host, and not for the third time."""
    failures = [event for event in record.of("attempt_failed") if event["job"] == end["job"]]
    counted = [event for event in failures if not event["stopped"] and not event["no_capacity"]]
    if end["outcome"] != "failed" or not counted or len(counted) >= MAX_ATTEMPTS:
        return False
    last = counted[-1]
    is_passing = last["fault"] == "host" and not last["final"] and not last["unfit"]
    return is_passing and end["reason"] == last["reason"]


def wrong_with_film(film: Film) -> list[str]:
    """A source is what it was, or its whole output is there instead."""
    found = [path for path in (film.source, film.final) if path.exists()]
    if len(found) != 1:
        return [f"of {film.source} there are {found}"]
    if found == [film.source]:
        return [] if film.source.read_bytes() == film.data else [f"{film.source} was changed"]
    contents = look_into(film.final)
    return [] if contents == film.contents else [f"{film.final} has {contents}, not {film.contents}"]


def lost_of(film: Film) -> list[str]:
    """At any moment the source as it was or its whole output is there, or both."""
    if film.source.exists() and film.source.read_bytes() == film.data:
        return []
    if film.final.exists() and look_into(film.final) == film.contents:
        return []
    return [f"{film.source} is lost"]


def wrong_at_the_end(film: Film) -> list[str]:
    """What can be encoded is encoded, and nothing else."""
    is_right = film.final.exists() == (film.outcome == "encoded")
    return [] if is_right else [f"{film.source} should be {film.outcome}"]


def wrong_with_folder(media: Path, films: Iterable[Film]) -> list[str]:
    """There is nothing in the media folder but films."""
    known = {path for film in films for path in (film.source, film.final)}
    return [f"{path} is left" for path in media.rglob("*") if not path.is_dir() and path not in known]


def wrong_with_host(host: Host) -> list[str]:
    """No process is left on a host for longer than the program says, no file and no lease."""
    left = host.left_running(ENDS_WITHIN_S) + files_in(host.working_dir) + leases(host)
    left += [path.name for path in host.path("/tmp").iterdir() if path.name not in host.root.parts]
    return [f"{host.name}: {what} is left" for what in left]


def read_queue(queue_file: Path) -> list[Path]:
    """The paths in a queue file, none when it is gone."""
    return [entry.path for entry in parse_entries(queue_file.read_bytes())] if queue_file.exists() else []


def look_into(path: Path) -> Contents:
    """Read a film to its end, or as far as it can be read."""
    streams: tuple[str, ...] = ()
    pictures, end_s = 0, 0.0
    with suppress(av.FFmpegError), av.open(str(path)) as container:
        streams = tuple(stream.type for stream in container.streams)
        for packet in container.demux():
            pictures += len(packet.decode()) if packet.stream.type == "video" else 0
            if packet.pts is not None and packet.time_base is not None:
                end_s = max(end_s, float(packet.pts * packet.time_base))
    return Contents(streams, pictures, round(end_s * 2) / 2)
