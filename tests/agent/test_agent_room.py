"""How much room a disk has for managers."""

import errno
import shutil
from pathlib import Path

import pytest

from pytranscoder.agent.room import Room

GIB = 1 << 30


@pytest.mark.parametrize(
    ("leave", "disk", "left"),
    [(None, 1000 * GIB, GIB), (None, 10 * GIB, GIB // 2), (0, 10 * GIB, 0), (5 * GIB, 10 * GIB, 5 * GIB)],
    ids=["large disk", "small disk", "nothing", "as told"],
)
def test_something_is_left_free(leave: int | None, disk: int, left: int) -> None:
    assert Room(leave).left_free(disk) == left


def test_a_folder_that_is_not_there_has_the_room_of_the_one_above(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free

    assert abs(Room(0).bytes_at(tmp_path / "not" / "there") - free) < GIB


def test_a_lack_of_room_is_told_as_the_disk_would(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left on device") as told:
        Room(1 << 60).require(tmp_path, 1)

    assert told.value.errno == errno.ENOSPC
