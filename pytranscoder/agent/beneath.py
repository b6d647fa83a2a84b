"""How a path below one of some folders is named to the system so that no link on the way is followed.

A path that was examined may lead elsewhere a moment later. Examines nothing itself.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Windows has neither.
_HAS_FOLDERS = {os.open, os.stat, os.unlink, os.mkdir, os.rmdir, os.rename} <= os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = _NO_LINK | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
# To look for a name in a folder takes less than to read it.
_PASS_THROUGH = _FOLDER | getattr(os, "O_PATH", os.O_RDONLY)


@contextmanager
def beneath(roots: Sequence[Path], place: Path) -> Iterator[tuple[str, int | None]]:
    """Yields the name and the `dir_fd` of a resolved path below one of the roots.

    What has the name may be a link by now. Raises OSError when a folder on the way is one, or is not there.
    """
    if not _HAS_FOLDERS:
        yield str(place), None
        return
    root = next(root for root in roots if place.is_relative_to(root))
    *way, name = place.relative_to(root).parts or (".",)
    folder = os.open(root, _PASS_THROUGH)
    try:
        for step in way:
            above, folder = folder, os.open(step, _PASS_THROUGH, dir_fd=folder)
            os.close(above)
        yield name, folder
    finally:
        os.close(folder)


@contextmanager
def folder_beneath(roots: Sequence[Path], place: Path) -> Iterator[int | str]:
    """Yields what `os.scandir` takes for a resolved folder below one of the roots. Raises OSError as `beneath`."""
    with beneath(roots, place) as (name, folder):
        if folder is None:
            yield name
            return
        opened = os.open(name, _FOLDER | os.O_RDONLY, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


def open_beneath(roots: Sequence[Path], place: Path, flags: int) -> int:
    """Opens a resolved path below one of the roots; a file that is made is for its owner alone.

    Never waits, as for the other end of a pipe. Raises OSError as `beneath`.
    """
    with beneath(roots, place) as (name, folder):
        return os.open(name, flags | _NO_LINK | getattr(os, "O_NONBLOCK", 0), 0o600, dir_fd=folder)
