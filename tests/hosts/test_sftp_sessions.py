"""Sessions of sftp: given up while they open, when the connection is for others too, and refused by a server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.connection import Address, Connections, Lane
from pytranscoder.hosts.sftp import SftpFiles
from tests.hosts.sshd import Sshd, require_sshd, running_sshd

ACCOUNT = "root-bash"
# More than an sshd allows at a time.
GIVEN_UP = 20


async def give_up(files: SftpFiles, directory: str) -> None:
    """Ask what is in a directory, and do not wait for the session to open."""
    asking = asyncio.ensure_future(files.names(directory))
    for _ in range(5):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()


async def test_what_is_given_up_while_it_opens_leaves_the_connection_to_others(
    address: Callable[[str], Address], tmp_path: Path
) -> None:
    async with Connections("nas", address(ACCOUNT)) as connections:
        files = SftpFiles(connections, None)
        connection = await connections.data(Lane.HOME)

        for _ in range(GIVEN_UP):
            await give_up(files, str(tmp_path))

        assert await files.names(str(tmp_path)) == ["home"]
        assert await connections.data(Lane.HOME) is connection


class _WithoutSubsystems(asyncssh.SSHServer):
    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return asyncssh.SSHServerSession()


@asynccontextmanager
async def _server_without_sftp(folder: Path) -> AsyncIterator[int]:
    """Yields the port of a server that has the keys of the sshd and refuses every subsystem."""
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=_WithoutSubsystems,
        server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(folder / "authorized_keys"),
    )
    async with server:
        yield server.get_port()


async def test_a_server_without_sftp_is_named_with_a_remedy(sshd: Sshd, ssh_home: Path) -> None:
    del ssh_home
    async with (
        _server_without_sftp(sshd.folder) as port,
        Connections("nas", Address("127.0.0.1", port, ACCOUNT)) as connections,
    ):
        with pytest.raises(HostError, match="host nas: its ssh server offers no sftp; enable `Subsystem sftp`"):
            await SftpFiles(connections, None).size_bytes("/film")


@pytest.mark.parametrize("command", ["true", "echo hello from your shell; sleep 9"])
async def test_a_server_that_runs_something_else_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    require_sshd()
    (tmp_path / "sshd").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    with running_sshd(tmp_path / "sshd", [f"ForceCommand {command}"]) as server:
        server.write_client_config(tmp_path)
        async with Connections("nas", Address("127.0.0.1", server.port, ACCOUNT)) as connections:
            with pytest.raises(HostError, match="offers no sftp"):
                await SftpFiles(connections, None).size_bytes("/film")
