"""Hosts to which media is copied: what is where when, what a broken connection costs, what stays behind."""

import filecmp
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.scene import (
    MORE_PROFILES,
    all_remains,
    break_data_connection,
    enlarge,
    files_in,
    received_bytes,
    remains,
    sent_bytes,
    wait_for_bytes,
    wait_until,
)
from tests.end_to_end.command import run_pytranscoder, start_pytranscoder
from tests.lab.host import AGENT, Host
from tests.lab.lab import Lab

ON_HOME = ("-c", "home", "-p", "small")
COPY_ON_HOME = ("-c", "home", "-p", "copy")


@pytest.fixture(params=["bash", AGENT])
def alpha(lab: Lab, request: pytest.FixtureRequest) -> Host:
    """A host whose encodes end only when they may."""
    host = lab.host("alpha", login_shell=request.param)
    host.ffmpeg_stand_in("gate")
    lab.configure({"home": host.streaming()}, MORE_PROFILES)
    return host


def test_each_attempt_works_in_a_directory_of_its_own_below_that_of_the_run(lab: Lab, alpha: Host, film: Path) -> None:
    with start_pytranscoder(lab.place, *ON_HOME, lab.place.add(film)) as running:
        run = running.wait_for("run_started")["run"]
        running.wait_for("encode_started")
        directory = alpha.working_dir / f"pytranscoder-{run}"
        (copy,) = directory.rglob("source*")
        mode, is_whole = directory.stat().st_mode & 0o777, filecmp.cmp(film, copy, shallow=False)
        alpha.let_finish()
        done = running.finish()

    assert (copy.parent.parent, mode, is_whole) == (directory, 0o700, True)
    assert (done.status, done.outcomes, lab.place.names()) == (0, {"film.mp4": "encoded"}, ["film.mkv"])
    assert all_remains(lab) == []


def test_while_one_encodes_the_next_is_on_its_way_and_the_last_is_coming_home(
    lab: Lab, alpha: Host, heavy_film: Path
) -> None:
    films = [lab.place.add(heavy_film, f"{name}.mkv") for name in "abc"]

    with start_pytranscoder(lab.place, *COPY_ON_HOME, *films) as running:
        wait_until(running, "encode_started", job=1)
        wait_until(running, "media_staged", job=2)
        copied_ahead = len(list(alpha.working_dir.rglob("source*")))
        alpha.link(rate_bit_s=24e6)
        alpha.let_finish()
        done = running.finish()

    told = [(event["event"], event["job"]) for event in done.events if "job" in event]
    assert copied_ahead == 2
    assert told.index(("encode_started", 2)) < told.index(("job_finished", 1))
    assert done.outcomes == dict.fromkeys(("a.mkv", "b.mkv", "c.mkv"), "encoded")
    assert all_remains(lab) == []


def test_output_comes_home_while_the_next_film_takes_long_on_a_very_slow_line(
    lab: Lab, alpha: Host, film: Path
) -> None:
    films = [lab.place.add(film, "a.mp4"), enlarge(lab.place.add(film, "b.mp4"), 3_000_000)]

    with start_pytranscoder(lab.place, "-s", *ON_HOME, *films) as running:
        wait_until(running, "encode_started", job=1)
        alpha.link(rate_bit_s=1e6)
        wait_for_bytes(running, "upload", 200_000)
        alpha.let_finish()
        ended = wait_until(running, "encode_ended", job=1)["time"]
        finished = wait_until(running, "job_finished", job=1)["time"]
        upload = running.wait_for("transfer")
        alpha.link()
        done = running.finish()

    assert finished - ended < 8
    assert (upload["job"], upload["done_bytes"] < upload["total_bytes"]) == (2, True)
    assert done.outcomes == {"a.mp4": "encoded", "b.mp4": "encoded"}


