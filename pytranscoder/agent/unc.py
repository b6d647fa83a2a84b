"""Names that Windows asks other machines about. Only looks at how they are written: asks nobody."""

import ntpath
import re
import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from pytranscoder.errors import ForbiddenError, printable

_UNC = re.compile(r"[/\\]{2}")


def require_ours(name: str, roots: Sequence[Path], platform: str = sys.platform) -> str:
    """Returns a name as it is. Raises ForbiddenError for one by which Windows would log in to another machine.

    That happens as soon as the name is followed, before it is known whether it leads out of the folders.
    """
    if platform == "win32" and _UNC.match(name):
        path = PureWindowsPath(ntpath.normpath(name))
        if ".." in path.parts or not any(path.is_relative_to(PureWindowsPath(root)) for root in roots):
            raise ForbiddenError(
                f"{printable(name)}: outside the folders of this agent; start it with --share and a folder above"
            )
    return name
