"""What the reaper ends and removes, and what it leaves alone."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.reaper import reap
from pytranscoder.hosts.ssh import SshProcess, SshTransport
from tests.hosts.conftest import MakeAddress
from tests.hosts.programs import await_end, program
from tests.hosts.sshd import Sshd

ACCOUNTS = ["root-bash", "user-fish"]
HERE = LocalTransport("nas")


def started(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def transport(address: MakeAddress, account: str) -> AsyncIterator[SshTransport]:
    async with Connections("nas", address(account)) as connections:
        yield SshTransport(connections)


@pytest.fixture
def leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    folder = tmp_path / ".cache" / "pytranscoder" / "leases"
    folder.mkdir(parents=True)
    return folder


def write_lease(folder: Path, supervisor: str, command: str, partial: Path, host: str | None = None) -> Path:
    lease = folder / f"{host or os.uname().nodename}@a1b2"
    lease.write_bytes(os.fsencode(f"{supervisor}\n{command}\n{partial}"))
    return lease


async def begin_and_kill(sshd: Sshd, account: str, process: SshProcess) -> int:
    """Wait for the lease, then kill whatever watches over the command; return the command."""
    await anext(process.lines())
    folder = sshd.home(account) / ".cache" / "pytranscoder" / "leases"
    while not (leases := list(folder.glob("*@*"))):  # written last, a moment after the command has begun
        pass
    supervisor, command, *_ = leases[0].read_text(errors="replace").split("\n")
    leader, child = int(supervisor.split()[0]), int(command.split()[0])
    children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    for victim in (leader, *(int(number) for number in children if int(number) != child)):
        os.kill(victim, signal.SIGKILL)
    return child


async def test_what_a_dead_supervisor_left_is_ended_and_removed(
    sshd: Sshd, account: str, transport: SshTransport, shared_folder: Path
) -> None:
    partial, lock = shared_folder / "-.fi'lm\n\udcff.mkv", shared_folder / "lock"
    steps = (f"hold:{lock}", f"write:{partial}", "deaf", "child", "out:begun", "hang")
    async with transport.supervise(program(*steps), str(partial)) as process:
        command = await begin_and_kill(sshd, account, process)

        done = await reap(transport)

        await await_end(lock)
    assert done == [f"ended process {command}", f"removed {shared_folder}/-.fi'lm\\n\ufffd.mkv"]
    assert not partial.exists()
    assert await reap(transport) == []


async def test_a_live_supervisor_is_left_alone(transport: SshTransport, shared_folder: Path) -> None:
    partial = shared_folder / "film.mkv"
    async with transport.supervise(program(f"write:{partial}", "out:begun", "hang"), str(partial)) as process:
        await anext(process.lines())

        done = await reap(transport)

        assert partial.exists()
    assert done == []


async def test_a_number_that_was_given_out_again_is_left_alone(leases: Path, tmp_path: Path) -> None:
    lease = write_lease(leases, "1 1", f"{os.getpid()} 12345", tmp_path / "gone.mkv")

    assert await reap(HERE) == []
    assert not lease.exists()


@contextmanager
def sleeper(group: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"], process_group=group) as process:
        yield process
        process.kill()


async def test_a_command_in_a_group_of_others_is_ended_alone(leases: Path, tmp_path: Path) -> None:
    with sleeper() as leader, sleeper(leader.pid) as command:
        write_lease(leases, "1 1", f"{command.pid} {started(command.pid)}", tmp_path / "gone.mkv")

        done = await reap(HERE)

        statuses = command.wait(), leader.poll()
    assert statuses == (-signal.SIGTERM, None)
    assert done == [f"ended process {command.pid}"]


async def test_the_lease_of_another_host_is_left_alone(leases: Path, tmp_path: Path) -> None:
    partial = tmp_path / "film.mkv"
    partial.touch()
    lease = write_lease(leases, "1 1", "1 1", partial, host=f"{os.uname().nodename}.other")

    assert await reap(HERE) == []
    assert lease.exists()
    assert partial.exists()


@pytest.mark.parametrize("process", [2**22 + 1, os.getpid()], ids=["dead", "alive"])
async def test_a_lease_that_its_supervisor_did_not_live_to_finish_is_removed(leases: Path, process: int) -> None:
    draft = leases / f".{os.uname().nodename}:a1b2.{process}"
    draft.touch()

    assert await reap(HERE) == []
    assert draft.exists() == (process == os.getpid())


async def test_no_lease_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert await reap(HERE) == []


async def test_a_folder_of_somebody_else_is_not_looked_at(leases: Path, tmp_path: Path) -> None:
    partial = tmp_path / "film.mkv"
    partial.touch()
    write_lease(leases, "1 1", "1 1", partial)
    os.chown(leases, 65534, 65534) if os.geteuid() == 0 else pytest.skip("only root can give a folder away")

    assert await reap(HERE) == []
    assert partial.exists()