def on_a_slow_link(lab: Lab, film: Path, login_shell: str) -> tuple[Host, Path]:
    """A host to which this film takes seconds, and the film in its place."""
    alpha = lab.host("alpha", login_shell=login_shell)
    alpha.link(rate_bit_s=8e6)
    lab.configure({"home": alpha.streaming()}, MORE_PROFILES)
    return alpha, lab.place.add(film)


@pytest.mark.parametrize(("direction", "copied_bytes"), [("upload", received_bytes), ("fetch", sent_bytes)])
def test_copy_goes_on_where_the_connection_broke(
    lab: Lab, heavy_film: Path, direction: str, copied_bytes: Callable[[Host], int]
) -> None:
    alpha, source = on_a_slow_link(lab, heavy_film, "bash")

    with start_pytranscoder(lab.place, *COPY_ON_HOME, source) as running:
        wait_for_bytes(running, direction, 1_500_000)
        break_data_connection(alpha)
        wait_for_bytes(running, direction, 3_000_000)
        alpha.link()
        done = running.finish()

    assert (done.status, done.of("attempt_failed"), done.of("host_unavailable")) == (0, [], [])
    assert copied_bytes(alpha) < 1.2 * heavy_film.stat().st_size
    assert all_remains(lab) == []


@pytest.mark.parametrize(
    ("login_shell", "direction", "copied_bytes"),
    [("bash", "upload", received_bytes), ("bash", "fetch", sent_bytes), (AGENT, "upload", received_bytes)],
)
def test_copy_goes_on_when_the_ssh_server_was_started_again(
    lab: Lab, heavy_film: Path, login_shell: str, direction: str, copied_bytes: Callable[[Host], int]
) -> None:
    alpha, source = on_a_slow_link(lab, heavy_film, login_shell)

    with start_pytranscoder(lab.place, *COPY_ON_HOME, source) as running:
        wait_for_bytes(running, direction, 1_500_000)
        alpha.stop_server()
        wait_until(running, "host_unavailable")
        alpha.start_server()
        alpha.link()
        done = running.finish()

    assert (done.status, done.of("attempt_failed")) == (0, [])
    # What was under way when the server went, up to a MiB, is copied again.
    assert copied_bytes(alpha) < heavy_film.stat().st_size + 1_200_000
    assert all_remains(lab) == []


def test_copies_tell_how_far_they_are_and_keep_to_the_bandwidth(lab: Lab, heavy_film: Path) -> None:
    alpha = lab.host("alpha")
    lab.configure({"home": alpha.streaming(bandwidth="1.5M")}, MORE_PROFILES)
    source = lab.place.add(heavy_film)

    done = run_pytranscoder(lab.place, "--json", *COPY_ON_HOME, source)

    for direction in ("upload", "fetch"):
        told = [event for event in done.of("transfer") if event["direction"] == direction]
        positions = [event["done_bytes"] for event in told]
        rate = told[-1]["total_bytes"] / (told[-1]["time"] - told[0]["time"])
        assert (positions[0], positions[-1], len(positions) > 2) == (0, told[-1]["total_bytes"], True)
        assert positions == sorted(positions)
        assert rate < 1.2 * 1_500_000


def test_output_that_became_shorter_is_not_taken_and_another_host_encodes_it(lab: Lab, heavy_film: Path) -> None:
    hosts = [lab.host(name) for name in ("alpha", "beta")]
    for host in hosts:
        host.link(rate_bit_s=16e6)
    lab.configure({"home": hosts[0].streaming() | hosts[1].streaming()}, MORE_PROFILES)

    with start_pytranscoder(lab.place, *COPY_ON_HOME, lab.place.add(heavy_film)) as running:
        first = lab.hosts[wait_for_bytes(running, "fetch", 300_000)["host"]]
        (output,) = first.working_dir.rglob("output*")
        os.truncate(output, 600_000)
        failure = running.wait_for("attempt_failed")
        for host in hosts:
            host.link()
        done = running.finish()

    (end,) = done.of("job_finished")
    assert (failure["host"], failure["fault"]) == (first.name, "host")
    assert any(said in failure["reason"] for said in ("became shorter", "600000 bytes after the copy instead of"))
    assert (done.status, end["outcome"], end["host"] != first.name) == (0, "encoded", True)
    assert all_remains(lab) == []


