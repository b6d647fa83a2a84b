"""Directories over sftp, against a real sshd."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pytranscoder.errors import TransferError
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.sftp import SftpFiles
from pytranscoder.hosts.sftp_tree import DEEPEST
from pytranscoder.hosts.transport import Files


@pytest.fixture
async def files(address: Callable[[str], Address]) -> AsyncIterator[Files]:
    async with Connections("nas", address("root-bash")) as connections:
        yield SftpFiles(connections, None)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    path.write_bytes(b"film")
    return path


async def test_a_directory_is_made_with_those_above_it(files: Files, tmp_path: Path) -> None:
    for _ in range(2):
        await files.make_directory(f"{tmp_path}/a/b/c")

    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")} == {0o700}
    assert (tmp_path / "a" / "b" / "c").is_dir()


async def test_a_directory_that_is_a_file_cannot_be_made(files: Files, film: Path) -> None:
    with pytest.raises(TransferError, match=r"film\.mkv: Failure"):
        await files.make_directory(str(film))


async def test_a_tree_is_removed_without_following_links(files: Files, tmp_path: Path, film: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").touch()
    (tree / "a" / "to a file").symlink_to(film)
    (tree / "to a directory").symlink_to(film.parent)
    (tree / "to nothing").symlink_to("nowhere")

    await files.remove_tree(str(tree))

    assert (tree.exists(), film.read_bytes()) == (False, b"film")


async def test_a_link_is_removed_and_not_what_it_leads_to(files: Files, tmp_path: Path, film: Path) -> None:
    (tmp_path / "link").symlink_to(film.parent)

    await files.remove_tree(f"{tmp_path}/link")

    assert film.exists()


async def test_a_big_directory_is_removed(files: Files, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(3000):
        (tree / f"{number}").touch()

    await files.remove_tree(str(tree))

    assert not tree.exists()


async def test_a_tree_that_is_too_deep_to_be_ours_stays(files: Files, tmp_path: Path) -> None:
    deepest = tmp_path.joinpath("tree", *["d"] * (DEEPEST + 1))
    deepest.mkdir(parents=True)

    with pytest.raises(TransferError, match="directories are in each other more than 64 times; remove them there"):
        await files.remove_tree(f"{tmp_path}/tree")

    assert deepest.exists()


async def test_a_deep_tree_is_removed(files: Files, tmp_path: Path) -> None:
    tmp_path.joinpath("tree", *["d"] * DEEPEST).mkdir(parents=True)

    await files.remove_tree(f"{tmp_path}/tree")

    assert not (tmp_path / "tree").exists()


async def test_two_may_remove_the_same_tree(files: Files, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(100):
        (tree / f"{number}" / "deeper").mkdir(parents=True)

    await asyncio.gather(files.remove_tree(str(tree)), files.remove_tree(str(tree)))

    assert not tree.exists()


async def test_nothing_is_where_nothing_is(files: Files, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    await files.remove_tree(missing)

    assert (await files.names(missing), await files.size_bytes(missing)) == ([], None)
