"""Fixtures and settings of more than one area."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.clips import Clips, make_clip
from tests.lab.lab import Lab
from tests.lab.requirements import what_is_missing

# On a busy machine an example may take long; the tests' own timeout is what counts.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Hosts with real ssh servers; see ``tests/lab/lab.py``."""
    if missing := what_is_missing():
        (pytest.fail if "CI" in os.environ else pytest.skip)(missing)
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mp4 with h264, aac and mov_text. Copy it before use."""
    folder = tmp_path_factory.mktemp("film")
    return make_clip(folder / "film.mp4", size="64x48", subtitles=["mov_text:eng"], output=["-crf", "10"])
