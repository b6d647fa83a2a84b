"""The documented commands: which hosts and files they mean, and what a dry run leaves alone."""

import signal
from pathlib import Path

import pytest

from tests.cluster.evidence import contacts, host_named, hosts_of, look_at_all, most_at_once, reasons_of
from tests.cluster.scene import wait_until
from tests.end_to_end.command import PROFILES, run_pytranscoder, start_pytranscoder
from tests.lab.host import Host
from tests.lab.lab import Lab

RULES = f"""{PROFILES}\
rules:
  trailers:
    profile: SKIP
    criteria:
      path: trailer
  greedy:
    profile: large
    criteria:
      path: greedy
  others:
    profile: small
"""
MIXINS = f"""{PROFILES}\
  mono:
    output_options_audio: ["-c:a aac", "-ac 1", "-b:a 32k"]
templates:
  web:
    cli:
      video-codec: "-c:v libx264 -preset ultrafast"
      audio-codec: "-c:a copy"
    extension: .mp4
"""


def test_cluster_works_through_the_default_queue_file(lab: Lab, alpha: Host, film: Path) -> None:
    queue_file = lab.place.home / "queue.txt"
    lab.configure({"home": alpha.streaming() | lab.local()}, RULES, default_queue_file="~/queue.txt")
    for name in ("film.mp4", "trailer.mp4", "greedy.mp4"):
        lab.place.add(film, name)
    broken = lab.place.media / "broken.mp4"
    broken.write_bytes(b"no film")
    lines = [str(lab.place.media / name) for name in ("film.mp4", "broken.mp4", "trailer.mp4", "greedy.mp4")]
    queue_file.write_text("\n".join(["# films", *lines]))

    done = run_pytranscoder(lab.place, "--json", "-c", "home")

    wanted = {"film.mp4": "encoded", "broken.mp4": "failed", "trailer.mp4": "skipped", "greedy.mp4": "rejected"}
    assert (done.status, done.outcomes) == (1, wanted)
    assert {event["cluster"] for event in done.of("encode_started")} == {"home"}
    assert queue_file.read_text() == f"# films\n{broken}\n"


def test_host_is_the_only_one_that_is_used_and_contacted(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming() | beta.streaming() | lab.local()})
    films = [lab.place.add(film, f"{name}.mp4") for name in "abc"]

    done = run_pytranscoder(lab.place, "--json", "-p", "small", "-c", "home", "--host", "alpha", *films)

    assert (done.status, hosts_of(done)) == (0, dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), "alpha"))
    assert (host_named(done.events), contacts(beta)) == ({"alpha"}, 0)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-c", "hime"], "unknown cluster 'hime'; known: home, work"),
        (["-c", "home", "--host", "gamma"], "cluster home has no host 'gamma'; known: alpha, beta"),
        (["--host", "alpha"], "--host picks a host of a cluster; name the cluster with -c in front of the files"),
    ],
    ids=["cluster", "host", "host without a cluster"],
)
def test_unknown_name_is_an_error_that_lists_the_known_ones(lab: Lab, words: list[str], complaint: str) -> None:
    lab.configure({"home": lab.local("alpha") | lab.local("beta"), "work": lab.local("gamma")})

    done = run_pytranscoder(lab.place, "-p", "small", *words, "film.mp4")

    assert (done.status, done.stdout, done.stderr) == (2, "", f"pytranscoder: {complaint}\n")


def test_file_of_two_clusters_is_encoded_on_the_first_and_the_user_is_told(lab: Lab, film: Path) -> None:
    lab.configure({"home": lab.local("alpha"), "work": lab.local("beta")})

    done = run_pytranscoder(lab.place, "--json", "-p", "small", "-c", "home", lab.place.add(film), "-c", "work", ".")

    assert (done.status, hosts_of(done)) == (0, {"film.mp4": "alpha"})
    said = "film.mp4 was named before and is encoded in cluster home, as is all that is named twice"
    assert done.stderr == f"{lab.place.media}/{said}\n"


def test_two_clusters_at_once_have_each_its_own_files(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming(), "work": beta.streaming()})
    first, second = ([lab.place.add(film, f"{part}e0{number}.mp4") for number in (1, 2)] for part in ("s01", "s02"))

    done = run_pytranscoder(lab.place, "--json", "-p", "small", "-c", "home", *first, "-c", "work", *second)

    assert (done.status, hosts_of(done)) == (
        0,
        {"s01e01.mp4": "alpha", "s01e02.mp4": "alpha", "s02e01.mp4": "beta", "s02e02.mp4": "beta"},
    )
    assert {(event["cluster"], event["host"]) for event in done.of("job_finished")} == {
        ("home", "alpha"),
        ("work", "beta"),
    }


