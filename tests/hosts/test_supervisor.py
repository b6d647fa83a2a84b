"""The supervisor script under every shell and the warden: what they do when their command ends, or their owner."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from pytranscoder.hosts.supervisor import GRACE_S, SCRIPT, grace_steps, supervised
from pytranscoder.hosts.wardens.warden import wardened
from tests.hosts.programs import STOPS_WITHIN_S, await_end, program
from tests.hosts.shells import SHELLS, require_shell

ROOT = Path(__file__).parents[2]


Supervisor = Callable[[tuple[str, ...], str], tuple[str, ...]]


@pytest.fixture(params=[*SHELLS, "warden"])
def supervisor(request: pytest.FixtureRequest) -> Supervisor:
    if request.param == "warden":
        return wardened
    shell = require_shell(request.param)
    return lambda argv, partial: (*shell, "-c", SCRIPT, "pytranscoder", grace_steps(GRACE_S), partial, *argv)


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    return tmp_path / "-.fi'lm $(x)\n\udcff.ptc-r-1-1.mkv"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def started(supervisor: Supervisor, partial: Path, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    command = supervisor(argv, str(partial))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def read_all(stream: IO[bytes] | None) -> str:
    """Read to the end; standard input stays open, as its end would stop the command."""
    assert stream is not None
    return stream.read().decode()


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize(
    ("step", "status"), [("exit:0", 0), ("exit:1", 1), ("exit:255", 255), ("signal:9", 137), ("signal:15", 143)]
)
def test_the_exit_status_is_the_commands(supervisor: Supervisor, partial: Path, step: str, status: int) -> None:
    with started(supervisor, partial, *program(f"write:{partial}", step)) as process:
        assert process.wait(STOPS_WITHIN_S) == status

    assert partial.exists() == (status == 0)


def test_output_and_arguments_pass_unchanged(supervisor: Supervisor, partial: Path) -> None:
    strange = "'\"$(touch x) `y` \\n * [a] ; é 🎬"

    with started(supervisor, partial, *program(f"out:{strange}", "err:careful")) as process:
        said = read_all(process.stdout), read_all(process.stderr)

    assert said == (f"{strange}\n", "careful\n")


def test_the_command_does_not_share_standard_input(supervisor: Supervisor, partial: Path) -> None:
    with started(supervisor, partial, "cat") as process:
        assert read_all(process.stdout) == ""
        assert process.wait(STOPS_WITHIN_S) == 0


def test_a_command_that_cannot_be_found_is_said_so(supervisor: Supervisor, partial: Path) -> None:
    with started(supervisor, partial, "/nowhere/ffmpeg") as process:
        assert "/nowhere/ffmpeg" in read_all(process.stderr)
        assert process.wait(STOPS_WITHIN_S) == 127


STUBBORN = [
    pytest.param(["hang"], id="obeys"),
    pytest.param(["deaf", "hang"], id="ignores TERM"),
    pytest.param(["child", "deaf", "hang"], id="its child obeys"),
    pytest.param(["deaf", "child", "hang"], id="its child ignores TERM too"),
    pytest.param(["deaf-child", "hang"], id="only its child ignores TERM"),
]


def steps_of(lock: Path, partial: Path, steps: list[str]) -> tuple[str, ...]:
    *before, last = steps
    return program(f"hold:{lock}", f"write:{partial}", *before, "parent", last)


@pytest.mark.parametrize("word", [b"stop\n", b"go on\nstop\n"])
def test_the_word_stop_ends_the_command(supervisor: Supervisor, partial: Path, lock: Path, word: bytes) -> None:
    with started(supervisor, partial, *steps_of(lock, partial, ["hang"])) as process:
        first_line(process)
        assert process.stdin is not None
        process.stdin.write(word)
        process.stdin.flush()
        process.wait(STOPS_WITHIN_S)

    assert not partial.exists()


@pytest.mark.parametrize("steps", STUBBORN)
async def test_the_end_of_standard_input_ends_the_command_and_its_children(
    supervisor: Supervisor, partial: Path, lock: Path, steps: list[str]
) -> None:
    with started(supervisor, partial, *steps_of(lock, partial, steps)) as process:
        first_line(process)
        assert process.stdin is not None
        process.stdin.close()
        await await_end(lock)
        process.wait(STOPS_WITHIN_S)

    assert not partial.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_for_the_supervisor_alone_does_not_leave_the_command_behind(
    supervisor: Supervisor, partial: Path, lock: Path, number: signal.Signals
) -> None:
    with started(supervisor, partial, *steps_of(lock, partial, ["hang"])) as process:
        first_line(process)
        process.send_signal(number)
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(STOPS_WITHIN_S) != 0

    assert not partial.exists()


def test_the_command_line_runs_it_with_the_hosts_shell() -> None:
    argv = supervised(("ffmpeg", "-i", "a"), "/films/.a.mkv")

    assert argv[:2] == ("/bin/sh", "-c")
    assert argv[-5:] == (grace_steps(GRACE_S), "/films/.a.mkv", "ffmpeg", "-i", "a")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for a process that is not a child needs Linux")
@pytest.mark.parametrize("steps", STUBBORN)
async def test_a_command_dies_with_its_owner(partial: Path, lock: Path, steps: list[str]) -> None:
    command = [sys.executable, "-m", "tests.hosts.owner", str(partial), *steps_of(lock, partial, steps)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as owner:  # noqa: ASYNC220  # nothing else runs
        parent = os.pidfd_open(int(first_line(owner)))
        owner.kill()

    ended, _, _ = await asyncio.to_thread(select.select, [parent], [], [], STOPS_WITHIN_S)
    os.close(parent)

    assert ended
    await await_end(lock, within_s=1)
    assert not partial.exists()
