"""One wine for all tests here, and a Windows host for each."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pytranscoder.hosts.connection import Address, Connections
from tests.windows.server import WindowsHost, windows_host
from tests.windows.wine import Wine, running_wine, what_is_missing


@pytest.fixture(scope="session")
def wine() -> Iterator[Wine]:
    if missing := what_is_missing():
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"the Windows host of the tests {missing}")
    with (
        tempfile.TemporaryDirectory(prefix="ptc-wine-", ignore_cleanup_errors=True) as folder,
        running_wine(Path(folder)) as wine,
    ):
        yield wine


@pytest.fixture
async def host(wine: Wine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WindowsHost]:
    """A Windows host to which our home leads."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with windows_host(wine, tmp_path / "home") as host:
        yield host


@pytest.fixture
async def connections(host: WindowsHost) -> AsyncIterator[Connections]:
    async with Connections("gaming", Address("127.0.0.1", host.port, "user")) as connections:
        yield connections
