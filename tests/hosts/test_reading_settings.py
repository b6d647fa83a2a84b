"""How the settings of many hosts are read at once."""

import asyncio
from pathlib import Path

import pytest

from pytranscoder.errors import UnreachableError
from pytranscoder.hosts.connection import READERS, Address, Connections

HOSTS = 12


def most_at_once(log: Path) -> int:
    """How many commands ran at once, at most, by their first and last words."""
    running = most = 0
    for word in log.read_text().split():
        running += 1 if word == "begun" else -1
        most = max(most, running)
    return most


async def test_settings_of_many_hosts_are_read_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    log = tmp_path / "log"
    command = f"echo begun >>{log}; sleep 0.05; echo done >>{log}"
    (tmp_path / ".ssh" / "config").write_text(f'Match exec "{command}"\nHost *\nPort many\n')

    async def refusal(number: int) -> str:
        async with Connections(f"nas {number}", Address("127.0.0.1")) as connections:
            with pytest.raises(UnreachableError) as raised:
                await connections.open()
        return raised.value.reason

    reasons = await asyncio.gather(*(refusal(number) for number in range(HOSTS)))

    assert [reason.startswith("ssh configuration: ") for reason in reasons] == [True] * HOSTS
    assert most_at_once(log) == READERS
