import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.command import (
    PROFILES,
    Place,
    command,
    left_running,
    processes_of,
    run_pytranscoder,
    start_pytranscoder,
)

WITHIN_S = 5.0
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"


@pytest.fixture
def queue_file(place: Place, film: Path) -> Path:
    """A queue file with a comment, two films and one that is not there."""
    lines = ["# tonight", str(place.add(film, "first.mp4")), str(place.add(film, "second.mp4")), "/nowhere/third.mp4"]
    path = place.root / "queue.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("behaviour", ["endless", "stubborn", "grandchild"])
def test_signal_stops_all_within_five_seconds(
    place: Place, queue_file: Path, behaviour: str, number: signal.Signals
) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg(behaviour))
    before = queue_file.read_text()

    with start_pytranscoder(place, "-p", "small", "--from-file", queue_file) as running:
        running.wait_for("progress")
        begun = running.send(number)
        done = running.finish()
        seconds = time.monotonic() - begun

    assert (done.status, seconds < WITHIN_S) == (130, True)
    assert done.outcomes["first.mp4"] == "cancelled"
    assert done.of("run_finished")[0]["interrupted"]
    assert place.names() == ["first.mp4", "second.mp4"]
    assert queue_file.read_text() == before
    assert left_running(place) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_real_ffmpeg_does_not_outlive_the_command(place: Place, film: Path, number: signal.Signals) -> None:
    place.configure(PROFILES + "  endless:\n    include: small\n    input_options: -re -stream_loop -1\n")

    with start_pytranscoder(place, "-p", "endless", place.add(film)) as running:
        running.wait_for("progress")
        begun = running.send(number)
        running.process.wait()
        running_on = left_running(place, begun + WITHIN_S - time.monotonic())

    assert running_on == []
    assert place.names() == ["film.mp4"]


def test_interrupted_run_prints_what_was_done(place: Place, film: Path) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg("stubborn"))
    process = subprocess.Popen(
        command("-p", "small", place.add(film)),
        cwd=place.media,
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert "encoding film.mp4 with small" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()

    assert "interrupted: 1 file not done" in said
    assert "Traceback" not in said


def test_film_that_was_encoded_before_the_interruption_has_left_the_queue_file(place: Place, queue_file: Path) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg("good_once"))

    with start_pytranscoder(place, "-p", "small", "--from-file", queue_file) as running:
        while running.wait_for("job_finished")["outcome"] != "encoded":
            pass
        running.send(signal.SIGINT)
        done = running.finish()

    assert (done.status, done.outcomes["second.mp4"]) == (130, "cancelled")
    assert queue_file.read_text() == f"# tonight\n{place.media / 'second.mp4'}\n/nowhere/third.mp4\n"
    assert place.names() == ["first.mkv", "second.mp4"]


def test_signal_while_files_are_probed_ends_the_run(place: Place, film: Path) -> None:
    for number in range(300):
        os.link(place.add(film, "0.mp4") if number == 0 else place.media / "0.mp4", place.media / f"{number + 1}.mp4")
    place.configure(ffmpeg=place.fake_ffmpeg("endless"))

    with start_pytranscoder(place, "-p", "small", place.media) as running:
        running.wait_for("job_queued")
        begun = running.send(signal.SIGINT)
        done = running.finish()
        seconds = time.monotonic() - begun

    assert (done.status, seconds < WITHIN_S) == (130, True)
    assert set(done.outcomes.values()) == {"cancelled"}
    assert len(place.names()) == 301
    assert left_running(place) == []


@pytest.mark.parametrize("behaviour", ["endless", "stubborn", "grandchild"])
def test_killed_manager_leaves_no_ffmpeg_and_the_next_start_cleans_up(place: Place, film: Path, behaviour: str) -> None:
    source = place.add(film)
    place.configure(ffmpeg=place.fake_ffmpeg(behaviour))
    with start_pytranscoder(place, "-p", "small", source) as running:
        running.wait_for("progress")
        running.process.kill()
        running.process.wait()
        running_on = left_running(place, WITHIN_S)

    place.configure()
    done = run_pytranscoder(place, "--json", "-p", "small", source)

    assert running_on == []
    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})
    assert place.names() == ["film.mkv"]
    statuses = [line.split()[-1] for line in run_pytranscoder(place, "history").stdout.splitlines()[1:3]]
    assert statuses == ["crashed", "encoded"]


def test_partial_file_that_nothing_could_remove_is_removed_at_the_next_start(place: Place, film: Path) -> None:
    source = place.add(film)
    place.configure(ffmpeg=place.fake_ffmpeg("gate"))
    with start_pytranscoder(place, "-p", "small", source) as running:
        running.wait_for("progress")
        at_work = processes_of(place)
        for number in (signal.SIGSTOP, signal.SIGKILL):  # as when the power fails: none sees another one end
            for pid in at_work:
                os.kill(pid, number)
        assert left_running(place) == []
        left = place.names()

    other = run_pytranscoder(place, "--json", "-p", "small", "nowhere.mp4")

    assert len(left) == 2
    assert "removed, left by a crash" in other.stderr
    assert place.names() == ["film.mp4"]


