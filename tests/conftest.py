"""Fixtures and settings of more than one area."""

import pytest
from hypothesis import settings

from tests.clips import Clips

# On a busy machine an example may take long; the tests' own timeout is what counts.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))
