"""Names that break programs: each is encoded and replaced, and nothing else appears in the folder."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.end_to_end.command import Finished, Place, run_pytranscoder

NAMES = (
    "two words.mp4",
    " at both ends .mp4",
    'it\'s "quoted".mp4',
    "$(touch x) `touch y` ; touch z & .mp4",
    "new\nline.mp4",
    "-y.mp4",
    "--json.mp4",
    "n" * 251 + ".mp4",
    "é" * 125 + "e.mp4",
    os.fsdecode(b"latin-\xe9\xff.mp4"),
    "[glob]*?{a,b}.mp4",
    "\N{CLAPPER BOARD}\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}.mp4",
    "trailing dot.",
    "%03d %s.mp4",
    "a:b.mp4",
    "pipe:1.mp4",
    "concat:one|two.mp4",
    "#hash.mp4",
    "back\\slash\\n.mp4",
    "~.mp4",
    "tab\tand\rreturn\x1b[31m.mp4",
    "[bold]markup[/bold].mp4",
)
ONE_LINE = [name for name in NAMES if not set("\n\r") & set(name)]


def final_name(name: str) -> str:
    return name.removesuffix(".mp4") + ".mkv"


def fill(place: Place, film: Path, names: Iterable[str] = NAMES) -> None:
    place.configure()
    for name in names:
        place.add(film, name)


def require_all_replaced(place: Place, done: Finished, names: Iterable[str] = NAMES) -> None:
    assert (done.status, done.stderr) == (0, "")
    assert place.names() == sorted(final_name(name) for name in names)
    assert sorted(path.name for path in place.root.iterdir()) == ["home", "media", "state"]
    assert [path.name for path in place.home.iterdir()] == [".transcode.yml"]


def media_of(done: Finished) -> list[str]:
    return sorted(event["media"] for event in done.of("job_finished"))


def test_any_name_can_be_an_argument_behind_two_dashes(place: Place, film: Path) -> None:
    fill(place, film)

    done = run_pytranscoder(place, "--json", "-p", "small", "--", *NAMES)

    require_all_replaced(place, done)
    assert media_of(done) == sorted(str(place.media / name) for name in NAMES)


def test_any_name_can_be_an_argument_with_its_folder_in_front(place: Place, film: Path) -> None:
    fill(place, film)

    done = run_pytranscoder(place, "-p", "small", *(f"./{name}" for name in NAMES))

    require_all_replaced(place, done)


def test_any_name_can_be_that_of_a_directory(place: Place, film: Path) -> None:
    names = [f"{name}/film.mp4" for name in NAMES]
    fill(place, film, names)

    done = run_pytranscoder(place, "--json", "-p", "small", ".")

    require_all_replaced(place, done, names)
    assert media_of(done) == sorted(str(place.media / name) for name in names)


def plain_lines(names: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(f"./{name}\n") for name in names)


def json_lines(names: Iterable[str]) -> bytes:
    return b"".join(json.dumps(name).encode() + b"\n" for name in names)


def with_nul(names: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(f"{name}\0") for name in names)


@pytest.mark.parametrize(
    ("names", "content"),
    [(ONE_LINE, plain_lines(ONE_LINE)), (NAMES, json_lines(NAMES)), (NAMES, with_nul(NAMES))],
    ids=["lines", "JSON strings", "separated by NUL"],
)
def test_any_name_can_stand_in_a_queue_file(place: Place, film: Path, names: list[str], content: bytes) -> None:
    fill(place, film, names)
    (place.root / "queue").write_bytes(content)

    done = run_pytranscoder(place, "--json", "-p", "small", "--from-file", "../queue")

    require_all_replaced(place, done, names)  # and the queue file, being empty, is gone
    assert media_of(done) == sorted(str(place.media / name) for name in names)


def test_name_that_leaves_no_room_for_that_of_the_output_fails(place: Place, film: Path) -> None:
    place.add(film, "n" * 251 + ".mp4")

    done = run_pytranscoder(place, "--json", "-p", "h264", place.media)

    assert done.status == 1
    assert "the name of the output would be too long" in done.reasons[0]
    assert place.names() == ["n" * 251 + ".mp4"]


def test_fast_disk_takes_any_name(place: Place, film: Path) -> None:
    fill(place, film)
    fast = place.media / ".fast"
    fast.mkdir()
    place.configure(fls_path=fast)

    done = run_pytranscoder(place, "-p", "small", "--", *NAMES)

    require_all_replaced(place, done)
    assert list(fast.iterdir()) == []
