"""What can be known of Windows without it: layouts, flags, statuses, and what is decided by a platform's name."""

import ctypes
from pathlib import Path

import pytest

from pytranscoder.children import apart
from pytranscoder.hosts.local import bare, wraps
from pytranscoder.hosts.supervisor import supervised
from pytranscoder.hosts.wardens.job_object import BasicLimits, ExtendedLimits, ProcessIds, limits
from pytranscoder.hosts.wardens.warden import wardened
from pytranscoder.hosts.wardens.windows import exit_code, remove


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the sizes are those of a 64-bit system")
@pytest.mark.parametrize(("structure", "size"), [(BasicLimits, 64), (ExtendedLimits, 144)])
def test_a_structure_is_as_large_as_windows_has_it(structure: type[ctypes.Structure], size: int) -> None:
    assert ctypes.sizeof(structure) == size


def test_the_process_ids_follow_two_numbers() -> None:
    assert ProcessIds.ids.offset == 8


def test_a_job_ends_with_its_last_handle() -> None:
    assert bytes(limits())[BasicLimits.limit_flags.offset :][:4] == (0x2000).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("status", "code"),
    [(0, 0), (1, 1), (255, 255), (0x7FFFFFFF, 0x7FFFFFFF), (0xC000013A, -1073741510), (2**32 - 1, -1)],
)
def test_an_exit_status_keeps_its_32_bits(status: int, code: int) -> None:
    assert exit_code(status) == code
    assert code % 2**32 == status


def test_what_cannot_be_removed_is_left_in_the_end(tmp_path: Path) -> None:
    folder, partial = tmp_path / "folder", tmp_path / "partial"
    folder.mkdir()
    partial.touch()

    remove([str(folder), str(tmp_path / "not there"), str(partial)], within_s=0.05)

    assert list(tmp_path.iterdir()) == [folder]


def test_a_child_on_windows_has_a_hidden_console_and_a_group_of_its_own() -> None:
    assert apart("win32") == {"creationflags": 0x08000200}


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_child_on_posix_leads_a_session(platform: str) -> None:
    assert apart(platform) == {"start_new_session": True}


def test_commands_run_under_a_warden_where_there_is_no_shell() -> None:
    assert wraps("win32") == (wardened, wardened)
    assert wraps("linux") == wraps("darwin") == (supervised, bare)
