"""A host to which the films of a shelf are copied, with files of its own that fail when they are told to."""

from dataclasses import dataclass, field
from pathlib import Path

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.copied import Copied
from pytranscoder.encode.replace import identify
from pytranscoder.encode.room import Loans
from pytranscoder.jobs.events import Event
from tests.encode.fake_files import FakeFiles
from tests.encode.samples import NEW, RUN, Shelf, media, planned_job

ATTEMPT = f"{RUN}-1-1"


@dataclass(slots=True)
class Nas:
    """A host to which a shelf's films are copied."""

    shelf: Shelf
    work: Path
    files: FakeFiles = field(default_factory=FakeFiles)
    events: list[Event] = field(default_factory=list)

    def staging(self, remove_within_s: float = 5.0, cluster: str = "home", loans: Loans | None = None) -> Copied:
        return Copied(
            self.shelf.journal,
            RUN,
            self.files,
            str(self.work),
            "nas",
            cluster,
            self.events.append,
            lambda: 100.0,
            loans or Loans(),
            remove_within_s,
        )

    def film(self, name: str = "Film.mp4") -> PlannedJob:
        source = self.shelf.source(name)
        return planned_job(media(str(source), identity=identify(source)))

    @property
    def directories(self) -> list[str]:
        """The directories of attempts."""
        return sorted(path.name for path in self.work.glob("pytranscoder-*/*"))

    def noted(self) -> list[Path]:
        self.shelf.journal.flush()
        return self.shelf.journal.partials(RUN)


async def stage_and_fetch(nas: Nas, staging: Copied, job: int) -> bytes:
    """Let media take its whole way, with a host that encodes in no time."""
    async with staging.stage(nas.film(f"Film {job}.mp4"), job, f"{RUN}-{job}-1") as staged:
        Path(staged.output).write_bytes(NEW)
        await staging.fetch(staged, job, len(NEW))
        return staged.fetched.read_bytes()
