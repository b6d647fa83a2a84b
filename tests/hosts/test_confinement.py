"""A confined ffmpeg does its work in its folders and reaches nothing else, as root and as a normal user."""

import os
import shutil
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # has no annotations
import pytest

if sys.platform != "linux":
    pytest.skip("Landlock is Linux's", allow_module_level=True)

from pytranscoder.hosts.supervisor import GRACE_S
from pytranscoder.hosts.wardens import landlock
from pytranscoder.hosts.wardens.confinement import Confinement
from pytranscoder.hosts.wardens.confining import rights_for
from pytranscoder.hosts.wardens.own_program import own_program
from pytranscoder.hosts.wardens.warden import refusal, warden_argv
from tests.clips import FFMPEG, make_clip
from tests.hosts.confined import PACKAGE, Person, Place, normal_user, place_of, require_confinement, us

EMBEDDED: str = imageio_ffmpeg.get_ffmpeg_exe()
REFUSED = ("Permission denied", "Operation not permitted")


@pytest.fixture(params=["us", "a normal user"])
def person(request: pytest.FixtureRequest, shared_folder: Path) -> Person:
    require_confinement()
    return us() if request.param == "us" else normal_user(shared_folder)


@pytest.fixture
def place(person: Person, shared_folder: Path) -> Place:
    return place_of(person, shared_folder)


@pytest.fixture
def film(place: Place) -> Path:
    film = place.read / "film.mkv"
    make_clip(film, seconds=0.5)
    shutil.copy(film, place.other)
    if place.person.user is not None:
        for path in (film, place.other / film.name):
            os.chown(path, place.person.user, -1)
    return film


def ffmpeg_copy(source: Path | str, target: Path | str) -> tuple[str, ...]:
    return (FFMPEG, "-nostdin", "-v", "error", "-y", "-i", str(source), "-c", "copy", str(target))


@pytest.mark.parametrize("ffmpeg", [FFMPEG, EMBEDDED], ids=["ffmpeg of the machine", "embedded ffmpeg"])
def test_ffmpeg_encodes_in_its_folders(place: Place, film: Path, ffmpeg: str) -> None:
    if place.person.user is not None and not _is_for_everybody(Path(ffmpeg)):
        pytest.skip("a normal user cannot run this ffmpeg")
    output = place.write / "film.mp4"

    ended = place.run(ffmpeg, "-nostdin", "-v", "error", "-i", str(film), "-c:v", "libx264", str(output))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert output.stat().st_size > 1000


def _is_for_everybody(path: Path) -> bool:
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path.resolve(), *path.resolve().parents))


def _link(link: Path, target: Path) -> Path:
    link.symlink_to(target)
    return link


READS: dict[str, Callable[[Place], Path]] = {
    "a file of the system": lambda _: Path("/etc/passwd"),
    "a file in another folder": lambda place: place.other / "film.mkv",
    "a way out by dots": lambda place: place.read / ".." / "other" / "film.mkv",
    "a link out": lambda place: _link(place.read / "link.mkv", place.other / "film.mkv"),
    "the root directory of a process": lambda place: Path(f"/proc/self/root{place.other}/film.mkv"),
}


@pytest.mark.parametrize("path", READS)
def test_ffmpeg_reads_nothing_else(place: Place, film: Path, path: str) -> None:
    output = place.write / film.name

    ended = place.run(*ffmpeg_copy(READS[path](place), output))

    assert ended.returncode != 0
    assert any(word in ended.stderr for word in REFUSED), ended.stderr
    assert not output.exists()


WRITES: dict[str, Callable[[Place], Path]] = {
    "a new file in another folder": lambda place: place.other / "new.mkv",
    "a file in another folder": lambda place: place.other / "film.mkv",
    "a file in a folder to read": lambda place: place.read / "film.mkv",
    "a link out": lambda place: _link(place.write / "link.mkv", place.other / "film.mkv"),
}


@pytest.mark.parametrize("path", WRITES)
def test_ffmpeg_writes_nowhere_else(place: Place, film: Path, path: str) -> None:
    target = WRITES[path](place)
    before = target.read_bytes() if target.exists() else None
    source = place.write / "source.mkv"
    shutil.copy(film, source)
    source.chmod(0o644)

    ended = place.run(*ffmpeg_copy(source, target))

    assert any(word in ended.stderr for word in REFUSED), ended.stderr
    assert (target.read_bytes() if target.exists() else None) == before


