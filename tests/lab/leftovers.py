"""What labs leave on the machine when their process is killed: a bridge, a folder, groups. Touches no living lab."""

import re
import shutil
import tempfile
from pathlib import Path

from tests.lab.cpu import GROUPS, Share
from tests.lab.network import PREFIX, lock_number, remove_link

_LINKS = Path("/sys/class/net")


def traces(name: str) -> list[Path]:
    """What there is of a lab by its name."""
    folders = Path(tempfile.gettempdir()).glob(f"{name}-*")
    cables = _LINKS.glob(f"{name}h*")
    return [*_LINKS.glob(name), *cables, *folders, *GROUPS.glob(f"{name}-*")]


def remove_leftovers() -> None:
    """Remove what labs have left whose process is gone; their machines have ended with it."""
    for number in sorted(_numbers()):
        if lock := lock_number(number):
            with lock:
                _remove(f"{PREFIX}{number}")


def _numbers() -> set[int]:
    name = re.compile(rf"{PREFIX}(\d+)(-.+|)")
    folders = (_LINKS, Path(tempfile.gettempdir()), GROUPS)
    paths = (path for folder in folders if folder.is_dir() for path in folder.iterdir())
    return {int(match[1]) for path in paths if (match := name.fullmatch(path.name))}


def _remove(name: str) -> None:
    for path in traces(name):
        if path.parent == _LINKS:
            remove_link(path.name)
        elif path.parent == GROUPS:
            Share(path.name).remove()
        else:
            shutil.rmtree(path)
