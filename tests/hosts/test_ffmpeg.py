"""What ffmpeg says about itself, as 5.1 and 9.0 print it, and which ffmpeg is used on this machine."""

from pathlib import Path

import pytest

from pytranscoder.errors import FfmpegMissingError
from pytranscoder.hosts.ffmpeg import check_ffmpeg, find_local_ffmpeg, read_encoders, read_version
from pytranscoder.hosts.local import LocalTransport
from tests.clips import FFMPEG

DATA = Path(__file__).with_name("data")
HERE = LocalTransport("local")


def read(name: str) -> str:
    return (DATA / name).read_text()


def make_program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        pytest.param(read("banner-5.1.txt"), "5.1.9-0+deb12u1", id="5.1"),
        pytest.param(read("banner-9.0.txt"), "n9.0.2-17-g2a571b6068-20260930", id="9.0"),
        pytest.param("", "unknown", id="nothing"),
        pytest.param("ffmpeg is not installed", "unknown", id="something else"),
    ],
)
def test_the_version(text: str, version: str) -> None:
    assert read_version(text) == version


@pytest.mark.parametrize(("name", "count"), [("encoders-5.1.txt", 24), ("encoders-9.0.txt", 28)])
def test_the_encoders_are_those_below_the_dashes(name: str, count: int) -> None:
    encoders = read_encoders(read(name))

    assert {"libx264", "libx265", "libsvtav1", "aac", "libopus", "srt", "mov_text"} <= encoders
    assert "=" not in encoders
    assert len(encoders) == count


def test_nothing_has_no_encoders() -> None:
    assert read_encoders("") == frozenset()


def test_the_configured_ffmpeg_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured = make_program(tmp_path, "my-ffmpeg", "exit 0")
    make_program(tmp_path / "bin", "ffmpeg", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    found = find_local_ffmpeg(str(configured))

    assert found == str(configured)
    assert type(found) is str


def test_a_configured_name_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = make_program(tmp_path, "ffmpeg7", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_local_ffmpeg("ffmpeg7") == str(named)


def test_a_configured_ffmpeg_may_be_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = make_program(tmp_path, "ffmpeg", "exit 0")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert find_local_ffmpeg("~/ffmpeg") == str(at_home)


@pytest.mark.parametrize("path", ["/nowhere/gone", "~no.such.user/gone"])
def test_a_configured_ffmpeg_that_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(FfmpegMissingError, match=r"no ffmpeg at .*/gone; correct `ffmpeg` in the configuration"):
        find_local_ffmpeg(path)


def test_without_a_configured_one_it_is_that_in_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_path = make_program(tmp_path, "ffmpeg", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_local_ffmpeg(None) == str(in_path)


async def test_without_any_it_is_the_embedded_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_local_ffmpeg(None)

    assert "imageio_ffmpeg" in found
    assert "libx265" in (await check_ffmpeg(HERE, found)).encoders


async def test_a_real_ffmpeg_answers() -> None:
    ffmpeg = await check_ffmpeg(HERE, FFMPEG)

    assert ffmpeg.path == FFMPEG
    assert ffmpeg.version != "unknown"
    assert {"aac", "libx264"} <= ffmpeg.encoders


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        pytest.param("exit 0", "is no ffmpeg that can be run .status 0: no answer", id="says nothing"),
        pytest.param("echo ffmpeg; echo bad library >&2; exit 127", "status 127: bad library", id="fails"),
        pytest.param("kill -SEGV $$", "status -11", id="crashes"),
    ],
)
async def test_what_is_no_ffmpeg_is_an_error(tmp_path: Path, script: str, complaint: str) -> None:
    path = make_program(tmp_path, "ffmpeg", script)

    with pytest.raises(FfmpegMissingError, match=complaint):
        await check_ffmpeg(HERE, str(path))


async def test_a_missing_ffmpeg_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FfmpegMissingError, match=r"host local: cannot run .*/gone: No such file or directory"):
        await check_ffmpeg(HERE, str(tmp_path / "gone"))
