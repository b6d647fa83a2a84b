r"""Queue files: text, one path a line, ``#`` comments. Knows how to read and prune them, not what the paths are.

A name that a line cannot hold (a newline in it, a leading ``#``) is written as a JSON string in double quotes; what
`--json` prints can be pasted. A file with NUL bytes in it is separated by them, as ``find -print0`` writes it.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One path of a queue file, as it is written there and as it is meant."""

    line: bytes
    path: Path


def parse_entries(content: bytes) -> Iterator[QueueEntry]:
    """Read the paths of a queue file in their order; comments and blank lines are passed over."""
    for line in _lines(content):
        path = _parse_line(line)
        if path is not None:
            yield QueueEntry(line, path)


def without(content: bytes, is_done: Callable[[QueueEntry], bool]) -> bytes:
    """Return the content without the entries that are done; all else stays as it is, byte by byte."""
    kept = []
    for line in _lines(content):
        path = _parse_line(line)
        if path is None or not is_done(QueueEntry(line, path)):
            kept.append(line)
    return b"".join(kept)


def prune(queue_file: Path, is_done: Callable[[QueueEntry], bool]) -> None:
    """Rewrite a queue file without the entries that are done; a file that holds nothing then is removed.

    The rewrite is atomic. Lines that another program appends meanwhile are kept: the old file stays open, and what
    it has gained once the new one is in place is appended to that.
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
        _replace(target, after)
        appended = old.read()
        if appended:
            with target.open("ab") as new:
                new.write(appended)


def _replace(target: Path, content: bytes) -> None:
    aside = target.with_name(f".{target.name}.ptc-{secrets.token_hex(4)}")
    try:
        if not content.strip(b"\0 \t\r\n"):
            target.rename(aside)
            return
        with aside.open("xb") as new:
            with suppress(OSError):
                os.fchmod(new.fileno(), target.stat().st_mode & 0o7777)
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _lines(content: bytes) -> list[bytes]:
    """Split into lines that keep their separators."""
    separator = b"\0" if b"\0" in content else b"\n"
    lines = [line + separator for line in content.split(separator)]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]


def _parse_line(line: bytes) -> Path | None:
    if line.endswith(b"\0"):
        return Path(os.fsdecode(line[:-1])) if line != b"\0" else None
    text = os.fsdecode(line.rstrip(b"\r\n"))
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    if len(text) > 1 and text[0] == text[-1] == '"':
        with suppress(ValueError):
            name = json.loads(text)
            if b"\0" not in os.fsencode(name):  # no file has such a name; the text as it stands will be found missing
                return Path(name) if name else None
    return Path(text)
