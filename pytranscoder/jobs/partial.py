"""The names of outputs: partial ones while they are made, final ones afterwards. Computes names, touches no file."""

import os
import re
from pathlib import Path

NAME_MAX_BYTES = 255
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}")


def split_extension(name: str) -> tuple[str, str]:
    """Splits a file name into stem and extension; ``Mr. Robot`` and ``film.`` have none."""
    stem, extension = os.path.splitext(name)  # noqa: PTH122
    return (stem, extension) if _EXTENSION.fullmatch(extension) else (name, "")


def partial_name(final: str, attempt: str) -> str:
    """Names the partial output of an attempt: hidden, unique to the attempt, with the final extension.

    A stem that would make the name longer than a file system allows is cut at a character.
    """
    stem, extension = split_extension(final)
    tail = f".ptc-{attempt}{extension}"
    room = NAME_MAX_BYTES - 1 - len(os.fsencode(tail))
    return f".{_cut(stem, room)}{tail}"


def final_path(source: Path, extension: str | None, *, infix: str = "", suffix: str = "") -> Path:
    """Returns where the output for a source belongs: beside it, with the profile's extension.

    >>> final_path(Path("/films/a.mp4"), ".mkv")
    PosixPath('/films/a.mkv')
    """
    stem, own = split_extension(source.name)
    return source.with_name(f"{stem}{infix}{own if extension is None else extension}{suffix}")


def _cut(stem: str, room: int) -> str:
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem
