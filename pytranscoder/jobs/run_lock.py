"""The lock files that tell which runs are alive, as they are on every system. Knows no journal."""

import sys
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


def try_lock(lock: FileLock) -> bool:
    """Takes a lock if nobody holds it; returns whether it is ours."""
    with suppress(Timeout):
        lock.acquire(timeout=0)
        return True
    return False


def let_go(lock: FileLock) -> None:
    """Releases a lock of ours and removes its file."""
    path = Path(lock.lock_file)
    remove_lock_file(path)  # first, so that nobody takes it in between and is left with a file that is gone
    lock.release()
    if sys.platform == "win32":
        remove_lock_file(path)


def remove_lock_file(path: Path) -> None:
    """Removes a lock file, if the system allows it; one that nobody holds does no harm."""
    with suppress(PermissionError):  # Windows removes no file that is open
        path.unlink(missing_ok=True)