def test_nothing_connects(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        ended = place.run(*ffmpeg_copy(f"tcp://127.0.0.1:{listener.getsockname()[1]}", place.write / "film.mkv"))

        assert ended.returncode != 0
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_what_is_said_to_confine_is_what_was_found(person: Person, place: Place) -> None:
    code = f"import sys; sys.path.append({str(person.root)!r}); "
    said = person.run(
        (person.python, "-c", code + "from pytranscoder.hosts.wardens.confinement import *; print(what_confines())")
    )

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.05)
        address = f"udp://127.0.0.1:{listener.getsockname()[1]}"
        tone = ("-f", "lavfi", "-i", "sine=duration=0.1", "-f", "mpegts", address)
        place.run(FFMPEG, "-nostdin", "-v", "error", *tone)
        try:
            came = bool(listener.recv(2000))
        except TimeoutError:
            came = False

    assert said.stdout.startswith("landlock")
    assert ("no network" in said.stdout) == (not came)


def test_the_partial_file_of_a_failure_is_removed_all_the_same(place: Place) -> None:
    partial = place.write / "partial"

    ended = place.run("sh", "-c", 'echo x >"$0" && ls "$0" && exit 3', str(partial), partials=[str(partial)])

    assert (ended.returncode, ended.stdout) == (3, f"{partial}\n")
    assert not partial.exists()


def test_no_program_can_be_made_and_run(place: Place) -> None:
    ended = place.run("sh", "-c", 'cp /bin/true "$0" && chmod 755 "$0" && "$0"', str(place.write / "made"))

    assert "Permission denied" in ended.stderr


def test_root_keeps_no_right_but_to_write(place: Place) -> None:
    ended = place.run("sh", "-c", 'while read -r line; do echo "$line"; done </proc/self/status')

    rights = dict(line.split(":") for line in ended.stdout.splitlines())
    assert int(rights["CapEff"], 16) in (0, 0b10)
    assert rights["NoNewPrivs"].strip() == "1"


def test_where_nothing_can_confine_the_command_is_not_run(tmp_path: Path) -> None:
    require_confinement()
    confinement = Confinement((), (str(tmp_path),))

    command = warden_argv(("touch", str(tmp_path / "x")), (), grace_s=GRACE_S, confinement=confinement)
    ended = us().run(_where_nothing_confines(command))

    assert ended.returncode == 126
    assert (refusal(126, ended.stderr) or "").startswith("cannot confine the command: ")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_said_to_confine_where_nothing_can(tmp_path: Path) -> None:
    require_confinement()
    (tmp_path / "file").touch()

    trial = own_program("pytranscoder.hosts.wardens.confinement_trial", str(tmp_path / "file"), "1", "2")
    ended = us().run(_where_nothing_confines(trial))

    assert (ended.returncode, ended.stdout) == (0, "")


def _where_nothing_confines(command: tuple[str, ...]) -> tuple[str, ...]:
    # The kernel takes 16 rulesets on top of each other and no more.
    code = (
        f"import os, sys; sys.path.append({str(PACKAGE.parent)!r}); from pytranscoder.hosts.wardens.landlock import *\n"
        "for _ in range(16): restrict_to({'/': RUN | WRITE | USE_DEVICE})\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return (sys.executable, "-c", code, *command)


@pytest.mark.parametrize(
    ("abi", "expected"),
    [(1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (4, 0x7FFF), (5, 0xFFFF), (7, 0xFFFF), (99, 0xFFFF)],
)
def test_a_kernel_is_asked_for_what_it_can_restrict(abi: int, expected: int) -> None:
    assert landlock.file_rights(abi) == expected


def test_a_folder_may_be_given_to_read_and_to_write() -> None:
    rights = rights_for("/films/bin/ffmpeg", ("/films",), ("/films", "/tmp/x"))

    assert rights["/films"] == landlock.WRITE
    assert rights["/films/bin/ffmpeg"] == rights["/films/lib"] == landlock.RUN
    assert not rights["/tmp/x"] & landlock.EXECUTE
