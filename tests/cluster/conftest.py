"""Films for the cluster's tests."""

from pathlib import Path

import pytest

from tests.clips import make_clip


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mp4 with h264, aac and mov_text. Copy it before use."""
    folder = tmp_path_factory.mktemp("film")
    return make_clip(folder / "film.mp4", size="64x48", subtitles=["mov_text:eng"], output=["-crf", "10"])
