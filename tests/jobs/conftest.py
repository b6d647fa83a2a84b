"""The journal of a test, as one process and another have it open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytranscoder.jobs.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Journal]:
    """The journal as a second process has it open."""
    journal = Journal(tmp_path)
    yield journal
    journal.close()