def test_host_without_room_is_not_sent_anything(lab: Lab, heavy_film: Path) -> None:
    alpha = lab.host("alpha")
    disk = alpha.small_disk(20_000_000)
    lab.configure({"home": alpha.streaming(working_dir=disk)}, MORE_PROFILES)
    source = lab.place.add(heavy_film)

    done = run_pytranscoder(lab.place, "--json", *COPY_ON_HOME, source)

    assert (done.status, done.outcomes, done.of("transfer")) == (1, {"heavy.mkv": "failed"}, [])
    assert "are needed in" in done.reasons[0]
    assert "are free; make room there, or set another `working_dir`" in done.reasons[0]
    assert (files_in(alpha.path(disk)), lab.place.names()) == ([], ["heavy.mkv"])


def test_room_is_reserved_so_that_all_fit_one_after_the_other(lab: Lab, film: Path) -> None:
    alpha = lab.host("alpha")
    disk = alpha.small_disk(45_000_000)
    lab.configure({"home": alpha.streaming(working_dir=disk)})
    films = [enlarge(lab.place.add(film, f"{name}.mp4"), 10_000_000) for name in "abc"]

    done = run_pytranscoder(lab.place, "--json", *ON_HOME, *films)

    told = [(event["event"], event["job"]) for event in done.events if event["event"] in ("transfer", "job_finished")]
    assert list(done.outcomes.values()) == ["encoded"] * 3
    assert told.index(("job_finished", 1)) < told.index(("transfer", 2))
    assert told.index(("job_finished", 2)) < told.index(("transfer", 3))
    assert files_in(alpha.path(disk)) == []


def test_directories_go_away_whatever_the_outcome(lab: Lab, film: Path) -> None:
    alpha = lab.host("alpha")
    lab.configure({"home": alpha.streaming()}, MORE_PROFILES)
    good, rejected, wrong = (lab.place.add(film, f"{name}.mp4") for name in ("good", "rejected", "wrong"))

    done = run_pytranscoder(
        lab.place, "--json", *ON_HOME, good, "-c", "home", "-p", "large", rejected, "-c", "home", "-p", "wrong", wrong
    )

    assert done.outcomes == {"good.mp4": "encoded", "rejected.mp4": "rejected", "wrong.mp4": "failed"}
    assert (done.status, lab.place.names()) == (1, ["good.mkv", "rejected.mp4", "wrong.mp4"])
    assert all_remains(lab) == []


def test_next_connection_removes_what_a_crashed_run_left_and_nothing_of_others(
    lab: Lab, alpha: Host, film: Path
) -> None:
    crashing, living, next_one = (lab.place.add(film, f"{name}.mp4") for name in ("crashing", "living", "next"))
    of_another_manager = alpha.working_dir / "pytranscoder-01ABC"
    of_another_manager.mkdir()
    with start_pytranscoder(lab.place, *ON_HOME, living) as first:
        of_the_living = f"pytranscoder-{first.wait_for('run_started')['run']}"
        first.wait_for("encode_started")
        with start_pytranscoder(lab.place, *ON_HOME, crashing) as second:
            of_the_crashed = f"pytranscoder-{second.wait_for('run_started')['run']}"
            second.wait_for("encode_started")
        left = os.listdir(alpha.working_dir)  # noqa: PTH208  # names are what is compared

        with start_pytranscoder(lab.place, *ON_HOME, next_one) as third:
            third.wait_for("host_ready")
            kept = os.listdir(alpha.working_dir)  # noqa: PTH208  # as above
            alpha.let_finish()
            statuses = [third.finish().status, first.finish().status]

    assert {of_the_living, of_the_crashed} < set(left)
    assert of_the_living in kept
    assert of_the_crashed not in kept
    assert (statuses, remains(alpha)) == ([0, 0], [of_another_manager.name])
