"""What a new user meets: no configuration, a broken one, a dry run, the history."""

import json
import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from pytranscoder.media.probe import probe
from tests.clips import Clips
from tests.end_to_end.command import PROFILES, Place, run_pytranscoder

BROKEN = """\
config:
  colourize: yes
  default_queue_file: [1, 2]
profiles:
  small:
    output_option: "-c:v libx264"
    threshold: 400
    include: nobody
rules:
  first:
    profile: smal
    criteria:
      runtime: between
"""


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """All that a dry run could change."""
    return {
        os.path.relpath(path, folder): (
            stat.S_IMODE(path.lstat().st_mode),
            path.lstat().st_mtime_ns,
            path.lstat().st_ino,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (folder, *folder.rglob("*"))
    }


def test_without_configuration_the_source_is_kept_and_the_user_is_told_how_to_get_one(place: Place, film: Path) -> None:
    source = place.add(film)

    done = run_pytranscoder(place, source)

    assert (done.status, place.names()) == (0, ["film.hevc.mkv", "film.mp4"])
    assert "keeping every source; `pytranscoder init` writes a configuration" in done.stdout
    assert source.read_bytes() == film.read_bytes()
    assert [stream.codec for stream in probe(place.media / "film.hevc.mkv").streams] == ["hevc", "aac", "subrip"]


def test_second_run_without_configuration_skips_what_was_made(place: Place, film: Path) -> None:
    place.add(film)
    run_pytranscoder(place, "-p", "h264", place.media)
    made = snapshot(place.media)

    done = run_pytranscoder(place, "--json", "-p", "h264", "film.mp4")

    assert (done.status, done.outcomes) == (0, {"film.mp4": "skipped"})
    assert "was made from it already" in done.reasons[0]
    # Only the folder itself may show that a partial name was reserved in it.
    assert {name: made[name] for name in made if name != "."} == {
        name: value for name, value in snapshot(place.media).items() if name != "."
    }


def test_folder_again_without_configuration_does_not_encode_what_was_made(place: Place, film: Path) -> None:
    place.add(film)
    run_pytranscoder(place, "-p", "h264", place.media)

    done = run_pytranscoder(place, "--json", "-p", "h264", place.media)

    assert done.outcomes == {"film.h264.mkv": "skipped", "film.mp4": "skipped"}
    assert place.names() == ["film.h264.mkv", "film.mp4"]


def test_trying_another_profile_with_the_source_kept_is_not_taken_for_done(place: Place, film: Path) -> None:
    place.configure()
    source = place.add(film)
    run_pytranscoder(place, "-k", "-p", "small", source)

    done = run_pytranscoder(place, "--json", "-k", "-p", "large", source)

    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert "exists already" in done.reasons[0]


@pytest.mark.parametrize("profile", ["hevc", "av1", "h264"])
def test_builtin_profile_is_there_without_configuration(place: Place, clips: Clips, profile: str) -> None:
    source = place.add(clips.plain())  # SVT-AV1 takes no picture of less than 64 lines

    done = run_pytranscoder(place, "--json", "-p", profile, source)

    assert (done.status, place.names()) == (0, [f"plain.{profile}.mkv", "plain.mkv"])
    assert probe(place.media / f"plain.{profile}.mkv").streams[0].codec == profile


def test_dry_run_touches_nothing(place: Place, film: Path) -> None:
    queue_file = place.home / "queue.txt"
    queue_file.write_text(f"{place.add(film)}\n/nowhere/film.mp4\n")
    place.configure(PROFILES + "rules:\n  all:\n    profile: small\n", default_queue_file=queue_file)
    before = snapshot(place.root)

    done = run_pytranscoder(place, "--dry-run")

    assert "1 file would be encoded, 1 failed" in done.stdout
    assert snapshot(place.root) == before


def test_dry_run_prints_a_command_that_works_when_it_is_pasted(place: Place, film: Path) -> None:
    place.configure()
    source = place.add(film, "it's a film; really.mp4")

    done = run_pytranscoder(place, "--dry-run", "-p", "small", source)
    line = next(line for line in done.stdout.splitlines() if " -progress " in line)
    subprocess.run(["/bin/sh", "-c", line], check=True, capture_output=True)

    assert Path(shlex.split(line)[-1]).stat().st_size > 0


def test_dry_run_as_json_has_the_plan_of_each_file(place: Place, film: Path) -> None:
    place.configure(PROFILES + "rules:\n  short ones:\n    profile: small\n    criteria:\n      runtime: <5\n")

    done = run_pytranscoder(place, "--json", "--dry-run", place.add(film))

    (plan,) = done.of("planned")
    assert (plan["rule"], plan["profile"], plan["queue"], plan["host"], plan["host_type"], plan["cluster"]) == (
        "short ones",
        "small",
        "default",
        "local",
        "local",
        None,
    )
    assert plan["argv"][plan["argv"].index("-i") + 1] == plan["media"] == str(place.media / "film.mp4")


def test_every_mistake_in_the_configuration_is_told_at_once(place: Place, film: Path) -> None:
    (place.home / ".transcode.yml").write_text(BROKEN)

    done = run_pytranscoder(place, place.add(film))

    assert done.status == 2
    told = [line for line in done.stderr.splitlines() if ".transcode.yml:" in line]
    assert [int(line.split(".yml:")[1].split(":")[0]) for line in told] == [2, 3, 6, 7, 8, 11, 13]
    assert (place.names(), list(place.state.iterdir())) == (["film.mp4"], [])


@pytest.mark.parametrize(
    "words",
    [
        ["--no-such-option"],
        ["-p"],
        ["-p", "nobody", "film.mp4"],
        ["-t", "nobody", "film.mp4"],
        ["-p", "hevc", "-m", "nobody", "film.mp4"],
        ["-y", "nowhere.yml", "film.mp4"],
        ["-c", "home", "film.mp4"],
        [""],
        [],
    ],
    ids=" ".join,
)
def test_command_line_that_cannot_be_carried_out_exits_with_2(place: Place, film: Path, words: list[str]) -> None:
    place.add(film)

    done = run_pytranscoder(place, *words)

    assert done.status == 2
    assert done.stderr.startswith("pytranscoder: ")
    assert place.names() == ["film.mp4"]


def test_init_writes_a_configuration_that_works_and_never_overwrites_one(place: Place, film: Path) -> None:
    first = run_pytranscoder(place, "init")
    written = (place.home / ".transcode.yml").read_text()
    second = run_pytranscoder(place, "init")
    planned = run_pytranscoder(place, "--json", "--dry-run", place.add(film))

    assert (first.status, second.status, planned.status) == (0, 2, 0)
    assert "exists already" in second.stderr
    assert (place.home / ".transcode.yml").read_text() == written
    assert planned.of("planned")[0]["profile"] == "hevc"


def test_history_tells_of_every_run_and_what_it_saved(place: Place, film: Path) -> None:
    place.configure()
    run_pytranscoder(place, "-p", "small", place.add(film))
    run_pytranscoder(place, "-p", "small", "nowhere.mp4")

    text = run_pytranscoder(place, "history")
    lines = [json.loads(line) for line in run_pytranscoder(place, "history", "--json").stdout.splitlines()]

    assert [(run["status"], run["encoded"], run["failed"]) for run in lines] == [("finished", 1, 0), ("finished", 0, 1)]
    assert lines[0]["source_bytes"] == film.stat().st_size
    assert lines[0]["output_bytes"] == (place.media / "film.mkv").stat().st_size
    assert "2 runs, 1 file encoded" in text.stdout


def test_history_of_nothing_makes_no_journal(place: Place) -> None:
    done = run_pytranscoder(place, "history")

    assert (done.status, done.stdout) == (0, "no runs yet\n")
    assert list(place.state.iterdir()) == []


def test_version_and_help_need_no_home(place: Place) -> None:
    version, usage = run_pytranscoder(place, "--version"), run_pytranscoder(place, "--help")

    assert (version.status, usage.status) == (0, 0)
    assert version.stdout.startswith("pytranscoder ")
    assert "usage: pytranscoder" in usage.stdout
