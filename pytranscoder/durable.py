"""How what was written stays through a loss of power, on every system and file system that can promise it."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def flush(descriptor: int) -> None:
    """Waits until an open file or folder is on its disk. Raises OSError, but not where the file system cannot do it."""
    try:
        os.fsync(descriptor)
    except OSError as exc:  # some network file systems refuse to
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise


def write_through(file: BinaryIO, content: bytes) -> None:
    """Writes into an open file and waits until all of it is on its disk. Raises OSError as `flush`."""
    file.write(content)
    file.flush()
    flush(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes sure that what was made in a folder, renamed into it or removed from it stays so. Raises OSError."""
    with suppress(PermissionError):  # Windows cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            flush(descriptor)
        finally:
            os.close(descriptor)
