"""Files for the eyes of this user alone: written whole or not at all, one process at a time."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from pytranscoder.durable import sync_folder, write_through

LOCKED_AT_MOST_S = 2.0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes a folder, and keeps other threads and processes that would write into it waiting.

    Raises OSError: filelock's Timeout is one.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / ".lock", timeout=LOCKED_AT_MOST_S, mode=0o600):
        yield


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file by one that only its owner may read; a crash leaves the old or the new one."""
    aside = path.with_name(f".{path.name}.ptc-{secrets.token_hex(4)}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:  # noqa: PTH123  # a mode
            write_through(new, content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)
