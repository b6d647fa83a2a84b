"""A film for the cluster's tests, and the hosts that most of them use."""

from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.lab.host import Host
from tests.lab.lab import Lab


@pytest.fixture(scope="session")
def heavy_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mkv of 3 MB that lasts two seconds. Copy it before use."""
    path = tmp_path_factory.mktemp("heavy") / "heavy.mkv"
    return make_clip(path, size="64x48", audio=("eng", "fre"), acodec="pcm_s16le", output=["-ar", "192000", "-ac", "2"])


@pytest.fixture
def alpha(lab: Lab) -> Host:
    return lab.host("alpha")


@pytest.fixture
def beta(lab: Lab) -> Host:
    return lab.host("beta")
