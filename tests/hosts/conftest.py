"""One sshd for all tests here, and homes from which it is reached."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytranscoder.hosts.connection import Address
from tests.hosts.sshd import GROUP_ID, USER_ID, Sshd, require_sshd, running_sshd

MakeAddress = Callable[[str], Address]
MakeSshd = Callable[[str], Sshd]


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    require_sshd()
    with tempfile.TemporaryDirectory(prefix="ptc-sshd-") as folder, running_sshd(Path(folder)) as server:
        yield server


@pytest.fixture
def ssh_home(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns our home of this test; its ssh configuration leads to the sshd."""
    home = tmp_path / "home"
    sshd.write_client_config(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def address(sshd: Sshd, ssh_home: Path) -> MakeAddress:
    """Returns where the accounts of the sshd are, for the home of this test."""
    del ssh_home
    return lambda account: Address("127.0.0.1", sshd.port, account)


@pytest.fixture
def own_sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSshd]:
    """Starts an sshd with a setting of this test's own, and lets our home lead to it."""
    require_sshd()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with ExitStack() as stack:

        def start(setting: str) -> Sshd:
            folder = tmp_path / "sshd"
            folder.mkdir()
            server = stack.enter_context(running_sshd(folder, [setting]))
            server.write_client_config(tmp_path / "home")
            return server

        yield start


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """Yields a folder that belongs to the normal user of the sshd, where root's temporary ones are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="ptc-user-"))
    if os.geteuid() == 0:
        os.chown(folder, USER_ID, GROUP_ID)
    yield folder
    shutil.rmtree(folder)
