"""Command lines as Windows has them: one text, which each program takes apart by itself. Pure; runs nothing."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath
from subprocess import list2cmdline

from pytranscoder.hosts.mapping import is_windows_path

# What cmd.exe takes from a line that is typed, of which a caret before it takes the meaning away.
_SPECIAL = frozenset('()%!^"<>&|')
# A line feed ends a command, and nothing takes that meaning away. What is not ASCII depends on the code page.
_INEXPRESSIBLE = re.compile(r"[^\x20-\x7e]")
LONGEST_LINE = 8191
_REMEDY = "let PowerShell run on that host"


class InexpressibleError(ValueError):
    """A command that a shell would not pass on as it is. The message says why."""


def program_name(program: str) -> str:
    r"""Returns a program as Windows finds it, and no other: with its extension, and the separators that all understand.

    >>> program_name("C:/Programs/ffmpeg")
    'C:\\Programs\\ffmpeg.exe'

    Raises InexpressibleError for a batch file: its arguments would be read by cmd.exe once more.
    """
    name = str(PureWindowsPath(program)) if is_windows_path(program) else program
    suffix = PureWindowsPath(name).suffix.lower()
    if suffix in (".bat", ".cmd"):
        raise InexpressibleError(f"{program} is a batch file, which arguments do not reach as they are; name the .exe")
    return name if suffix in (".exe", ".com") else f"{name}.exe"


def command_line(argv: Sequence[str]) -> str:
    """Returns what `CommandLineToArgvW` and the C runtime take apart into `argv` again.

    Raises InexpressibleError.
    """
    return f'"{program_name(argv[0])}" {list2cmdline(argv[1:])}'


def set_in_cmd(variables: Mapping[str, str]) -> str:
    """Returns what to type into cmd.exe, or to send to its standard input, to set variables; no batch file.

    Carets take the meaning of characters away, that of quotes too, as within them carets would be literal. Raises
    InexpressibleError for what is not printable ASCII, and for two percent signs or exclamation marks: nothing takes
    their meaning away for certain when what is between them is the name of a variable. One alone has none.
    """
    values = "".join(variables.values())
    if strange := _INEXPRESSIBLE.search(values):
        raise InexpressibleError(f"cmd.exe would not pass {strange[0]!a} on as it is; {_REMEDY}")
    for sign, name in (("%", "percent signs"), ("!", "exclamation marks")):
        if values.count(sign) > 1:
            raise InexpressibleError(f"cmd.exe may not pass {name} on as they are; {_REMEDY}")
    return "&".join(f"set {name}={_escaped(value)}" for name, value in variables.items())


def _escaped(value: str) -> str:
    return "".join(f"^{character}" if character in _SPECIAL else character for character in value)
