"""Files that only their owner may read, and keys that are made once."""

import multiprocessing
import stat
import sys
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.errors import StateError
from pytranscoder.hosts.kept_key import kept_key
from pytranscoder.hosts.private_file import locked, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def make_key(path: Path) -> str:
    return kept_key(path, "test").get_fingerprint()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_only_the_owner_can_read_a_key_and_its_folder(tmp_path: Path) -> None:
    kept_key(tmp_path / "state" / "key", "test")

    assert mode(tmp_path / "state") == 0o700
    assert mode(tmp_path / "state" / "key") == 0o600


def test_a_key_is_made_once(tmp_path: Path) -> None:
    assert make_key(tmp_path / "key") == make_key(tmp_path / "key")


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        fingerprints = pool.map(make_key, [tmp_path / "key"] * 6)

    assert len(set(fingerprints)) == 1


def test_a_key_that_cannot_be_read_is_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key")

    with pytest.raises(StateError, match=r"key is no key that can be used \(.*\); remove it"):
        kept_key(tmp_path / "key", "test")
    assert (tmp_path / "key").read_text() == "not a key"


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError, match="key cannot be kept: "):
        kept_key(tmp_path / "file" / "key", "test")


def test_a_key_is_one_that_ssh_can_read(tmp_path: Path) -> None:
    kept_key(tmp_path / "key", "a comment")

    assert asyncssh.read_private_key(tmp_path / "key").get_comment() == "a comment"


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_private(tmp_path / "file", b"old")
    write_private(tmp_path / "file", b"new")

    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_cannot_be_put_in_place_is_removed(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()

    with pytest.raises(OSError, match="file"):
        write_private(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_is_locked_for_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(TimeoutError), locked(tmp_path):
        pass
