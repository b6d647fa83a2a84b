"""Private keys that are made once and kept in a file. Knows not whom they are for."""

from pathlib import Path

import asyncssh

from pytranscoder.errors import StateError, printable
from pytranscoder.hosts.private_file import locked, write_private


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
