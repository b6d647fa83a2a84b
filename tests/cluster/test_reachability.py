"""Hosts that cannot be used: each is named with its reason, the others go on, and it joins when it can be used."""

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pytranscoder.jobs.events import (
    Direction,
    EncodeEnded,
    EncodeStarted,
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    MediaStaged,
    Notice,
    Planned,
    Progress,
    Transfer,
)
from pytranscoder.jobs.health import Pauses
from pytranscoder.jobs.journal import Journal
from pytranscoder.runner import Runner
from tests.clips import FFMPEG
from tests.cluster.evidence import hosts_of, reasons_of
from tests.cluster.scene import order_of
from tests.end_to_end.command import run_pytranscoder, start_pytranscoder
from tests.lab.host import Host
from tests.lab.lab import Lab

SMALL = ("-p", "small", "-c", "home")
# An ffmpeg that says it has no libx264, and has it.
WITHOUT_X264 = f"""#!/bin/sh
[ "$*" = -encoders ] || exec {FFMPEG} "$@"
{FFMPEG} -encoders | grep -v libx264
"""


def hanging_ffmpeg(host: Host) -> str:
    """Let a host have an ffmpeg that never answers and return its path there."""
    path = host.root / "bin" / "ffmpeg-hanging"
    path.write_text("#!/bin/sh\nsleep 1000\n")
    path.chmod(0o755)
    return str(path)


def without_x264(host: Host) -> str:
    """Let a host have an ffmpeg without libx264 and return its path there."""
    path = host.root / "bin" / "ffmpeg-plain"
    path.write_text(WITHOUT_X264)
    path.chmod(0o755)
    return str(path)


@contextmanager
def silent_name_server(folder: Path) -> Iterator[list[str]]:
    """Yields a command through which another knows only a name server that never answers."""
    address = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.2"
    configuration = folder / "resolv.conf"
    configuration.write_text(f"nameserver {address}\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        mount = f'mount --bind "{configuration}" /etc/resolv.conf && exec "$@"'
        yield ["unshare", "--mount", "sh", "-c", mount, "sh"]


def nothing(_: Host) -> None:
    """What happens to a host that is well; its entry is wrong."""


@pytest.mark.parametrize(
    ("trouble", "keys", "reason"),
    [
        (Host.stop_server, {}, "{address} refused the connection at port 22; is its ssh server running?"),
        (Host.change_key, {}, "key does not match known_hosts; remove the old one with `ssh-keygen -R {address}`"),
        (
            lambda host: host.server.admit(""),
            {},
            "no key is accepted for user root (tried id_ed25519); copy yours there with `ssh-copy-id root@beta`",
        ),
        (
            nothing,
            {"ffmpeg": "/opt/ffmpeg"},
            "no ffmpeg at /opt/ffmpeg; correct `ffmpeg` of this host in the configuration",
        ),
        (
            nothing,
            {"ffmpeg": "/bin/false"},
            "/bin/false is no ffmpeg that can be run (status 1: no answer)",
        ),
        (nothing, {"ip": "nowhere.invalid"}, "there is no host named nowhere.invalid; check `ip`"),
    ],
    ids=["refused", "key changed", "key not accepted", "no ffmpeg", "no working ffmpeg", "no such name"],
)
def test_host_that_is_out_is_named_with_its_reason_and_the_others_go_on(
    lab: Lab, film: Path, trouble: Callable[[Host], object], keys: dict[str, str], reason: str
) -> None:
    alpha, beta = lab.host("alpha"), lab.host("beta")
    trouble(beta)
    alpha.ffmpeg_stand_in("gate")
    lab.configure({"home": beta.streaming(**keys) | alpha.streaming()})

    with start_pytranscoder(lab.place, *SMALL, lab.place.add(film)) as running:
        told = running.wait_for("host_unavailable")
        alpha.let_finish()
        done = running.finish()

    assert (told["host"], told["reason"]) == ("beta", reason.format(address=beta.address))
    assert (done.status, hosts_of(done)) == (0, {"film.mp4": "alpha"})


def test_name_server_that_does_not_answer_holds_up_neither_hosts_nor_the_end(
    lab: Lab, alpha: Host, film: Path, tmp_path: Path
) -> None:
    away = {f"away{number}": {"type": "streaming", "ip": "a.example.org", "working_dir": "/tmp"} for number in range(9)}
    lab.configure({"home": away | alpha.streaming()})

    with (
        silent_name_server(tmp_path) as through,
        start_pytranscoder(lab.place, *SMALL, lab.place.add(film), through=through) as running,
    ):
        done = running.finish()
        ended = time.time()

    assert (done.status, hosts_of(done)) == (0, {"film.mp4": "alpha"})
    assert done.of("run_finished")[0]["seconds"] < 5
    assert ended - done.of("run_finished")[0]["time"] < 3


def test_host_that_does_not_answer_is_given_up_after_10_s_and_holds_up_nobody(
    lab: Lab, alpha: Host, beta: Host, film: Path
) -> None:
    frozen, slow = lab.host("gamma"), lab.host("delta")
    alpha.ffmpeg_stand_in("gate")
    lab.configure(
        {
            "home": beta.streaming()
            | frozen.streaming()
            | slow.streaming(ffmpeg=hanging_ffmpeg(slow))
            | alpha.streaming()
        }
    )
    beta.cut()
    frozen.freeze()

    with start_pytranscoder(lab.place, *SMALL, lab.place.add(film)) as running:
        begun = running.wait_for("run_started")["time"]
        running.wait_for("encode_started")  # before the first of the others is given up
        given_up = [running.wait_for("host_unavailable") for _ in range(3)]
        alpha.let_finish()
        done = running.finish()

    assert [event["time"] - begun < 12 for event in given_up] == [True] * 3
    assert "; is it switched on" in reasons_of(done)["beta"]
    assert reasons_of(done)["gamma"] == f"no answer from {frozen.address}; is it switched on?"
    assert reasons_of(done)["delta"] == "its check took longer than 10 s; is it overloaded?"
    assert (done.status, hosts_of(done), slow.left_running(5)) == (0, {"film.mp4": "alpha"}, [])


def test_job_goes_to_a_host_whose_ffmpeg_has_the_encoder(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    lab.configure({"home": beta.streaming(ffmpeg=without_x264(beta)) | alpha.streaming()})
    films = [lab.place.add(film, f"{name}.mp4") for name in "abc"]

    done = run_pytranscoder(lab.place, "--json", *SMALL, *films)

    assert (done.status, hosts_of(done)) == (0, dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), "alpha"))
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("host beta: ")
    assert f" at {without_x264(beta)} has no encoder libx264" in warning


def test_dry_run_tells_of_an_encoder_that_is_lacking_also_when_the_host_that_has_it_is_away(
    lab: Lab, alpha: Host, beta: Host, film: Path
) -> None:
    alpha.stop_server()
    lab.configure({"home": beta.streaming(ffmpeg=without_x264(beta)) | alpha.streaming()})

    done = run_pytranscoder(lab.place, "--json", "--dry-run", *SMALL, lab.place.add(film))

    assert done.status == 1
    assert done.reasons[0].startswith("no usable host: alpha: ")
    assert "host beta: " in done.stderr
    assert "has no encoder libx264" in done.stderr


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_job_whose_encoder_no_host_has_fails_and_names_it(
    lab: Lab, beta: Host, film: Path, words: tuple[str, ...]
) -> None:
    lab.configure({"home": beta.streaming(ffmpeg=without_x264(beta))})

    done = run_pytranscoder(lab.place, "--json", *words, *SMALL, lab.place.add(film))

    assert (done.status, done.of("encode_started"), lab.place.names()) == (1, [], ["film.mp4"])
    assert "has no encoder libx264" in done.reasons[0]


def test_cluster_without_a_usable_host_exits_with_3_and_leaves_the_files_in_the_list(
    lab: Lab, alpha: Host, beta: Host, film: Path
) -> None:
    alpha.stop_server()
    beta.server.admit("")
    lab.configure({"home": alpha.streaming() | beta.streaming()})
    queue_file = lab.place.root / "queue.txt"
    queue_file.write_text(f"{lab.place.add(film)}\n")

    done = run_pytranscoder(lab.place, *SMALL, "--from-file", queue_file)

    assert (done.status, lab.place.names(), queue_file.exists()) == (3, ["film.mp4"], True)
    assert "no usable host in cluster home" in done.stdout


def test_host_that_was_in_use_and_is_gone_is_lost(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.ffmpeg_stand_in("endless")
    lab.configure({"home": alpha.streaming()})

    with start_pytranscoder(lab.place, *SMALL, lab.place.add(film)) as running:
        running.wait_for("progress")
        alpha.stop_server()
        told = running.wait_for("host_unavailable")

    assert (told["host"], told["reason"]) == ("alpha", "lost: connection lost")


def test_host_without_room_says_how_much_it_takes(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming(working_dir=alpha.small_disk(4096))})

    done = run_pytranscoder(lab.place, "--json", *SMALL, lab.place.add(film))

    (reason,) = done.reasons
    assert (done.status, reason.startswith("host alpha: 17 MB are needed in ")) == (1, True)
    assert reason.endswith(" 0 MB are free; make room there, or set another `working_dir`")


