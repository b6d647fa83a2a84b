"""The files of a Windows host, by the names that Windows has for them."""

import os
from pathlib import Path

import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.sftp import SftpFiles
from tests.windows.server import WindowsHost

FOLDERS = [r"C:\films\new ones & more", "c:/films/new ones & more"]


@pytest.fixture
def files(connections: Connections) -> SftpFiles:
    return SftpFiles(connections, None)


def ignore(_: int) -> None:
    """A report that nobody reads."""


@pytest.mark.parametrize("folder", FOLDERS, ids=["backslashes", "slashes"])
async def test_a_film_goes_there_and_comes_back(
    files: SftpFiles, host: WindowsHost, tmp_path: Path, folder: str
) -> None:
    film, back, there = tmp_path / "film", tmp_path / "back", f"{folder}\\Müller 100 %.mkv"
    film.write_bytes(os.urandom(300_000))

    await files.make_directory(folder)
    await files.upload(film, there, ignore)
    await files.fetch(there, back, ignore)

    assert back.read_bytes() == film.read_bytes()
    assert await files.names(folder) == ["Müller 100 %.mkv"]
    assert await files.size_bytes(there) == 300_000
    await files.remove_tree(r"C:\films")
    assert not (host.wine.drive / "films").exists()


async def test_the_room_is_that_of_the_drive(files: SftpFiles) -> None:
    there = await files.free_bytes("C:\\")

    assert await files.free_bytes(r"C:\not\yet\there") == pytest.approx(there, rel=0.1)


async def test_a_drive_that_is_not_there_has_no_room(files: SftpFiles) -> None:
    with pytest.raises(HostError, match=r"host gaming: X:\\temp: no such file or directory there"):
        await files.free_bytes(r"X:\temp")


@pytest.mark.parametrize("path", [r"X:\a.mkv", r"\\nas\films\a.mkv"])
async def test_what_is_not_there_has_no_size(files: SftpFiles, path: str) -> None:
    assert await files.size_bytes(path) is None
