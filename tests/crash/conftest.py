"""A film to replace, its verified outputs, and a process that does replacements and survives being killed."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.clips import make_clip, run_ffmpeg
from tests.crash.child import Errand
from tests.crash.inspection import Packets, read_packets
from tests.crash.shapes import SHAPES, Place, Shape

Ask = Callable[[Errand], int]


@dataclass(frozen=True, slots=True)
class Films:
    """A source in each container and what a copy of its streams must hold."""

    folder: Path
    packets: Packets

    def source(self, shape: Shape) -> Path:
        """The source, never to be changed itself."""
        return self.folder / shape.source

    @property
    def output(self) -> Path:
        """A verified output for any of them."""
        return self.folder / "output.mkv"


@dataclass(frozen=True, slots=True)
class Scene:
    """One film of a shape in folders of its own, and the process that works there."""

    films: Films
    name: str
    place: Place
    ask: Ask

    @property
    def shape(self) -> Shape:
        """What is replaced by what."""
        return SHAPES[self.name]

    def run(self, what: str, **when: str | float | None) -> int:
        """Do it and return the wait status."""
        errand = Errand(what, str(self.place.root), self.name, output=str(self.films.output))
        return self.ask(replace(errand, **when))  # type: ignore[arg-type]  # each field has its own type

    @property
    def log(self) -> str:
        """What the program said."""
        return (self.place.root / "log").read_text(errors="replace")


MakeScene = Callable[[str], Scene]


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    folder = tmp_path_factory.mktemp("films")
    source = make_clip(folder / "Film.mp4", seconds=0.5, size="64x48")
    for name in ("Film.mkv", "output.mkv"):
        # Padded, so that the output differs from the source in size, as it does in life.
        run_ffmpeg("-i", str(source), "-c", "copy", "-metadata", f"comment={name * 3}", str(folder / name))
    return Films(folder, read_packets(source))


@pytest.fixture
def ask() -> Iterator[Ask]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as child:
        requests, answers = child.stdin, child.stdout
        assert requests is not None
        assert answers is not None

        def ask_child(errand: Errand) -> int:
            requests.write(errand.to_line())
            requests.flush()
            return int(answers.readline())

        yield ask_child
        requests.close()


@pytest.fixture
def make_scene(films: Films, ask: Ask, tmp_path: Path) -> MakeScene:
    def make(name: str) -> Scene:
        place = Place(tmp_path / str(len(list(tmp_path.iterdir()))))
        for folder in (place.media, place.fast, place.state):
            folder.mkdir(parents=True)
        source = place.media / SHAPES[name].source
        shutil.copy2(films.source(SHAPES[name]), source)
        place.queue_file.write_text(f"{source}\n")
        return Scene(films, name, place, ask)

    return make
