"""Hosts that see our files under names of their own: the mapping, its proof, and who writes and replaces what."""

import signal
import time
from pathlib import Path

import pytest

from tests.cluster.evidence import hosts_of
from tests.end_to_end.command import Finished, run_pytranscoder, start_pytranscoder
from tests.lab.host import Host
from tests.lab.lab import Lab

SMALL = ("-p", "small", "-c", "home")


@pytest.fixture
def beta(lab: Lab) -> Host:
    return lab.host("beta", user="media", login_shell="fish")


def inputs_of(done: Finished) -> set[str]:
    """What the hosts called the files that they read."""
    return {event["argv"][event["argv"].index("-i") + 1] for event in done.of("encode_started")}


def test_longest_prefix_of_whole_folders_counts(lab: Lab, beta: Host, film: Path) -> None:
    films = [lab.place.add(film, f"{folder}/a.mp4") for folder in ("tv", "tv2", "tv/season 1")]
    beta.share(lab.place.media, "/mnt/all")
    beta.share(lab.place.media / "tv", "/srv/series")
    for path in films:
        path.parent.chmod(0o777)
    lab.configure({"home": beta.mounted()})

    done = run_pytranscoder(lab.place, "--json", *SMALL, *films)

    assert (done.status, lab.place.names()) == (0, ["tv/a.mkv", "tv/season 1/a.mkv", "tv2/a.mkv"])
    assert inputs_of(done) == {"/srv/series/a.mp4", "/mnt/all/tv2/a.mp4", "/srv/series/season 1/a.mp4"}


def test_path_that_no_entry_covers_is_used_as_it_is(lab: Lab, beta: Host, film: Path) -> None:
    beta.share(lab.place.media, str(lab.place.media))
    lab.configure({"home": beta.mounted(**{"path-substitutions": ["/volume1 /mnt/volume1"]})})

    done = run_pytranscoder(lab.place, "--json", *SMALL, lab.place.add(film))

    assert (done.status, lab.place.names()) == (0, ["film.mkv"])
    assert inputs_of(done) == {str(lab.place.media / "film.mp4")}


def test_quotes_allow_spaces(lab: Lab, beta: Host, film: Path) -> None:
    source = lab.place.add(film, "home videos/film.mp4")
    theirs = beta.share(source.parent, "/mnt/ours at home")
    lab.configure({"home": beta.mounted(**{"path-substitutions": f'"{source.parent}" "{theirs}"'})})

    done = run_pytranscoder(lab.place, "--json", *SMALL, source)

    assert (done.status, lab.place.names()) == (0, ["home videos/film.mkv"])
    assert inputs_of(done) == {"/mnt/ours at home/film.mp4"}


@pytest.mark.parametrize(
    ("theirs", "what"),
    [
        ("/mnt/nothing", "it does not see {ours}/film.mp4 as /mnt/nothing/film.mp4"),
        ("/mnt/other", "it sees another file than {ours}/film.mp4 as /mnt/other/film.mp4"),
        (r"Z:\media", r"it does not see {ours}/film.mp4 as Z:\media\film.mp4"),
    ],
    ids=["no file", "another file", "another system"],
)
def test_host_that_does_not_see_the_file_is_out_and_others_go_on(
    lab: Lab, beta: Host, film: Path, theirs: str, what: str
) -> None:
    other = lab.place.root / "other"
    other.mkdir()
    (other / "film.mp4").write_bytes(b"another film")
    beta.share(other, "/mnt/other")
    ours = lab.place.media
    here = lab.local(ffmpeg=lab.place.fake_ffmpeg("gate"))
    lab.configure({"home": beta.mounted(**{"path-substitutions": f"{ours} {theirs}"}) | here})

    with start_pytranscoder(lab.place, *SMALL, lab.place.add(film)) as running:
        told = running.wait_for("host_unavailable")
        lab.place.let_finish()
        done = running.finish()

    reason = f"{what.format(ours=ours)}; correct `{ours} {theirs}` in `path-substitutions`"
    assert (told["host"], told["reason"]) == ("beta", reason)
    assert (done.status, hosts_of(done)) == (0, {"film.mp4": "here"})


def test_dry_run_tells_of_a_folder_that_the_host_may_not_write_to(lab: Lab, beta: Host, film: Path) -> None:
    theirs = beta.share(lab.place.media)
    lab.configure({"home": beta.mounted(user="media")})
    source = lab.place.add(film)
    lab.place.media.chmod(0o755)

    done = run_pytranscoder(lab.place, "--dry-run", *SMALL, source)

    reason = f"user media may not write in {theirs}, where the output is made; give them the right to"
    assert (done.status, f"host beta: {reason}" in done.stdout) == (0, True)