def test_machine_of_two_clusters_never_runs_more_than_its_slots(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.ffmpeg_stand_in("gate")
    lab.configure({"home": alpha.streaming(), "work": alpha.streaming()})
    one, two = lab.place.add(film, "one.mp4"), lab.place.add(film, "two.mp4")

    with start_pytranscoder(lab.place, "-p", "small", "-c", "home", one, "-c", "work", two) as running:
        first = running.wait_for("encode_started")["job"]
        wait_until(running, "media_staged", job=3 - first)
        running.wait_for("progress")  # the other one could run, if there were a slot for it
        alpha.let_finish()
        done = running.finish()

    assert (done.status, set(done.outcomes.values()), most_at_once(alpha)) == (0, {"encoded"}, 1)


def test_s_runs_one_encode_at_a_time_on_each_host(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.ffmpeg_stand_in("gate")
    lab.configure({"home": alpha.streaming(queues={"default": 2})})
    one, two = lab.place.add(film, "one.mp4"), lab.place.add(film, "two.mp4")

    with start_pytranscoder(lab.place, "-s", "-p", "small", "-c", "home", one, two) as running:
        first = running.wait_for("encode_started")["job"]
        wait_until(running, "media_staged", job=3 - first)
        running.wait_for("progress")
        alpha.let_finish()
        done = running.finish()

    assert (done.status, set(done.outcomes.values()), most_at_once(alpha)) == (0, {"encoded"}, 1)


def test_profile_template_mixin_and_cluster_hold_for_the_files_that_follow(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming()}, MIXINS)
    a, b, c = (lab.place.add(film, name) for name in ("a.mp4", "b.mp4", "c.mp4"))
    words: list[str | Path] = ["-p", "small", a, "-c", "home", "-t", "web", b, "-p", "small", "-m", "mono", c]

    done = run_pytranscoder(lab.place, "--json", *words)

    told = [(event["cluster"], event["profile"], "-ac" in event["argv"]) for event in done.of("encode_started")]
    assert done.status == 0
    assert sorted(told, key=str) == [("home", "small", True), ("home", "web", False), (None, "small", False)]


def test_all_options_go_together(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    beta.share(lab.place.media)
    lab.configure({"home": alpha.streaming() | beta.mounted()}, MIXINS)
    sources = [lab.place.add(film, f"{name}.mp4") for name in "abcd"]
    films = lab.place.root / "films.txt"
    films.write_text("".join(f"{source}\n" for source in sources[1:]))
    options = ["-s", "-k", "-v", "--json", "-c", "home", "-p", "small", "-m", "mono"]

    done = run_pytranscoder(lab.place, *options, sources[0], "--from-file", films)

    assert (done.status, set(done.outcomes.values()), films.exists()) == (0, {"encoded"}, False)
    assert all("-ac" in event["argv"] for event in done.of("encode_started"))
    assert lab.place.names() == sorted(f"{name}{end}" for name in "abcd" for end in (".mp4", ".mkv.tmp"))


def test_dry_run_shows_all_work_and_the_check_of_each_host(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    beta.stop_server()
    lab.configure({"home": alpha.streaming() | beta.streaming() | lab.local()}, RULES)
    lab.place.add(film, "film.mp4")
    lab.place.add(film, "trailer.mp4")

    done = run_pytranscoder(lab.place, "--json", "--dry-run", "-c", "home", ".")

    (planned,) = done.of("planned")
    assert (done.status, Path(planned["media"]).name, planned["cluster"]) == (0, "film.mp4", "home")
    assert done.outcomes == {"trailer.mp4": "skipped"}
    ready = {event["host"]: bool(event["ffmpeg_version"]) for event in done.of("host_ready")}
    assert (ready, list(reasons_of(done))) == ({"alpha": True, "here": True}, ["beta"])


def test_dry_run_touches_nothing_anywhere(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    beta.share(lab.place.media)
    alpha.ffmpeg_stand_in("gate")
    lab.configure({"home": alpha.streaming() | beta.mounted()}, default_queue_file="~/queue.txt")
    (lab.place.home / "queue.txt").write_text(f"{lab.place.add(film)}\n{lab.place.add(film, 'more.mp4')}\n")
    with start_pytranscoder(lab.place, "-p", "small", "-c", "home", "--host", "alpha") as running:
        running.wait_for("encode_started")
        running.send(signal.SIGKILL)
    assert alpha.left_running(10) == []
    before = look_at_all(lab)
    assert any("/work/pytranscoder-" in path for path in before)  # what a real run would remove

    done = run_pytranscoder(lab.place, "--dry-run", "-c", "home", "-p", "small")

    assert (done.status, "2 files would be encoded" in done.stdout) == (0, True)
    assert look_at_all(lab) == before


def test_cluster_without_a_usable_host_does_not_hold_up_the_other_one(
    lab: Lab, alpha: Host, beta: Host, film: Path
) -> None:
    beta.stop_server()
    lab.configure({"home": alpha.streaming(), "work": beta.streaming()})
    one, two = lab.place.add(film, "one.mp4"), lab.place.add(film, "two.mp4")

    done = run_pytranscoder(lab.place, "--json", "-p", "small", "-c", "work", one, "-c", "home", two)

    assert (done.status, done.outcomes) == (3, {"one.mp4": "cancelled", "two.mp4": "encoded"})
    assert done.reasons == ["no usable host"]


def test_dry_run_of_a_cluster_without_a_usable_host_exits_with_3(lab: Lab, alpha: Host, beta: Host, film: Path) -> None:
    beta.stop_server()
    lab.configure({"home": alpha.streaming(), "work": beta.streaming()})
    one, two = lab.place.add(film, "one.mp4"), lab.place.add(film, "two.mp4")

    done = run_pytranscoder(lab.place, "--dry-run", "-p", "small", "-c", "home", one, "-c", "work", two)

    assert done.status == 3
    assert "host beta\n  not usable: 198.18." in done.stdout
    assert "1 file would be encoded, 1 failed\nno usable host in cluster work\n" in done.stdout
