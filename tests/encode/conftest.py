"""A shelf of films, and disks that are small, read-only or elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytranscoder.jobs.journal import Journal
from tests.encode.nas import Nas
from tests.encode.samples import RUN, Shelf

MOUNT, UMOUNT = "/bin/mount", "/bin/umount"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "state")
    journal.begin_run(RUN, 0.0)
    yield journal
    journal.close()


@pytest.fixture
def shelf(tmp_path: Path, journal: Journal) -> Shelf:
    shelf = Shelf(tmp_path / "films", tmp_path / "fast", journal)
    shelf.films.mkdir()
    shelf.fast.mkdir()
    return shelf


class Disks:
    """File systems in memory, below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounted: list[Path] = []

    def mount(self, size: str) -> Path:
        """Mount one of a size such as ``64k``."""
        disk = self._folder / f"disk{len(self._mounted)}"
        disk.mkdir()
        subprocess.run([MOUNT, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
        self._mounted.append(disk)
        return disk

    def lock(self, disk: Path, *, readable_only: bool = True) -> None:
        """Make one read-only, or writable again."""
        subprocess.run([MOUNT, "-o", f"remount,{'ro' if readable_only else 'rw'}", str(disk)], check=True)

    def unmount(self) -> None:
        """Unmount all of them, also those in use."""
        for disk in self._mounted:
            subprocess.run([UMOUNT, "--lazy", str(disk)], check=True)
        self._mounted.clear()


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    if sys.platform != "linux" or os.geteuid() != 0:
        sentence = "mounts file systems, which only root on Linux may"
        (pytest.fail if "CI" in os.environ else pytest.skip)(sentence)
    disks = Disks(tmp_path)
    yield disks
    disks.unmount()


@pytest.fixture
def nas(shelf: Shelf, tmp_path: Path) -> Nas:
    (tmp_path / "work").mkdir()
    return Nas(shelf, tmp_path / "work")
