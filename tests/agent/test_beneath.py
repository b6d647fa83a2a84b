"""What a path leads to that was examined, and then replaced by a link to elsewhere."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytranscoder.agent.beneath import beneath, folder_beneath, open_beneath

pytestmark = pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="this system has no way to forbid it")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with another in it, from which somebody may lead to a secret."""
    root = tmp_path.resolve() / "root"
    (root / "deep" / "deeper").mkdir(parents=True)
    (root / "deep" / "deeper" / "film").write_bytes(b"film")
    (tmp_path / "elsewhere" / "deeper").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deeper" / "film").write_bytes(b"secret")
    return root


def read(root: Path, place: Path) -> bytes:
    descriptor = open_beneath((root,), place, os.O_RDONLY)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def names(root: Path, place: Path) -> list[str]:
    with folder_beneath((root,), place) as folder, os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def size(root: Path, place: Path) -> int:
    with beneath((root,), place) as (name, folder):
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size


def test_a_path_leads_to_its_file(root: Path) -> None:
    assert read(root, root / "deep" / "deeper" / "film") == b"film"
    assert size(root, root / "deep" / "deeper" / "film") == 4
    assert names(root, root / "deep" / "deeper") == ["film"]
    assert names(root, root) == ["deep"]


WAYS: list[Callable[[Path, Path], object]] = [read, names, size]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_link_on_the_way_is_followed(root: Path, way: Callable[[Path, Path], object], depth: int) -> None:
    swapped = (root, root / "deep", root / "deep" / "deeper")[depth]
    place = root / "deep" / "deeper" / ("film" if way is not names else "")
    leads_to = root.parent / "elsewhere" / ("deeper" if depth == 2 else "")
    swapped.rename(swapped.with_name("moved"))
    (leads_to / "deep").symlink_to(root.parent / "elsewhere")
    swapped.symlink_to(leads_to)

    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        way(root, place)


def test_a_file_that_became_a_link_is_not_opened(root: Path) -> None:
    film = root / "deep" / "deeper" / "film"
    film.unlink()
    film.symlink_to(root.parent / "elsewhere" / "deeper" / "film")

    with pytest.raises(OSError, match="symbolic links"):
        read(root, film)


def test_nobody_waits_for_the_other_end_of_a_pipe(root: Path) -> None:
    os.mkfifo(root / "pipe")

    assert read(root, root / "pipe") == b""
