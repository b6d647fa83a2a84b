"""A place to run the command in, and clips that are quick to encode."""

from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.end_to_end.command import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


@pytest.fixture(scope="session")
def film_mkv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mkv with h264, aac and subrip. Copy it before use."""
    folder = tmp_path_factory.mktemp("film_mkv")
    return make_clip(folder / "film.mkv", size="64x48", subtitles=["subrip:eng"], output=["-crf", "10"])
