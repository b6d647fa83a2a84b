"""Hosts whose ssh server takes hardly anything at a time."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.sftp import SftpFiles
from pytranscoder.hosts.ssh import SshTransport
from tests.hosts.sshd import Sshd


@pytest.fixture
async def narrow(sshd: Sshd, ssh_home: Path) -> AsyncIterator[Connections]:
    """A host that has the keys of the sshd and takes 2 bytes at a time."""
    del ssh_home
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[str(sshd.folder / "host_key")],
        authorized_client_keys=str(sshd.folder / "authorized_keys"),
        sftp_factory=True,
        encoding=None,
        process_factory=lambda process: process.exit(0),
        max_pktsize=2,
    )
    async with server, Connections("nas", Address("127.0.0.1", server.get_port(), "root-bash")) as connections:
        yield connections


async def test_no_media_is_sent_in_tiny_packets(narrow: Connections, tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_bytes(os.urandom(1 << 20))

    with pytest.raises(HostError, match="host nas: its ssh server takes only 2 bytes at a time; check what it is"):
        await SftpFiles(narrow, None).upload(tmp_path / "film.mkv", str(tmp_path / "theirs"), lambda _: None)

    assert not (tmp_path / "theirs").exists()


async def test_no_command_is_sent_in_tiny_packets(narrow: Connections) -> None:
    with pytest.raises(HostError, match="host nas: its ssh server takes only 2 bytes at a time"):
        await SshTransport(narrow).capture(("echo", "x" * 100_000), 20)
