"""Our paths as a host with the same files on a share spells them (`path-substitutions`). Pure: looks at no file."""

import re
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from pytranscoder.hosts.definition import PathSubstitution

# `//nas/media` is left to POSIX, where it is a path like any other.
_WINDOWS = re.compile(r"[A-Za-z]:|\\\\")


class PathMapping:
    r"""The substitutions of one host. The longest prefix of whole path components counts, whatever the order.

    >>> PathMapping([PathSubstitution("/volume1/media", "Z:")]).theirs(PurePosixPath("/volume1/media/tv/a.mkv"))
    'Z:\\tv\\a.mkv'
    """

    def __init__(self, substitutions: Sequence[PathSubstitution]) -> None:
        self._substitutions = tuple(substitutions)

    def covering(self, path: PurePath) -> PathSubstitution | None:
        """Returns the substitution that is used for a path of ours; None when the path is used as it is."""
        covering = [each for each in self._substitutions if path.is_relative_to(each.ours)]
        return max(covering, key=lambda each: len(type(path)(each.ours).parts), default=None)

    def theirs(self, path: PurePath) -> str:
        """Returns the host's name of a path of ours. Undecodable bytes stay the surrogates that they are."""
        substitution = self.covering(path)
        if substitution is None:
            return str(path)
        return _joined(substitution.theirs, path.relative_to(substitution.ours).parts)


def is_windows_path(text: str) -> bool:
    r"""Whether a path of a host is one of Windows: with a drive letter, or ``\\server\share``."""
    return _WINDOWS.match(text) is not None


def _joined(prefix: str, rest: Sequence[str]) -> str:
    # Joined as text: pathlib would take a name of ours such as `C:a` for another drive.
    if is_windows_path(prefix):
        # With a backslash behind it a bare `Z:` is the top of the drive, and not the folder in use there.
        start = str(PureWindowsPath(f"{prefix}\\"))
        return "\\".join((start.rstrip("\\"), *rest)) if rest else start
    return "/".join((str(PurePosixPath(prefix)).rstrip("/"), *rest)) or "/"
