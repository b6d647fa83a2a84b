"""Replacements of small files, and media and tasks as plain values, so that a test names only what it is about."""

import os
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.encode.choose import Chooser, PlannedJob, Policy, Skip
from pytranscoder.encode.replace import identify
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.jobs.sources import Selection, Source
from pytranscoder.media.model import Identity, Media, Stream, StreamKind
from pytranscoder.profiles.definition import ProfileDefinition

OLD = b"the film as it was, and longer than the new one"
NEW = b"the film, encoded"
RUN = "cafe"
MKV = ProfileDefinition("mkv", output_options="-c copy", extension=".mkv")
SAME = ProfileDefinition("same", output_options="-c copy")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of films, a fast folder and a journal in which the run `RUN` is alive."""

    films: Path
    fast: Path
    journal: Journal

    def source(self, name: str = "Film.mp4") -> Path:
        """A film to be replaced."""
        path = self.films / name
        path.write_bytes(OLD)
        os.utime(path, ns=(1_600_000_000_000_000_001, 1_500_000_000_000_000_001))
        return path

    def intent(
        self, source: Path, final: str = "Film.mkv", *, keep: bool = False, elsewhere: bool = False
    ) -> Replacement:
        """A verified output and what is to become of it."""
        name = f".Film.ptc-{RUN}-1-1.mkv"
        partial = self.films / name
        output = self.fast / name if elsewhere else partial
        for path in (partial, output):
            path.write_bytes(b"")
        output.write_bytes(NEW)
        return Replacement(
            attempt=f"{RUN}-1-1",
            run=RUN,
            job=1,
            source=source,
            identity=identify(source),
            output=output,
            partial=partial,
            final=self.films / final,
            output_bytes=len(NEW),
            remove_source=not keep,
            profile="hevc",
        )

    def contents(self) -> dict[str, bytes]:
        """What is in the folder of films."""
        return {path.name: path.read_bytes() for path in self.films.iterdir()}

    def open_replacements(self) -> int:
        """How many replacements the journal knows as begun and not ended."""
        return len(self.journal.replacements(RUN))


def media(name: str = "/films/Film.mp4", **parts: object) -> Media:
    """A film of a minute and a megabyte; `parts` are fields of Media."""
    values: dict[str, object] = {
        "path": Path(name),
        "identity": Identity(1_000_000, 0, 1, 2),
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "duration_s": 60.0,
        "streams": (
            Stream(0, StreamKind.VIDEO, "h264", width=1920, height=1080, fps=25.0),
            Stream(1, StreamKind.AUDIO, "aac"),
        ),
        **parts,
    }
    return Media(**values)  # type: ignore[arg-type]  # each field has its own type


def choose(policy: Policy, film: Media, selection: Selection | None = None) -> PlannedJob | Skip:
    """What is chosen for a film, by the rules unless a selection is given."""
    source = Source(film.path, selection or Selection())
    return Chooser(policy).choose(source, film, now=0)


def planned_job(film: Media, definition: ProfileDefinition = MKV, **rest: object) -> PlannedJob:
    """The planned job for a film and a profile; `rest` are fields of Policy."""
    policy = Policy(profiles={definition.name: definition}, **rest)  # type: ignore[arg-type]  # as above
    chosen = choose(policy, film, Selection(profile=definition.name))
    assert isinstance(chosen, PlannedJob)
    return chosen
