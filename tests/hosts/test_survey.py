"""What is found out about a host, asked of this machine: its shell, its ffmpeg, its directories."""

from pathlib import Path

import pytest

from pytranscoder.errors import FfmpegMissingError, HostError
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.survey import Sight, look_on_host, survey
from tests.clips import FFMPEG
from tests.encode.fake_files import FakeFiles
from tests.hosts.program import LINE

HERE = LocalTransport("nas")


def host(**values: str | None) -> HostDefinition:
    return HostDefinition("nas", HostType.STREAMING, **values)  # type: ignore[arg-type]  # text is what these take


async def test_a_host_tells_its_system_and_its_ffmpeg() -> None:
    found = await survey(HERE, host(ffmpeg=FFMPEG), None)

    assert (found.os, found.ffmpeg.path, found.free_bytes) == ("linux", FFMPEG, None)
    assert "libx264" in found.ffmpeg.encoders


async def test_a_tilde_in_the_path_of_ffmpeg_is_the_home_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my ffmpeg").symlink_to(FFMPEG)
    monkeypatch.setenv("HOME", str(tmp_path))

    found = await survey(HERE, host(ffmpeg="~/my ffmpeg"), None)

    assert found.ffmpeg.path == str(tmp_path / "my ffmpeg")


@pytest.mark.parametrize(
    ("ffmpeg", "reason"),
    [
        ("/nowhere/ffmpeg", "no ffmpeg at /nowhere/ffmpeg; correct `ffmpeg`"),
        ("/bin/true", "/bin/true is no ffmpeg that can be run"),
    ],
)
async def test_a_host_without_that_ffmpeg_is_none(ffmpeg: str, reason: str) -> None:
    with pytest.raises(FfmpegMissingError, match=reason):
        await survey(HERE, host(ffmpeg=ffmpeg), None)


async def test_the_room_is_that_of_the_nearest_directory(tmp_path: Path) -> None:
    files = FakeFiles()

    found = await survey(HERE, host(ffmpeg=FFMPEG, working_dir=str(tmp_path / "not" / "yet")), files)

    assert found.free_bytes == await files.free_bytes(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


async def test_a_working_directory_that_cannot_be_written_is_named() -> None:
    with pytest.raises(HostError, match="working_dir /dev/null/encode cannot be written; change its owner"):
        await survey(HERE, host(ffmpeg=FFMPEG, working_dir="/dev/null/encode"), FakeFiles())


@pytest.mark.parametrize("name", ["film.mkv", "-n", "a b'c$(d)`e`\n.mkv", "\udcff.mkv"])
async def test_the_size_of_a_file_is_told_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(LINE)

    assert await look_on_host(HERE, str(tmp_path / name)) == Sight(len(LINE))


async def test_a_file_that_is_not_there_has_no_size(tmp_path: Path) -> None:
    assert await look_on_host(HERE, str(tmp_path / "gone.mkv")) == Sight(None)


async def test_a_folder_that_cannot_be_written_is_told() -> None:
    assert await look_on_host(HERE, "/proc/self/status") == Sight(0, is_writable=False)


async def test_a_working_directory_that_is_a_link_to_nowhere_cannot_be_written(tmp_path: Path) -> None:
    link = tmp_path / "work"
    link.symlink_to(tmp_path / "nowhere")

    with pytest.raises(HostError, match=f"working_dir {link} cannot be written; change its owner"):
        await survey(HERE, host(ffmpeg=FFMPEG, working_dir=str(link)), FakeFiles())