async def test_host_that_comes_late_must_see_a_file_that_is_still_there(
    lab: Lab, beta: Host, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(lab.place.home))
    gate = Path(f"{lab.place.diary}.open")
    entry = beta.mounted(**{"path-substitutions": [f"{lab.place.media} /mnt/nothing"]})
    lab.configure({"home": lab.local("desk", ffmpeg=lab.place.fake_ffmpeg("gate")) | entry})
    beta.stop_server()
    lab.place.let_finish()
    seen: list[Event] = []

    def play(event: Event) -> None:
        seen.append(event)
        if isinstance(event, EncodeEnded) and event.job == 1:
            gate.unlink()
        elif isinstance(event, JobFinished) and event.job == 1:
            beta.start_server()  # which then is shown the second file, as the first is gone
        elif (
            isinstance(event, HostUnavailable | EncodeStarted) and event.host == "beta" and "refused" not in str(event)
        ):
            lab.place.let_finish()

    films = [lab.place.add(film, f"{name}.mp4") for name in "abc"]
    with closing(Journal(lab.place.state / "pytranscoder")) as journal:
        journal.begin_run("r1", 1)
        await Runner(order_of(lab, films), journal, [play]).run()

    assert {event.host for event in seen if isinstance(event, EncodeStarted | HostReady)} == {"desk"}
    assert any("does not see" in event.reason for event in seen if isinstance(event, HostUnavailable))


async def test_what_was_sent_ahead_is_encoded_after_a_rest_and_not_sent_again(
    lab: Lab, alpha: Host, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(lab.place.home))
    alpha.ffmpeg_stand_in("gate")
    lab.configure({"home": alpha.streaming()})
    seen: list[Event] = []
    killed: list[int] = []

    def play(event: Event) -> None:
        seen.append(event)
        is_ahead = sum(isinstance(it, MediaStaged) for it in seen) == 2
        if isinstance(event, Progress) and is_ahead and not killed:
            killed.extend(
                it.pid for it in alpha.processes() if "-progress" in it.command and it.program.startswith("python")
            )
            os.kill(killed[0], signal.SIGKILL)
        elif isinstance(event, HostUnavailable):
            alpha.let_finish()

    order = replace(order_of(lab, [lab.place.add(film, f"{name}.mp4") for name in "ab"]), pauses=Pauses(host_s=0.2))
    with closing(Journal(lab.place.state / "pytranscoder")) as journal:
        journal.begin_run("r1", 1)
        finished = await Runner(order, journal, [play]).run()

    uploads = [event.attempt for event in seen if isinstance(event, Transfer) and event.direction is Direction.UPLOAD]
    assert finished.encoded == 2
    assert sorted(set(uploads)) == ["r1-1-1", "r1-1-2", "r1-2-1"]


async def test_dry_run_tells_of_a_host_that_is_lost_before_it_was_asked_for_all_files(
    lab: Lab, beta: Host, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(lab.place.home))
    beta.share(lab.place.media)
    lab.configure({"home": beta.mounted()})
    seen: list[Event] = []

    def play(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Planned):
            beta.stop_server()

    finished = await Runner(order_of(lab, [lab.place.add(film)]), None, [play]).run()

    (warning,) = [event.text for event in seen if isinstance(event, Notice)]
    assert (warning.startswith("host beta: "), finished.failed) == (True, 0)


async def test_host_is_tried_again_while_there_is_work_and_gets_some(
    lab: Lab, alpha: Host, beta: Host, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(lab.place.home))
    for host in (alpha, beta):
        host.ffmpeg_stand_in("gate")
    lab.configure({"home": alpha.streaming() | beta.streaming()})
    beta.stop_server()
    seen: list[Event] = []

    def play(event: Event) -> None:
        seen.append(event)
        if isinstance(event, HostUnavailable):
            beta.start_server()
        elif isinstance(event, EncodeStarted) and event.host == "beta":
            alpha.let_finish()
            beta.let_finish()

    films = [lab.place.add(film, f"{name}.mp4") for name in "abc"]
    with closing(Journal(lab.place.state / "pytranscoder")) as journal:
        journal.begin_run("r1", 1)
        finished = await Runner(order_of(lab, films), journal, [play]).run()

    told = [(type(event), event.host) for event in seen if isinstance(event, HostUnavailable | HostReady)]
    assert [kind for kind, host in told if host == "beta"] == [HostUnavailable, HostReady]
    assert (finished.encoded, finished.failed) == (3, 0)
