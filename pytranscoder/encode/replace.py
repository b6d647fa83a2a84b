"""Puts a verified output in place of its source so that a crash at any instant loses neither.

Knows files and the journal, not encodes. The steps are those of `Step`, in this order; each may be repeated.
What a crash interrupted is finished or undone by `recover`, which looks at the files and trusts only them.
"""

import errno
import os
import stat
import sys
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from pytranscoder.durable import flush, sync_folder
from pytranscoder.errors import ReplaceError, SourceChangedError, printable
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.media.model import Identity

COPY_CHUNK_BYTES = 8 << 20


class Step(StrEnum):
    """The points between which a replacement can be interrupted."""

    BEGIN = "begin"
    INTENT_RECORDED = "intent recorded"
    COPIED = "copied"
    DURABLE = "durable"
    LINKED = "linked"
    RENAMED = "renamed"
    SOURCE_REMOVED = "source removed"
    END_RECORDED = "end recorded"


Checkpoint = Callable[[Step], None]


def pass_by(step: Step) -> None:
    """Does nothing at a checkpoint; tests stop here instead."""


def identify(path: Path) -> Identity:
    """Returns what tells whether a file is still the same; raises OSError."""
    status = path.stat()
    return Identity(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)


def require_unchanged(path: Path, identity: Identity) -> None:
    """Raises SourceChangedError unless the source is the file that was probed."""
    try:
        now = identify(path)
    except OSError as exc:
        raise SourceChangedError(path, _why_missing(path)) from exc
    if not _is_same(now, identity):
        raise SourceChangedError(path, "was changed while it was encoded; left as it is")


def _is_same(now: Identity, then: Identity) -> bool:
    # Not the device: that of a network share may be another one after a restart.
    return (now.size_bytes, now.mtime_ns, now.inode) == (then.size_bytes, then.mtime_ns, then.inode)


def _why_missing(path: Path) -> str:
    folder = path.parent
    return f"is gone and {printable(folder)} is empty: is its share mounted?" if looks_unmounted(folder) else "is gone"


def looks_unmounted(folder: Path) -> bool:
    """Whether a folder that held a film is empty or gone, as it is when a share is not mounted."""
    try:
        return not any(folder.iterdir())
    except OSError:
        return True


def is_source(final: Path, source: Path) -> bool:
    """Whether a final name is the source itself, also as ``Film.mp4`` for ``Film.MP4`` where case does not count."""
    if final == source:
        return True
    if final.parent != source.parent or _folded(final.name) != _folded(source.name):
        return False
    try:
        names = {path.name for path in final.parent.iterdir()}
        return final.samefile(source) and not (final.name in names and source.name in names)
    except OSError:
        return False


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def require_free(final: Path, source: Path) -> None:
    """Raises ReplaceError when a final name is taken by anything but the source."""
    if os.path.lexists(final) and not is_source(final, source):
        raise _taken(final)


def _taken(final: Path) -> ReplaceError:
    return ReplaceError(f"{printable(final)} exists already; move it away or remove it")


def replace(
    intent: Replacement, journal: Journal, *, at: Checkpoint = pass_by, stopped: Callable[[], bool] = bool
) -> tuple[str, ...]:
    """Carries out a replacement and returns what the user should know about it.

    `stopped` is asked until the new file is durable; when it says so the replacement is undone.
    Raises ReplaceError or SourceChangedError; the source is untouched then.
    """
    at(Step.BEGIN)
    require_unchanged(intent.source, intent.identity)
    require_free(intent.final, intent.source)
    notes = _sharing(intent.source)
    journal.begin_replacement(intent)
    at(Step.INTENT_RECORDED)
    try:
        _make_durable(intent, at, stopped)
        journal.mark_durable(intent.attempt)
        at(Step.DURABLE)
        require_unchanged(intent.source, intent.identity)
        _rename(intent, at)
    except BaseException as exc:
        with suppress(OSError):  # a partial file that cannot be removed now is noted, and removed at a later start
            intent.partial.unlink()
        journal.end_replacement(intent.attempt)
        if isinstance(exc, OSError):
            raise explain(exc, intent.final) from exc
        raise
    at(Step.RENAMED)
    return notes + _finish(intent, journal, at)


def recover(
    intent: Replacement, journal: Journal, *, durable: bool, at: Checkpoint = pass_by
) -> tuple[str, ...] | None:
    """Finishes or undoes what a crash interrupted.

    Returns what the user should know when the output is in place now, None when it was undone: a partial file that
    was durable is put in place if nothing has changed around it, otherwise it is removed.
    Raises OSError when the files cannot be reached: then nothing was decided.
    """
    _require_reachable(intent.final.parent)
    in_place = durable and (_is_in_place(intent) or _renames_unless_changed(intent, at))
    intent.partial.unlink(missing_ok=True)
    if not in_place:
        journal.end_replacement(intent.attempt)
        return None
    return _finish(intent, journal, at)


