"""Queue files: what is encoded leaves them, everything else stays."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.command import Place, run_pytranscoder


@pytest.fixture
def queue_file(place: Place) -> Path:
    path = place.home / "queue.txt"
    place.configure(
        (
            "profiles:\n  small:\n    output_options_video: ['-c:v libx264', '-preset ultrafast', '-crf 45']\n"
            "    output_options_audio: ['-c:a copy']\n    extension: .mkv\n"
            "rules:\n  trailers:\n    profile: SKIP\n    criteria:\n      path: trailer\n  all:\n    profile: small\n"
        ),
        default_queue_file="~/queue.txt",
    )
    return path


def test_settled_lines_leave_the_default_queue_file_and_the_rest_keeps_its_order(
    place: Place, film: Path, queue_file: Path
) -> None:
    one, trailer = place.add(film, "one.mp4"), place.add(film, "trailer.mp4")
    queue_file.write_text(f"# films\n{one}\n/nowhere/a.mp4\n\n  # more\n{trailer}\n/nowhere/b.mp4")

    done = run_pytranscoder(place, "--json")

    assert done.status == 1
    assert list(done.outcomes.values()).count("failed") == 2
    assert queue_file.read_text() == "# films\n/nowhere/a.mp4\n\n  # more\n/nowhere/b.mp4"


def test_emptied_queue_file_is_removed(place: Place, film: Path, queue_file: Path) -> None:
    queue_file.write_text(f"{place.add(film, 'one.mp4')}\n{place.add(film, 'two.mp4')}\n")

    done = run_pytranscoder(place)

    assert (done.status, place.names()) == (0, ["one.mkv", "two.mkv"])
    assert [path.name for path in place.home.iterdir()] == [".transcode.yml"]


def test_queue_file_that_is_not_there_is_nothing_to_do(place: Place, queue_file: Path) -> None:
    done = run_pytranscoder(place)

    assert done.status == 0
    assert "nothing to do" in done.stderr
    assert not queue_file.exists()


def test_directory_leaves_the_list_when_all_its_files_are_settled(place: Place, film: Path, queue_file: Path) -> None:
    whole, part = place.media / "whole", place.media / "part"
    for name in ("whole/1.mp4", "whole/2.mp4", "part/1.mp4"):
        place.add(film, name)
    (part / "2.mp4").write_bytes(b"no film")
    queue_file.write_text(f"{whole}\n{part}\n")

    done = run_pytranscoder(place)

    assert done.status == 1
    assert queue_file.read_text() == f"{part}\n"


def test_list_is_pruned_like_the_default_queue_file(place: Place, film: Path, queue_file: Path) -> None:
    listed = place.root / "list.txt"
    listed.write_text(f"{place.add(film)}\n# a comment\n")
    queue_file.write_text("/nowhere/a.mp4\n")

    done = run_pytranscoder(place, "-p", "small", "--from-file", listed)

    assert (done.status, listed.read_text()) == (0, "# a comment\n")
    assert queue_file.read_text() == "/nowhere/a.mp4\n"


def test_line_that_is_appended_meanwhile_stays(place: Place, film: Path, queue_file: Path) -> None:
    # The fake one appends a line before it encodes, as another program would at any time.
    real = place.fake_ffmpeg("normal")
    wrapper = place.root / "ffmpeg-appends"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *-progress*) echo /later/film.mp4 >> "{queue_file}" ;; esac\nexec "{real}" "$@"\n'
    )
    wrapper.chmod(0o755)
    text = (place.home / ".transcode.yml").read_text()
    (place.home / ".transcode.yml").write_text(
        text.replace("config:\n", f"config:\n  ffmpeg: {json.dumps(str(wrapper))}\n")
    )
    queue_file.write_text(f"{place.add(film)}\n")

    done = run_pytranscoder(place)

    assert (done.status, queue_file.read_text()) == (0, "/later/film.mp4\n")


def test_list_that_cannot_be_read_is_a_usage_error(place: Place, queue_file: Path) -> None:
    done = run_pytranscoder(place, "--from-file", "nowhere.txt")

    assert done.status == 2
    assert "cannot read the list" in done.stderr
    assert not queue_file.exists()
