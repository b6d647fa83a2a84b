"""What is sent to a host's login shell, under every `/bin/sh`, and what it does when its owner or a part of it dies."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytranscoder.hosts.supervisor import LOGIN_COMMAND, Patience, remote_script
from tests.hosts.programs import STOPS_WITHIN_S, program
from tests.hosts.shells import SHELLS, require_shell

TOKEN = "a1b2"
BEGIN = f"ptc-begin {TOKEN}\n"
HASTY = Patience(silence_s=0.6, tick_s=0.1, grace_s=1)
ARGUMENTS = st.lists(st.binary().map(lambda data: os.fsdecode(data.replace(b"\0", b""))), max_size=4)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into Linux's /proc")


class Remote:
    """A supervisor as sshd would start it. `everybody` is readable when all processes of it are gone."""

    def __init__(self, shell: tuple[str, ...], home: Path, wrapper: str = '{ eval "$1"; }') -> None:
        self.home = home
        command = LOGIN_COMMAND.replace("/bin/sh", " ".join(shell))
        self.everybody, theirs = os.pipe()
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", wrapper, "sh", command],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=[theirs],
            env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
        os.close(theirs)

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def start(self, *argv: str, partial: str = "", patience: Patience = HASTY) -> None:
        self.send(remote_script(argv, partial, TOKEN, patience))

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def read_line(self) -> str:
        return self._stdout.readline().decode()

    def read_rest(self) -> str:
        return self._stdout.read().decode(errors="surrogateescape")

    def is_gone(self, within_s: float = STOPS_WITHIN_S) -> bool:
        return bool(select.select([self.everybody], [], [], within_s)[0])

    def leases(self) -> list[Path]:
        return list(self.home.glob(".cache/pytranscoder/leases/*@*"))

    def helpers(self) -> list[int]:
        """Returns the watcher and the ticker: the forks of the shell."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        mine = Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        return [int(child) for child in children if _command_line(child) == mine]

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with self.process:  # closes its pipes and waits
            pass
        os.close(self.everybody)

    @property
    def _stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout


