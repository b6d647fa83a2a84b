"""An agent for each test, known to the home of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from pytranscoder.hosts.agents.calls import PROBE
from tests.agent.standing import MakeStanding, Standing, known_agent, manager_of


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


@pytest.fixture
async def attacked(make_standing: MakeStanding) -> AsyncIterator[MakeStanding]:
    """Makes an agent that must answer a probe when the test is over."""
    made: list[Standing] = []

    async def make(**settings: Any) -> Standing:
        made.append(await make_standing(**settings))
        return made[-1]

    yield make
    async with asyncio.timeout(10), manager_of(made[0]) as transport:
        assert (await transport.capture((PROBE,), 10)).exit_status == 0


@pytest.fixture
async def victim(attacked: MakeStanding) -> Standing:
    return await attacked()
