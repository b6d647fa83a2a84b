"""What happens to jobs when hosts, links, programs, disks or files fail: the right outcome, told, nothing left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytranscoder.jobs.events import Event, JobFinished, MediaStaged, Outcome, Progress, RunFinished
from pytranscoder.jobs.journal import Journal
from pytranscoder.runner import Runner
from tests.cluster.scene import MORE_PROFILES, all_remains, order_of, remains, wait_for_bytes, wait_until
from tests.end_to_end.command import Running, run_pytranscoder, start_pytranscoder
from tests.lab.host import Host
from tests.lab.lab import Lab

ON_HOME = ("-c", "home", "-p", "small")
COPY_ON_HOME = ("-c", "home", "-p", "copy")
SLOW_LINE_BIT_S = 8e6


@contextmanager
def started_on_alpha(lab: Lab, *words: Any) -> Iterator[Running]:
    """The command with the first job on alpha, as it is the only host that answers until then."""
    others = [host for host in lab.hosts.values() if host.name != "alpha"]
    for host in others:
        host.freeze()
    with start_pytranscoder(lab.place, *words) as running:
        wait_until(running, "transfer", host="alpha")
        for host in others:
            host.thaw()
        yield running


def configure(lab: Lab, profiles: str = MORE_PROFILES, **settings: object) -> None:
    """Let all hosts be a cluster to which media is copied."""
    entries = {name: keys for host in lab.hosts.values() for name, keys in host.streaming().items()}
    lab.configure({"home": entries}, profiles, **settings)


def let_all_finish(lab: Lab) -> None:
    for host in lab.hosts.values():
        host.let_finish()


def starts(host: Host) -> int:
    """How many encodes were started on a host with a stand-in."""
    return host.diary.read_text().count("start\t")


def kill_sshd(host: Host) -> None:
    """Kill its ssh server and all sessions, and start the server again."""
    host.stop_server()
    host.start_server()


def kill_ffmpeg(host: Host) -> None:
    """Kill the encode on a host, as its kernel does when memory is short."""
    (encode,) = (it for it in host.processes() if "-progress" in it.command and it.program.startswith("python"))
    os.kill(encode.pid, signal.SIGKILL)


@pytest.mark.usefixtures("beta")
@pytest.mark.parametrize("fault", [kill_sshd, kill_ffmpeg])
def test_what_a_host_has_lost_in_mid_encode_is_done_by_another_one(
    lab: Lab, alpha: Host, film: Path, fault: Callable[[Host], None]
) -> None:
    alpha.ffmpeg_stand_in("gate")
    configure(lab)

    with started_on_alpha(lab, *ON_HOME, lab.place.add(film)) as running:
        wait_until(running, "progress", host="alpha")
        fault(alpha)
        done = running.finish()

    (failure,) = done.of("attempt_failed")
    (end,) = done.of("job_finished")
    assert (failure["host"], failure["fault"]) == ("alpha", "host")
    assert (done.status, end["outcome"], end["host"]) == (0, "encoded", "beta")
    assert (lab.place.names(), all_remains(lab)) == (["film.mkv"], [])


@pytest.mark.usefixtures("beta")
def test_rebooted_host_has_nothing_left_of_its_encode_when_it_was_used_again(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.ffmpeg_stand_in("gate")
    configure(lab)
    with started_on_alpha(lab, *ON_HOME, lab.place.add(film)) as running:
        wait_until(running, "progress", host="alpha")
        alpha.reboot()
        alpha.let_finish()
        done = running.finish()

    again = run_pytranscoder(lab.place, "--json", *ON_HOME, "--host", "alpha", lab.place.add(film, "again.mp4"))

    assert (done.status, done.outcomes, again.status) == (0, {"film.mp4": "encoded"}, 0)
    assert ([event["fault"] for event in done.of("attempt_failed")], all_remains(lab)) == (["host"], [])


@pytest.mark.usefixtures("beta")
def test_what_a_host_has_lost_in_mid_upload_is_done_by_another_one(lab: Lab, alpha: Host, heavy_film: Path) -> None:
    alpha.link(rate_bit_s=SLOW_LINE_BIT_S / 4)
    configure(lab)

    with started_on_alpha(lab, *COPY_ON_HOME, lab.place.add(heavy_film)) as running:
        wait_until(running, "host_ready", host="beta")
        wait_for_bytes(running, "upload", 500_000)
        kill_sshd(alpha)
        done = running.finish()

    (end,) = done.of("job_finished")
    assert (done.status, end["outcome"], end["host"]) == (0, "encoded", "beta")
    assert (lab.place.names(), all_remains(lab)) == (["heavy.mkv"], [])


def test_fetch_goes_on_when_a_host_is_back(lab: Lab, alpha: Host, heavy_film: Path) -> None:
    alpha.link(rate_bit_s=SLOW_LINE_BIT_S)
    configure(lab)

    with start_pytranscoder(lab.place, *COPY_ON_HOME, lab.place.add(heavy_film)) as running:
        wait_for_bytes(running, "fetch", 500_000)
        alpha.stop_server()
        running.wait_for("host_unavailable")
        alpha.start_server()
        alpha.link()
        done = running.finish()

    assert (done.status, done.outcomes, done.of("attempt_failed")) == (0, {"heavy.mkv": "encoded"}, [])
    assert all_remains(lab) == []


# One test, as it takes a minute until it is clear that a host does not come back.
@pytest.mark.timeout(150)
def test_what_hosts_that_stay_away_had_in_hand_is_done_by_one_that_comes(lab: Lab, heavy_film: Path) -> None:
    fetching, encoding, uploading, spare = (lab.host(name) for name in ("fetching", "encoding", "uploading", "spare"))
    fetching.link(rate_bit_s=SLOW_LINE_BIT_S)
    uploading.link(rate_bit_s=SLOW_LINE_BIT_S / 8)
    encoding.ffmpeg_stand_in("gate")
    each = {fetching: "copy", encoding: "small", uploading: "other"}
    entries = {name: keys for it, only in each.items() for name, keys in it.streaming(profiles=[only]).items()}
    lab.configure({"home": entries | spare.streaming()}, f"{MORE_PROFILES}  other:\n    include: copy\n")
    words = [word for profile in each.values() for word in ("-c", "home", "-p", profile, add(lab, heavy_film, profile))]
    spare.stop_server()

    with start_pytranscoder(lab.place, *words) as running:
        wait_for_bytes(running, "fetch", 500_000)
        fetching.stop_server()
        encoding.power_off()
        uploading.cut()
        spare.start_server()
        lost = {running.wait_for("attempt_failed")["host"] for _ in each}
        fetching.start_server()
        uploading.mend()
        done = running.finish()

    assert lost == {host.name for host in each}
    assert (done.status, list(done.outcomes.values())) == (0, ["encoded"] * 3)
    assert {event["host"] for event in done.of("job_finished")} == {"spare"}
    # The one whose cable was cut may be found too late; then the next run removes what is there.
    assert [what for host in (fetching, spare) for what in remains(host)] == []


def add(lab: Lab, film: Path, name: str) -> Path:
    return lab.place.add(film, f"{name}{film.suffix}")


@pytest.mark.parametrize(
    ("fault", "repair"),
    [(Host.cut, Host.mend), (Host.freeze, Host.thaw), (Host.stop_listening, Host.start_server)],
    ids=["cable", "frozen", "listener"],
)
def test_encode_goes_on_when_the_link_is_back_within_seconds(
    lab: Lab, alpha: Host, film: Path, fault: Callable[[Host], None], repair: Callable[[Host], None]
) -> None:
    alpha.ffmpeg_stand_in("gate")
    configure(lab)

    with start_pytranscoder(lab.place, *ON_HOME, lab.place.add(film)) as running:
        running.wait_for("progress")
        fault(alpha)
        time.sleep(3)  # nothing is waited for: it is how long the link is down
        repair(alpha)
        alpha.let_finish()
        done = running.finish()

    assert (done.status, done.outcomes, starts(alpha)) == (0, {"film.mp4": "encoded"}, 1)
    assert (done.of("attempt_failed"), done.of("host_unavailable")) == ([], [])
    assert all_remains(lab) == []


def fill(host: Host, disk: str) -> None:
    """Let something else take all that is free on a disk of a host."""
    host.inside("sh", "-c", f"! cat /dev/zero >'{disk}/something else'")


@pytest.mark.parametrize("moment", ["upload", "encode"])
def test_host_whose_disk_becomes_full_rests_and_another_one_does_the_job(
    lab: Lab, alpha: Host, beta: Host, heavy_film: Path, moment: str
) -> None:
    disk = alpha.small_disk(30_000_000)
    alpha.link(rate_bit_s=SLOW_LINE_BIT_S)
    profiles = f"{MORE_PROFILES}  real_time:\n    include: copy\n    input_options: -re\n"
    lab.configure({"home": alpha.streaming(working_dir=disk) | beta.streaming()}, profiles)

    with started_on_alpha(lab, "-c", "home", "-p", "real_time", lab.place.add(heavy_film)) as running:
        if moment == "upload":
            wait_for_bytes(running, "upload", 500_000)
        else:
            running.wait_for("encode_started")
        fill(alpha, disk)
        done = running.finish()

    (failure,) = done.of("attempt_failed")
    (end,) = done.of("job_finished")
    assert (failure["host"], failure["fault"], "no space left" in failure["reason"]) == ("alpha", "host", True)
    assert "rests: " in done.of("host_unavailable")[0]["reason"]
    assert (done.status, end["outcome"], end["host"]) == (0, "encoded", "beta")
    assert ([path.name for path in alpha.path(disk).iterdir()], all_remains(lab)) == (["something else"], [])


def test_host_whose_every_encode_fails_does_not_eat_the_queue(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    alpha.ffmpeg_stand_in("fails_at_end")
    beta.ffmpeg_stand_in("slow")
    configure(lab)
    films = [lab.place.add(film, f"{number}.mp4") for number in range(6)]

    done = run_pytranscoder(lab.place, "--json", *ON_HOME, *films)

    assert (done.status, list(done.outcomes.values())) == (0, ["encoded"] * 6)
    assert starts(alpha) <= 4
    assert "one encode after the other fails there" in done.of("host_unavailable")[0]["reason"]
    assert all_remains(lab) == []


def test_file_that_fails_everywhere_is_tried_on_two_hosts_and_failed(lab: Lab, film: Path) -> None:
    for name in ("alpha", "beta", "gamma"):
        lab.host(name)
    configure(lab)

    done = run_pytranscoder(lab.place, "--json", "-c", "home", "-p", "wrong", lab.place.add(film))

    failures = done.of("attempt_failed")
    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert ([event["fault"] for event in failures], len({event["host"] for event in failures})) == (["file"] * 2, 2)
    assert "no_such_option" in done.reasons[0]
    assert (lab.place.names(), all_remains(lab)) == (["film.mp4"], [])


@pytest.mark.usefixtures("alpha")
def test_summary_tells_what_failed_and_why(lab: Lab, film: Path) -> None:
    configure(lab)
    good, wrong = lab.place.add(film, "good.mp4"), lab.place.add(film, "wrong.mp4")

    done = run_pytranscoder(lab.place, *ON_HOME, good, "-c", "home", "-p", "wrong", wrong)

    assert done.status == 1
    assert "1 encoded, 1 failed" in done.stdout
    assert "no_such_option" in done.stdout


@pytest.mark.usefixtures("beta")
@pytest.mark.parametrize(
    ("behaviour", "reason"), [("stall", "no progress for 2 s, stopped"), ("no_space", "no space left for film.mkv")]
)
def test_job_goes_to_another_host_when_ffmpeg_gets_no_further(
    lab: Lab, alpha: Host, film: Path, behaviour: str, reason: str
) -> None:
    alpha.ffmpeg_stand_in(behaviour)
    configure(lab, stall_after=2)

    with started_on_alpha(lab, *ON_HOME, lab.place.add(film)) as running:
        done = running.finish()

    (failure,) = done.of("attempt_failed")
    (end,) = done.of("job_finished")
    assert (failure["fault"], reason in failure["reason"]) == ("host", True)
    assert (done.status, end["outcome"], end["host"]) == (0, "encoded", "beta")
    assert all_remains(lab) == []


def test_encoder_that_takes_one_session_is_given_one_encode_at_a_time(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.ffmpeg_stand_in("one_session")
    profiles = f"{MORE_PROFILES}  card:\n    include: small\n    queue: cuda\n"
    lab.configure({"home": alpha.streaming(queues={"cuda": 3})}, profiles)
    films = [lab.place.add(film, f"{number}.mp4") for number in range(4)]

    done = run_pytranscoder(lab.place, "--json", "-c", "home", "-p", "card", *films)

    turned_away = alpha.diary.read_text().count("turned away")
    assert (done.status, list(done.outcomes.values())) == (0, ["encoded"] * 4)
    assert (done.of("host_unavailable"), 1 <= turned_away <= 2) == ([], True)
    assert all_remains(lab) == []


async def test_jobs_end_with_a_reason_when_all_hosts_have_died(
    lab: Lab, alpha: Host, beta: Host, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(lab.place.home))
    for host in (alpha, beta):
        host.ffmpeg_stand_in("endless")
    configure(lab)
    films = [lab.place.add(film, f"{name}.mp4") for name in "abcd"]
    seen: list[Event] = []

    def kill_hosts(event: Event) -> None:
        # Not while an upload is under way, as that would wait a minute for its host.
        if isinstance(event, Progress) and sum(isinstance(each, MediaStaged) for each in seen) == len(films):
            for host in (alpha, beta):
                host.stop_server()

    with closing(Journal(lab.place.state)) as journal:
        journal.begin_run("r1", 1)
        await Runner(order_of(lab, films, patience_s=1), journal, [seen.append, kill_hosts]).run()

    ends = [event for event in seen if isinstance(event, JobFinished)]
    (finished,) = (event for event in seen if isinstance(event, RunFinished))
    assert [event.outcome for event in ends] == [Outcome.FAILED] * 4
    assert all("refused" in (event.reason or "") or "lost" in (event.reason or "") for event in ends)
    assert (finished.failed, finished.no_host) == (4, False)
    assert lab.place.names() == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
