r"""Queue files: text, one path a line, ``#`` comments. Knows how to read and prune them, not what the paths are.

A name that a line cannot hold (a newline in it, a leading ``#``) is written as a JSON string in double quotes; what
`--json` prints can be pasted. A file with NUL bytes in it is separated by them, as ``find -print0`` writes it.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.durable import sync_folder, write_through

Noting = Callable[[Path], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One path of a queue file, as it is written there and as it is meant."""

    line: bytes
    path: Path


def parse_entries(content: bytes) -> Iterator[QueueEntry]:
    """Reads the paths of a queue file in their order; comments and blank lines are passed over."""
    separator = _separator(content)
    for line in _lines(content, separator):
        path = _parse_line(line, separator)
        if path is not None:
            yield QueueEntry(line, path)


def without(content: bytes, is_done: Callable[[QueueEntry], bool]) -> bytes:
    """Returns the content without the entries that are done; all else stays as it is, byte by byte."""
    separator = _separator(content)
    kept = []
    for line in _lines(content, separator):
        path = _parse_line(line, separator)
        if path is None or not is_done(QueueEntry(line, path)):
            kept.append(line)
    after = b"".join(kept)
    if separator == b"\0" and after and separator not in after:
        return after + separator  # a last name that had no NUL behind it must not be read as lines of text
    return after


def prune(
    queue_file: Path,
    is_done: Callable[[QueueEntry], bool],
    noting: Noting = nullcontext,
    *,
    renames_open_files: bool = sys.platform != "win32",
) -> None:
    """Rewrites a queue file without the entries that are done; a file that holds nothing then is removed.

    The rewrite is atomic. Lines that another program appends meanwhile are kept: the old file stays open, and what
    it has gained once the new one is in place is appended to that. Not where an open file cannot be renamed. The
    context of `noting` is entered with the name of the file written aside for as long as it may be there.
    Raises OSError.
    """
    target = Path(os.path.realpath(queue_file))  # a symbolic link stays one
    try:
        old = target.open("rb")
    except FileNotFoundError:
        return
    with old:
        before = old.read()
        after = without(before, is_done)
        if after == before:
            return
        aside = target.with_name(f".{target.name}.ptc-{secrets.token_hex(4)}")
        if not renames_open_files:
            old.close()
        with noting(aside):
            _replace(target, aside, after)
        appended = old.read() if renames_open_files else b""
        if appended:
            with target.open("ab") as new:
                write_through(new, appended)
        sync_folder(target.parent)


def _replace(target: Path, aside: Path, content: bytes) -> None:
    try:
        if content.strip(b"\0 \t\r\n"):
            with aside.open("xb") as new:
                with suppress(OSError):
                    aside.chmod(target.stat().st_mode & 0o7777)
                write_through(new, content)
            aside.replace(target)
        else:
            target.rename(aside)
    finally:
        aside.unlink(missing_ok=True)


def _separator(content: bytes) -> bytes:
    return b"\0" if b"\0" in content else b"\n"


def _lines(content: bytes, separator: bytes) -> list[bytes]:
    """Splits into lines that keep their separators."""
    lines = [line + separator for line in content.split(separator)]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]


def _parse_line(line: bytes, separator: bytes) -> Path | None:
    if separator == b"\0":
        name = _decoded(line.removesuffix(separator))
        return Path(name) if name else None
    text = _decoded(line.rstrip(b"\r\n")).removeprefix("\ufeff")  # with which Windows' programs begin a text in UTF-8
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    name = unquoted(text) if len(text) > 1 and text[0] == text[-1] == '"' else text
    return Path(name) if name else None


def unquoted(text: str, platform: str = sys.platform) -> str:
    r"""Returns the name that a text in double quotes stands for; the text as it stands when it is no JSON string.

    Windows' Explorer copies a path in quotes, and that is not JSON even where it looks so: ``"C:\temp\new.mkv"``.
    """
    is_windows = platform == "win32"
    with suppress(ValueError):
        name = json.loads(text)
        # No file has such a name; the text as it stands will be found missing.
        if b"\0" not in os.fsencode(name) and not (is_windows and any(char < " " for char in name)):
            return str(name)
    return text[1:-1] if is_windows else text


def _decoded(name: bytes) -> str:
    # Not by os.fsdecode where names are text: it fails there when they are not UTF-8.
    return name.decode(errors="surrogateescape") if sys.platform == "win32" else os.fsdecode(name)
