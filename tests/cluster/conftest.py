"""Films for the cluster's tests."""

from pathlib import Path

import pytest

from tests.clips import make_clip


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mp4 with h264, aac and mov_text. Copy it before use."""
    folder = tmp_path_factory.mktemp("film")
    return make_clip(folder / "film.mp4", size="64x48", subtitles=["mov_text:eng"], output=["-crf", "10"])


@pytest.fixture(scope="session")
def heavy_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mkv of 3 MB that lasts two seconds. Copy it before use."""
    path = tmp_path_factory.mktemp("heavy") / "heavy.mkv"
    return make_clip(path, size="64x48", audio=("eng", "fre"), acodec="pcm_s16le", output=["-ar", "192000", "-ac", "2"])
