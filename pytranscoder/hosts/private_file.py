"""Files for the eyes of this user alone: written whole or not at all, one process at a time, and keys kept in them.

Knows not whom the keys are for.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
from filelock import FileLock

from pytranscoder.durable import flush, sync_folder
from pytranscoder.errors import StateError, printable

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
            new.write(content)
            new.flush()
            flush(new.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def kept_key(path: Path, comment: str) -> asyncssh.SSHKey:
    """Returns the private key in a file, which is made the first time.

    Raises StateError when that cannot be.
    """
    try:
        with locked(path.parent):
            if not path.exists():
                key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
                write_private(path, key.export_private_key())
            return asyncssh.read_private_key(path)
    except asyncssh.KeyImportError as exc:
        remedy = "remove it, and what trusts the key has to be told the new one"
        raise StateError(f"{printable(path)} is no key that can be used ({exc}); {remedy}") from exc
    except OSError as exc:
        raise StateError(f"{printable(path)} cannot be kept: {exc.strerror or exc}") from exc
