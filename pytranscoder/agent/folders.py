"""The folders in which an agent works, and whether a name lies inside. Reads links, opens and changes nothing."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.agent.unc import require_ours
from pytranscoder.errors import ForbiddenError, printable

# What ffmpeg takes for a protocol (libavformat/avio.c); one letter is a drive. `subfile` has a comma in its place.
_ADDRESS = re.compile(r"[A-Za-z0-9+.-]{2,}:|subfile,")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders in which an agent works: its working directory, and shares that may be read, or written too.

    They are the folders to which these paths lead at first, whatever becomes of links. Relative names count from
    `working_dir`, which is absolute.
    """

    working_dir: Path
    shares: tuple[Path, ...] = ()
    writable_shares: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "working_dir", self.working_dir.resolve())
        object.__setattr__(self, "shares", tuple(share.resolve() for share in self.shares))
        object.__setattr__(self, "writable_shares", tuple(share.resolve() for share in self.writable_shares))

    @property
    def roots(self) -> tuple[Path, ...]:
        """All of them, without links."""
        return (self.working_dir, *self.shares, *self.writable_shares)

    def readable(self, name: str) -> Path:
        """Returns the path without links; it need not exist. Raises ForbiddenError when it may not be read."""
        path = self._resolve(name)
        if not _lies_in(path, self.roots):
            raise _refusal(name, "outside the folders of this agent; start it with --share and a folder above")
        return path

    def writable(self, name: str) -> Path:
        """Returns the path without links; it need not exist. Raises ForbiddenError when it may not be written."""
        path = self._resolve(name)
        if not _lies_in(path, (self.working_dir, *self.writable_shares)):
            raise _refusal(
                name, "outside the folders that this agent may write; start it with --share-rw and one above"
            )
        return path

    def require_movable(self, path: Path) -> None:
        """Raises ForbiddenError for one of the folders themselves, or what one lies in, however it is spelt.

        What came to be in its place would be taken for it.
        """
        if any(_is_same(path, place) for root in self.roots for place in (root, *root.parents)):
            raise _refusal(str(path), "a folder of this agent, which stays where it is; name what is in it")

    def _resolve(self, name: str) -> Path:
        if not name or "\0" in name:
            raise _refusal(name, "no name of a file; give its path")
        try:
            name.encode("utf-8", "surrogateescape")
            return (self.working_dir / require_ours(name, self.roots)).resolve()
        except (OSError, RuntimeError, ValueError) as exc:  # RuntimeError is how Python tells of links in a circle
            raise _refusal(name, "cannot be followed to a file; give its path without links") from exc


def input_file(folders: Folders, name: str) -> Path:
    """Returns the path of a file that may be read. Raises ForbiddenError, also when it is none."""
    path = folders.readable(_local(name))
    if not _is_file(path):
        raise _refusal(name, "no file on this agent's machine; check the path")
    return path


def output_file(folders: Folders, name: str) -> Path:
    """Returns the path of a file that may be written or made. Raises ForbiddenError, also when it is something else."""
    path = folders.writable(_local(name))
    if _exists(path) and not _is_file(path):
        raise _refusal(name, "exists and is no file; give another name")
    return path


def _lies_in(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _is_same(path: Path, other: Path) -> bool:
    if path == other:
        return True
    try:
        return os.path.samestat(path.lstat(), other.lstat())  # on a file system that takes F for f
    except OSError:
        return False


def _local(name: str) -> str:
    if _ADDRESS.match(name):
        raise _refusal(name, "an address; this agent opens files only, begin a name that has a colon with ./")
    return name


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _refusal(name: str, reason: str) -> ForbiddenError:
    return ForbiddenError(f"{printable(name) or 'an empty name'}: {reason}")
