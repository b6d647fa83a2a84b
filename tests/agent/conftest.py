"""An agent for each test, known to the home of the test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.agent.standing import MakeStanding, Standing, known_agent


@pytest.fixture
async def make_standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeStanding]:
    """Starts an agent with settings of the test's own."""
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Standing:
            return await stack.enter_async_context(known_agent(tmp_path, monkeypatch, **settings))

        yield make


@pytest.fixture
async def standing(make_standing: MakeStanding) -> Standing:
    return await make_standing()
