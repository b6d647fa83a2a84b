"""What a warden does beyond what every supervisor does: folders, limits, refusals, and that it is not missed."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pytranscoder
from pytranscoder.hosts.supervisor import GRACE_S
from pytranscoder.hosts.wardens.warden import refusal, warden_argv, wardened
from tests.hosts.programs import STOPS_WITHIN_S, await_end, await_gone, program

PACKAGE = Path(pytranscoder.__file__).parent


def started(command: tuple[str, ...], folder: Path | None = None) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, start_new_session=True)


def outcome(command: tuple[str, ...], folder: Path | None = None) -> tuple[int, str, str]:
    """Run a warden in a folder to its end, which it comes to by itself; return its status and what was said."""
    with started(command, folder) as warden:
        assert warden.stdout is not None
        assert warden.stderr is not None
        stdout, stderr = warden.stdout.read(), warden.stderr.read()
        return warden.wait(STOPS_WITHIN_S), stdout.decode(), stderr.decode()


def test_a_command_runs_in_the_folder_that_was_ordered(tmp_path: Path) -> None:
    assert outcome(warden_argv(("pwd",), (), grace_s=GRACE_S, directory=str(tmp_path))) == (0, f"{tmp_path}\n", "")


@pytest.mark.parametrize(
    ("argv", "directory", "status", "reason"),
    [
        pytest.param(("/nowhere/x",), None, 127, "cannot run /nowhere/x: No such file or directory", id="no file"),
        pytest.param(("no-such-x",), None, 127, "cannot run no-such-x: No such file or directory", id="not in PATH"),
        pytest.param(("/etc/passwd",), None, 127, "cannot run /etc/passwd: Permission denied", id="no program"),
        pytest.param(("pwd",), "/nowhere", 126, "cannot run in /nowhere: No such file or directory", id="no folder"),
    ],
)
def test_what_cannot_be_run_is_told_with_its_reason(
    argv: tuple[str, ...], directory: str | None, status: int, reason: str
) -> None:
    ended, _, said = outcome(warden_argv(argv, (), grace_s=GRACE_S, directory=directory))

    assert (ended, refusal(ended, said)) == (status, reason)


def test_what_a_command_says_at_its_end_is_no_refusal() -> None:
    assert refusal(127, "sh: ffmpeg: not found\n") is None
    assert refusal(1, "cannot run x: y\n") is None


def test_a_file_that_grows_too_large_fails_with_a_reason(tmp_path: Path) -> None:
    film = tmp_path / "film"
    copy = ("dd", "if=/dev/zero", f"of={film}", "bs=1000", "count=99")

    status, _, said = outcome(warden_argv(copy, (), grace_s=GRACE_S, most_bytes=5000))

    assert status == 1
    assert "File too large" in said
    assert film.stat().st_size == 5000


def test_all_partial_files_of_a_failure_are_removed(tmp_path: Path) -> None:
    partials = [tmp_path / name for name in ("a", "b\udcff", "c")]
    for partial in partials:
        partial.touch()

    outcome(warden_argv(("false",), ["", str(tmp_path / "not there"), *map(str, partials)], grace_s=GRACE_S))

    assert list(tmp_path.iterdir()) == []


STUBBORN = [
    pytest.param(["hang"], id="obeys"),
    pytest.param(["deaf", "hang"], id="ignores TERM"),
    pytest.param(["deaf", "child", "hang"], id="its child ignores TERM too"),
]


@pytest.mark.parametrize("steps", STUBBORN)
async def test_a_command_dies_with_a_killed_warden(tmp_path: Path, steps: list[str]) -> None:
    lock, partial = tmp_path / "lock", tmp_path / "partial"
    command = program(f"hold:{lock}", f"write:{partial}", *steps[:-1], "out:begun", "hang")
    with started(wardened(command, str(partial))) as warden:
        assert warden.stdout is not None
        warden.stdout.readline()
        warden.kill()
        warden.wait()
        await await_end(lock)
        await await_gone(partial)


async def test_the_partial_file_of_a_killed_group_is_removed_too(tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    with started(wardened(program(f"write:{partial}", "out:begun", "hang"), str(partial))) as warden:
        assert warden.stdout is not None
        warden.stdout.readline()
        os.killpg(warden.pid, signal.SIGKILL)
        warden.wait()

    await await_gone(partial)


async def test_what_outlives_its_command_is_ended_and_the_success_stands(tmp_path: Path) -> None:
    lock, partial = tmp_path / "lock", tmp_path / "partial"
    with started(wardened(program(f"hold:{lock}", f"write:{partial}", "deaf", "orphan"), str(partial))) as warden:
        assert warden.wait(STOPS_WITHIN_S) == 0
        await await_end(lock)

    assert partial.exists()


async def test_a_warden_that_leads_no_group_makes_its_own(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = wardened(program(f"hold:{lock}", "deaf", "child", "out:begun", "hang"), "")
    with subprocess.Popen(command, stdin=-1, stdout=-1) as warden:  # noqa: ASYNC220  # nothing else runs
        assert warden.stdout is not None
        warden.stdout.readline()
        assert warden.stdin is not None
        warden.stdin.close()
        await await_end(lock)

    assert warden.returncode == 128 + signal.SIGKILL


def test_a_stop_that_the_command_calls_a_success_is_none(tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    obliging = ("sh", "-c", 'trap "exit 0" TERM; echo begun >"$1"; echo begun; while :; do sleep 0.02; done')
    with started(wardened((*obliging, "sh", str(partial)), str(partial))) as warden:
        assert warden.stdout is not None
        warden.stdout.readline()
        assert warden.stdin is not None
        warden.stdin.close()

        assert warden.wait(STOPS_WITHIN_S) == 128 + signal.SIGTERM

    assert not partial.exists()


def test_it_runs_from_a_zip_file(tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for module in (PACKAGE / "__init__.py", *PACKAGE.glob("hosts/**/*.py")):
            packed.write(module, module.relative_to(PACKAGE.parent))
    command = tuple(str(archive) if word == str(PACKAGE.parent) else word for word in wardened(("echo", "hello"), ""))

    assert outcome(command) == (0, "hello\n", "")


def test_it_imports_little() -> None:
    listing = "import sys; sys.path.append({root!r}); import pytranscoder.hosts.{module}; print(*sys.modules)"
    code = listing.format(root=str(PACKAGE.parent), module="wardens.posix, pytranscoder.hosts.wardens.program")
    said = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True).stdout

    assert not {"asyncio", "dataclasses", "inspect", "pathlib", "subprocess", "ctypes"} & set(said.split())


def test_the_orders_are_one_word_of_plain_characters() -> None:
    *_, root, orders = warden_argv(("ffmpeg", "-i", "é\udcff"), ("b\udcfe",), grace_s=1.5, directory="/films")

    assert orders.isascii()
    assert Path(root) == PACKAGE.parent
    assert json.loads(orders)["argv"] == ["ffmpeg", "-i", "é\udcff"]


def test_a_program_of_ours_takes_nothing_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")

    assert outcome(wardened(("true",), ""), tmp_path) == (0, "", "")
