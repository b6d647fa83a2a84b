"""The kinds of replacement that are crashed, and the folders of one of them. Runs nothing."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shape:
    """A replacement of `source` by `final`; `elsewhere` makes the output under `fls_path` first."""

    source: str
    final: str
    extension: str | None
    keep: bool = False
    elsewhere: bool = False

    @property
    def names_after(self) -> set[str]:
        """What is in the folder once all is done."""
        return {self.source, self.final} if self.keep else {self.final}


SHAPES = {
    "same name": Shape("Film.mkv", "Film.mkv", None),
    "new extension": Shape("Film.mp4", "Film.mkv", ".mkv"),
    "kept": Shape("Film.mp4", "Film.mkv.tmp", ".mkv", keep=True),
    "same name, by fls_path": Shape("Film.mkv", "Film.mkv", None, elsewhere=True),
    "new extension, by fls_path": Shape("Film.mp4", "Film.mkv", ".mkv", elsewhere=True),
    "kept, by fls_path": Shape("Film.mp4", "Film.mkv.tmp", ".mkv", keep=True, elsewhere=True),
}


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one user."""

    root: Path

    @property
    def media(self) -> Path:
        """Where the film is, and the queue file that names it."""
        return self.root / "media"

    @property
    def fast(self) -> Path:
        """The fast local storage."""
        return self.root / "fast"

    @property
    def state(self) -> Path:
        """What XDG_STATE_HOME is."""
        return self.root / "state"

    @property
    def journal(self) -> Path:
        """The folder of the journal."""
        return self.state / "pytranscoder"

    @property
    def queue_file(self) -> Path:
        """A queue file with the film in it."""
        return self.media / "queue.txt"