def _command_line(pid: str) -> bytes | None:
    """The command line of a process; None when it has just ended, as what the supervisor starts for a moment."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return None


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return require_shell(request.param)


@pytest.fixture
def remote(shell: tuple[str, ...], tmp_path: Path) -> Iterator[Remote]:
    running = Remote(shell, tmp_path)
    yield running
    running.end()


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    return tmp_path / "-.fi'lm $(x)\n\udcff.ptc-r-1-1.mkv"


@pytest.mark.parametrize(
    ("command", "status"), [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_exit_status_is_a_line_of_the_output(remote: Remote, command: str, status: int) -> None:
    remote.start("sh", "-c", f"echo line; {command}")

    assert remote.read_rest() == f"{BEGIN}line\nptc-exit {TOKEN} {status}\n"
    assert remote.is_gone()


def test_the_status_of_a_command_that_ends_at_once_is_not_lost(remote: Remote, partial: Path) -> None:
    remote.start("false", partial=str(partial))

    assert remote.read_rest() == f"{BEGIN}ptc-exit {TOKEN} 1\n"


def test_a_command_has_no_part_of_standard_input(remote: Remote) -> None:
    remote.start("cat")

    assert remote.read_rest() == f"{BEGIN}ptc-exit {TOKEN} 0\n"


def test_a_command_has_the_locale_of_the_host(remote: Remote) -> None:
    remote.start("sh", "-c", 'echo "$LANG ${LC_ALL-none}"')

    assert remote.read_rest().splitlines()[1] == "C.UTF-8 none"


@given(arguments=ARGUMENTS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arguments_pass_unchanged(shell: tuple[str, ...], tmp_path: Path, arguments: list[str]) -> None:
    remote = Remote(shell, tmp_path)
    remote.start("sh", "-c", 'printf "%s/" "$@"', "sh", *arguments, "é\n'\udce9\n'")

    said = remote.read_rest()
    remote.end()

    assert said == f"{BEGIN}{''.join(f'{argument}/' for argument in arguments)}é\n'\udce9\n'/ptc-exit {TOKEN} 0\n"


@pytest.mark.parametrize(
    ("program_path", "reason"),
    [
        ("/nowhere/ffmpeg", "No such file or directory"),
        ("no-such-ffmpeg", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
        ("/etc", "Permission denied"),
    ],
)
def test_what_cannot_be_run_is_said_so(remote: Remote, program_path: str, reason: str) -> None:
    remote.start(program_path)

    assert remote.read_rest() == f"ptc-missing {TOKEN} {reason}\n"


ENDLESS = [
    pytest.param(["hang"], id="obeys"),
    pytest.param(["deaf", "child", "hang"], id="with a child, both ignore TERM"),
    pytest.param(["deaf-child", "hang"], id="only its child ignores TERM"),
]


def begin(remote: Remote, partial: Path, *steps: str) -> None:
    remote.start(*program(f"write:{partial}", *steps[:-1], "out:begun", steps[-1]), partial=str(partial))
    assert (remote.read_line(), remote.read_line()) == (BEGIN, "begun\n")
    while not remote.leases():  # it is written last, when the helpers are there
        pass


@pytest.mark.parametrize("steps", ENDLESS)
def test_the_word_stop_ends_all_and_the_status_is_told(remote: Remote, partial: Path, steps: list[str]) -> None:
    begin(remote, partial, *steps)

    remote.send(b"stop\n")

    assert remote.read_rest() in (f"ptc-exit {TOKEN} 143\n", f"ptc-exit {TOKEN} 137\n")
    assert remote.is_gone()
    assert not partial.exists()
    assert not remote.leases()


@pytest.mark.parametrize("steps", ENDLESS)
def test_the_end_of_the_input_ends_all(remote: Remote, partial: Path, steps: list[str]) -> None:
    begin(remote, partial, *steps)

    remote.close_input()

    assert remote.is_gone()
    assert not partial.exists()
    assert not remote.leases()


@pytest.mark.parametrize("steps", ENDLESS)
def test_silence_ends_all(remote: Remote, partial: Path, steps: list[str]) -> None:
    begin(remote, partial, *steps)

    assert remote.is_gone()
    assert not partial.exists()
    assert not remote.leases()


def test_heartbeats_keep_a_command_alive(remote: Remote, partial: Path) -> None:
    begin(remote, partial, "hang")

    until = time.monotonic() + 3 * HASTY.silence_s
    while time.monotonic() < until:
        remote.send(b"\n")
        assert not remote.is_gone(within_s=0.1)

    assert len(remote.leases()) == 1


def test_a_dead_supervisor_takes_the_command_with_it(remote: Remote, partial: Path) -> None:
    begin(remote, partial, "hang")

    remote.process.kill()
    remote.close_input()  # as sshd does when the leader of a session is gone

    assert remote.is_gone()
    assert not partial.exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_dead_helper_takes_the_command_with_it(remote: Remote, partial: Path, number: int) -> None:
    begin(remote, partial, "hang")

    os.kill(remote.helpers()[number], signal.SIGKILL)
    with suppress(BrokenPipeError):  # there is nobody to read it any more
        for _ in range(20):
            remote.send(b"\n")
            if remote.is_gone(within_s=0.1):
                break

    assert remote.is_gone()
    assert not partial.exists()


def test_a_lease_names_supervisor_command_and_partial(remote: Remote, partial: Path) -> None:
    begin(remote, partial, "hang")
    (lease,) = remote.leases()

    supervisor, command, rest = os.fsdecode(lease.read_bytes()).split("\n", 2)

    assert supervisor.split()[0] == str(remote.process.pid)
    assert Path(f"/proc/{command.split()[0]}/stat").read_text().split()[21] == command.split()[1]
    assert rest == str(partial)
    assert lease.parent.stat().st_mode & 0o777 == 0o700


def test_a_group_that_is_not_ours_is_left_alone(shell: tuple[str, ...], tmp_path: Path) -> None:
    remote = Remote(shell, tmp_path, wrapper='sh -c "$1"; echo survived')
    remote.start("true")

    said = remote.read_rest()
    remote.end()

    assert said == f"{BEGIN}ptc-exit {TOKEN} 0\nsurvived\n"


@pytest.mark.parametrize("word", [b"stop\n", b""])
def test_without_setsid_the_command_alone_is_ended(
    shell: tuple[str, ...], tmp_path: Path, partial: Path, word: bytes
) -> None:
    no_setsid = "command() { case $2 in setsid) return 1 ;; esac; }; "
    remote = Remote(shell, tmp_path, wrapper='sh -c "$1"; echo survived')
    remote.send(no_setsid.encode())
    begin(remote, partial, "hang")

    remote.send(word) if word else remote.close_input()
    said = remote.read_rest()
    remote.end()

    assert said == f"ptc-exit {TOKEN} 143\nsurvived\n"
    assert not partial.exists()