def _sharing(source: Path) -> tuple[str, ...]:
    if source.is_symlink():
        return (f"{printable(source)} was a symbolic link; what it points to stays, no space was saved there",)
    if source.stat().st_nlink > 1:
        return (f"other hard links to {printable(source)} keep the old data; no space was saved there",)
    return ()


def _require_reachable(folder: Path) -> None:
    folder.stat()
    if looks_unmounted(folder):
        raise FileNotFoundError(errno.ENOENT, "its folder is empty: is its share mounted?", folder)


def _is_in_place(intent: Replacement) -> bool:
    """Whether the file under the final name is the new one."""
    try:
        now = identify(intent.final)
        if os.path.lexists(intent.partial):  # then only a link can have been made of it
            return intent.final.samefile(intent.partial)
    except FileNotFoundError:
        return False
    return now.size_bytes == intent.output_bytes and not _is_same(now, intent.identity)


def _renames_unless_changed(intent: Replacement, at: Checkpoint) -> bool:
    """Puts the durable partial file in place; whether that was still right to do."""
    try:
        if intent.partial.stat().st_size != intent.output_bytes:
            return False
        # A source that is gone by now leaves the new file as the only one: it must not go as well.
        if os.path.lexists(intent.source):
            require_unchanged(intent.source, intent.identity)
        require_free(intent.final, intent.source)
        _rename(intent, at)
    except (FileNotFoundError, SourceChangedError, ReplaceError):
        return False
    return True


def _make_durable(intent: Replacement, at: Checkpoint, stopped: Callable[[], bool]) -> None:
    if intent.partial != intent.output:
        _copy(intent.output, intent.partial, stopped)
    at(Step.COPIED)
    if intent.partial.stat().st_size != intent.output_bytes:
        raise ReplaceError(f"{printable(intent.partial)} is not as large as the verified output")
    # Opened before it gets the mode of the source, which may not let us.
    with _opened(intent.partial) as new:
        _carry_over(intent.source, intent.partial)
        flush(new.fileno())
    sync_folder(intent.partial.parent)


def _opened(partial: Path) -> BinaryIO:
    try:
        return partial.open("r+b")  # for writing, as Windows wants it for a flush
    except PermissionError:  # a mounted host wrote it as another user
        return partial.open("rb")


def _copy(output: Path, partial: Path, stopped: Callable[[], bool]) -> None:
    with output.open("rb") as source, partial.open("wb") as target:
        while chunk := source.read(COPY_CHUNK_BYTES):
            if stopped():
                raise ReplaceError("interrupted")
            target.write(chunk)


def _carry_over(source: Path, target: Path) -> None:
    """Gives the new file the owner, mode and mtime of the old one, as far as the file system permits."""
    old = source.stat()
    if sys.platform != "win32":  # there a new file has the owner and the rights of its folder
        with suppress(OSError):
            os.chown(target, old.st_uid, old.st_gid)
    with suppress(OSError):
        target.chmod(stat.S_IMODE(old.st_mode))
    with suppress(OSError):
        os.utime(target, ns=(old.st_atime_ns, old.st_mtime_ns))


def _rename(intent: Replacement, at: Checkpoint) -> None:
    if is_source(intent.final, intent.source):
        intent.partial.replace(intent.final)
    else:
        _rename_to_new(intent.partial, intent.final, at)
    sync_folder(intent.final.parent)


def _rename_to_new(partial: Path, final: Path, at: Checkpoint) -> None:
    # A rename would overwrite what somebody put there since we looked; making a link refuses to.
    try:
        os.link(partial, final)
    except FileExistsError as exc:
        raise _taken(final) from exc
    except OSError:  # no hard links on this file system (FAT, some network shares)
        if os.path.lexists(final):
            raise _taken(final) from None
        partial.rename(final)
        return
    at(Step.LINKED)
    with suppress(OSError):  # it is noted: a later start removes it
        partial.unlink()


def _finish(intent: Replacement, journal: Journal, at: Checkpoint) -> tuple[str, ...]:
    notes = _finish_files(intent)
    at(Step.SOURCE_REMOVED)
    journal.finish_replacement(intent, time.time())
    at(Step.END_RECORDED)
    return notes


def _finish_files(intent: Replacement) -> tuple[str, ...]:
    notes: list[str] = []
    if intent.remove_source and not is_source(intent.final, intent.source):
        notes += _remove_source(intent)
    if intent.output != intent.partial:
        with suppress(OSError):  # it is noted: a later start removes it
            intent.output.unlink()
    return tuple(notes)


def _remove_source(intent: Replacement) -> list[str]:
    try:
        if not _is_same(identify(intent.source), intent.identity):
            return [f"{printable(intent.source)} was changed meanwhile and stays"]
        intent.source.unlink()
        sync_folder(intent.source.parent)
    except FileNotFoundError:
        return []
    except OSError as exc:
        return [f"{printable(intent.source)} could not be removed: {exc.strerror}"]
    return []


def explain(exc: OSError, final: Path) -> ReplaceError:
    """Turns a failure to write into the error that says what to do about it."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return ReplaceError(f"this machine has no space left for {printable(final)}")
    return ReplaceError(f"cannot write {printable(final)}: {exc.strerror}")