@pytest.mark.parametrize("behaviour", ["endless", "stubborn"])
def test_impatient_user_does_no_harm(place: Place, film: Path, behaviour: str) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg(behaviour))

    with start_pytranscoder(place, "-p", "small", place.add(film)) as running:
        running.wait_for("progress")
        begun = time.monotonic()
        while running.process.poll() is None:
            running.send(signal.SIGINT)
            running.send(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(0.05)
        seconds = time.monotonic() - begun
        done = running.finish()

    assert (done.status, done.outcomes, seconds < WITHIN_S) == (130, {"film.mp4": "cancelled"}, True)
    assert (place.names(), left_running(place)) == (["film.mp4"], [])


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(place: Place, film: Path) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg("endless"))
    ours, theirs = os.openpty()
    said = b""
    with subprocess.Popen(
        ["/usr/bin/setsid", "--ctty", "--wait", *command("-p", "small", place.add(film))],
        cwd=place.media,
        env={**place.environment, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        while b"film.mp4" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"\x03")
        with suppress(OSError):  # EIO is how Linux says that the other end is closed
            while chunk := os.read(ours, 4096):
                said += chunk
    os.close(ours)

    assert process.returncode == 130
    assert b"interrupted: 1 file not done" in said
    assert said.rfind(HIDE_CURSOR) < said.rfind(SHOW_CURSOR)
    assert (place.names(), left_running(place)) == (["film.mp4"], [])


def test_second_run_leaves_a_claimed_file_and_its_queue_line_alone(place: Place, film: Path) -> None:
    source = place.add(film)
    queue_file = place.root / "queue.txt"
    queue_file.write_text(f"{source}\n")
    place.configure(ffmpeg=place.fake_ffmpeg("gate"))

    with start_pytranscoder(place, "-p", "small", source) as first:
        first.wait_for("progress")
        second = run_pytranscoder(place, "--json", "-p", "small", "--from-file", queue_file)
        line = queue_file.read_text()
        place.let_finish()
        done = first.finish()

    assert (second.status, second.outcomes) == (0, {"film.mp4": "skipped"})
    assert "which works on it" in second.reasons[0]
    assert line == f"{source}\n"
    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})
    assert place.names() == ["film.mkv"]


def touch(source: Path) -> None:
    os.utime(source, (1, 1))


def append(source: Path) -> None:
    with source.open("ab") as file:
        file.write(b"more")


def take_its_place(source: Path) -> None:
    status = source.stat()
    other = source.with_name("other")
    other.write_bytes(source.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(source)


def put_something_under_the_final_name(source: Path) -> None:
    source.with_suffix(".mkv").write_bytes(b"another film")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (touch, "was changed while it was encoded"),
        (append, "was changed while it was encoded"),
        (take_its_place, "was changed while it was encoded"),
        (Path.unlink, "film.mp4: is gone"),
        (put_something_under_the_final_name, "film.mkv exists already"),
    ],
    ids=["touched", "grown", "exchanged", "removed", "final name taken"],
)
def test_nothing_is_replaced_when_the_folder_changed_meanwhile(
    place: Place, film: Path, change: Callable[[Path], None], reason: str
) -> None:
    source = place.add(film)
    place.add(film, "beside.mp4")
    place.configure(ffmpeg=place.fake_ffmpeg("gate"))

    with start_pytranscoder(place, "-p", "small", source) as running:
        running.wait_for("progress")
        change(source)
        after_change = {path: path.read_bytes() for path in place.media.iterdir() if not path.name.startswith(".")}
        place.let_finish()
        done = running.finish()

    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert reason in done.reasons[0]
    assert {path: path.read_bytes() for path in place.media.iterdir()} == after_change


def test_closed_standard_output_does_not_end_the_run(place: Place, film: Path) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg("gate"))
    words = command("-p", "small", place.add(film, "one.mp4"), place.add(film, "two.mp4"))
    with subprocess.Popen(
        words, cwd=place.media, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        place.let_finish()
        said = process.stderr.read()
        status = process.wait()

    assert (status, said) == (0, "")
    assert place.names() == ["one.mkv", "two.mkv"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"], ids=["output", "errors", "all"])
def test_streams_that_are_closed_from_the_start_do_no_harm(place: Place, film: Path, closed: str) -> None:
    place.configure()
    words = command("-p", "small", place.add(film))

    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {closed}', "sh", *words],
        check=False,
        capture_output=True,
        cwd=place.media,
        env=place.environment,
    )

    assert (done.returncode, done.stderr, place.names()) == (0, b"", ["film.mkv"])
    again = run_pytranscoder(place, "history")  # the journal is whole
    assert (again.status, "1 encoded" in again.stdout) == (0, True)


def test_workers_end_with_a_killed_manager(place: Place, film: Path) -> None:
    place.configure(ffmpeg=place.fake_ffmpeg("endless"))

    with start_pytranscoder(place, "-p", "small", place.add(film)) as running:
        running.wait_for("progress")
        started = len(processes_of(place))
        running.process.kill()
        running.process.wait()

        assert started >= 3  # the command, a worker and ffmpeg, so that the next line means something
        assert left_running(place, WITHIN_S) == []
