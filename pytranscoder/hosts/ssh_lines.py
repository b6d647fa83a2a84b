"""What OpenSSH understands in its configuration files and asyncssh does not, in lines that asyncssh does.

Chooses no file and knows no host. What `ssh` makes of a line was looked at with ``ssh -G`` (9.2).
"""

import io
import re
from pathlib import Path
from typing import Any, cast

from asyncssh import config as asyncssh_config

_KEYWORD = re.compile(r"\s*(?P<keyword>[A-Za-z0-9]+)(?:\s*=\s*|\s+)")
# Their values are commands, to the end of the line.
_COMMANDS = frozenset({"proxycommand", "remotecommand", "localcommand", "knownhostscommand"})
_TIMES = frozenset({"connecttimeout", "serveraliveinterval"})
# sshd_config(5), TIME FORMATS.
_TIME = re.compile(r"(?:[0-9]+[smhdw]?)+", re.IGNORECASE)
_PART = re.compile(r"(?P<number>[0-9]+)(?P<unit>[smhdw]?)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def teach_asyncssh() -> None:
    """Lets asyncssh read its configuration files like this. It has no option for it.

    A version that does not open them with `open` understands what it did before.
    """
    cast(Any, asyncssh_config).open = open_plain


def plain(line: str) -> str:
    """Returns a line without the comment at its end, with times in seconds, and with backslashes that stay."""
    found = _KEYWORD.match(line)
    if found is None or found["keyword"].lower() in _COMMANDS:
        return line
    words = _without_comment(line)
    return _with_seconds(words, found.end()) if found["keyword"].lower() in _TIMES else words


def open_plain(path: Path) -> io.StringIO:
    """Opens an ssh configuration as `open` would, and gives its lines as asyncssh understands them."""
    with path.open(errors="surrogateescape") as file:
        return io.StringIO("".join(plain(line.rstrip("\n")) + "\n" for line in file))


def _without_comment(line: str) -> str:
    kept: list[str] = []
    quote = ""
    rest = iter(range(len(line)))
    for index in rest:
        char = line[index]
        if char == "#" and not quote and (not kept or kept[-1].isspace()):
            break
        kept.append(char)
        if char == "\\" and quote != "'":
            following = line[index + 1 : index + 2]
            if following in ('"', "'", "\\", " "):
                kept.append(following)
                next(rest)
            elif not quote:
                kept.append(char)  # a path of Windows
        elif char in ('"', "'"):
            quote = char if not quote else "" if char == quote else quote
    return "".join(kept)


def _with_seconds(line: str, start: int) -> str:
    value = line[start:].strip().strip('"')
    if value.lower() == "none":
        return ""
    if not _TIME.fullmatch(value):
        return line
    seconds = sum(int(part["number"]) * _SECONDS[part["unit"].lower()] for part in _PART.finditer(value))
    return f"{line[:start]}{seconds}"
