"""A lock file tells whether somebody holds it, and goes with who lets go."""

from pathlib import Path

from filelock import FileLock

from pytranscoder.jobs.run_lock import let_go, remove_lock_file, try_lock


def test_a_lock_is_taken_once(tmp_path: Path) -> None:
    first, second = (FileLock(tmp_path / "lock") for _ in range(2))

    assert try_lock(first)
    assert not try_lock(second)
    first.release()


def test_a_lock_that_is_let_go_leaves_no_file(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert try_lock(lock)

    let_go(lock)

    assert list(tmp_path.iterdir()) == []
    assert not lock.is_locked


def test_a_lock_file_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    remove_lock_file(tmp_path / "lock")