def test_film_whose_folder_a_host_may_not_write_to_goes_to_another_and_the_host_goes_on(
    lab: Lab, beta: Host, film: Path
) -> None:
    theirs = beta.share(lab.place.media)
    here = lab.local(ffmpeg=lab.place.fake_ffmpeg("gate"))
    lab.configure({"home": beta.mounted() | here})
    lab.place.let_finish()
    open_to_all, other = lab.place.add(film, "a.mp4"), lab.place.add(film, "folder/b.mp4")
    other.parent.chmod(0o755)

    with start_pytranscoder(lab.place, *SMALL, "--host", "beta", open_to_all, other) as running:
        alone = running.finish()
    done = run_pytranscoder(lab.place, "--json", *SMALL, other)

    assert alone.outcomes == {"a.mp4": "encoded", "b.mp4": "failed"}
    assert alone.reasons == [f"host beta: it may not write in {theirs}/folder; give its user there the right to"]
    assert (done.status, done.outcomes) == (0, {"b.mp4": "encoded"})


def test_host_whose_share_hangs_is_out_within_10_s(lab: Lab, beta: Host, film: Path) -> None:
    stat = beta.root / "bin" / "stat"  # what looks at the file there
    stat.write_text("#!/bin/sh\nexec sleep 100\n")
    stat.chmod(0o755)
    beta.inside("mount", "--bind", str(stat), "/usr/bin/stat")
    beta.share(lab.place.media)
    lab.configure({"home": beta.mounted() | lab.local()})

    with start_pytranscoder(lab.place, "--dry-run", *SMALL, lab.place.add(film)) as running:
        begun = running.wait_for("run_started")["time"]
        told = running.wait_for("host_unavailable")
        done = running.finish()

    assert told["reason"].startswith("no answer within ")
    assert told["reason"].endswith(f" s whether it sees {lab.place.media}/film.mp4; does its share hang?")
    assert (told["time"] - begun < 11, done.of("planned")[0]["host"]) == (True, "here")


def test_host_that_no_entry_lets_see_the_file_is_out(lab: Lab, beta: Host, film: Path) -> None:
    lab.configure({"home": beta.mounted()})

    done = run_pytranscoder(lab.place, *SMALL, lab.place.add(film))

    assert (done.status, lab.place.names()) == (3, ["film.mp4"])
    assert "; add an entry for its folder to `path-substitutions`" in done.stdout


def test_dry_run_tells_of_a_host_that_does_not_see_the_file(lab: Lab, beta: Host, film: Path) -> None:
    theirs = beta.share(lab.place.media)
    entry = beta.mounted()
    beta.unshare(theirs)
    lab.configure({"home": entry})

    done = run_pytranscoder(lab.place, "--dry-run", *SMALL, lab.place.add(film))

    assert (done.status, done.stdout.count(" does not see ")) == (3, 1)
    assert "host beta\n  not usable: it does not see " in done.stdout


def test_dry_run_that_asks_a_host_for_files_ends_at_once_when_it_is_told_to(lab: Lab, beta: Host, film: Path) -> None:
    beta.share(lab.place.media)
    lab.configure({"home": beta.mounted()})

    with start_pytranscoder(lab.place, "--dry-run", *SMALL, lab.place.add(film)) as running:
        running.wait_for("host_ready")
        beta.freeze()
        running.wait_for("planned")
        running.send(signal.SIGINT)
        interrupted = time.time()
        done = running.finish()

    assert (done.status, done.of("run_finished")[0]["interrupted"]) == (130, True)
    assert done.of("run_finished")[0]["time"] - interrupted < 2


@pytest.mark.parametrize("user", ["root", "media"])
def test_host_writes_the_partial_file_and_the_manager_puts_it_in_place(lab: Lab, film: Path, user: str) -> None:
    host = lab.host("gamma", user=user)
    host.ffmpeg_stand_in("gate")
    theirs = host.share(lab.place.media)
    lab.configure({"home": host.mounted()})
    source = lab.place.add(film)

    with start_pytranscoder(lab.place, *SMALL, source) as running:
        argv = running.wait_for("encode_started")["argv"]
        running.wait_for("progress")
        (partial,) = lab.place.media.glob(".*")
        writer, is_source_there = partial.stat().st_uid, source.exists()
        host.let_finish()
        done = running.finish()

    assert (argv[-1], writer != 0, is_source_there) == (f"{theirs}/{partial.name}", user != "root", True)
    assert (done.status, lab.place.names()) == (0, ["film.mkv"])
    assert (lab.place.media / "film.mkv").stat().st_uid == 0  # that of the source


def test_folder_that_the_host_may_not_write_fails_there_and_names_it(lab: Lab, beta: Host, film: Path) -> None:
    theirs = beta.share(lab.place.media)
    lab.place.media.chmod(0o755)
    lab.configure({"home": beta.mounted()})

    done = run_pytranscoder(lab.place, "--json", *SMALL, lab.place.add(film))

    assert (done.status, lab.place.names()) == (1, ["film.mp4"])
    assert done.reasons == [f"host beta: it may not write in {theirs}; give its user there the right to"]
