"""Deals with what dead runs left: finishes or undoes their replacements, removes their partial files."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from pytranscoder.encode.replace import Checkpoint, looks_unmounted, pass_by, recover
from pytranscoder.errors import printable
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.queue_file import QueueEntry, prune
from pytranscoder.jobs.sources import is_itself


def recover_dead_runs(journal: Journal, now: float, *, at: Checkpoint = pass_by) -> Iterator[str]:
    """Deals with every dead run and yields a sentence for each thing that was done.

    Files on a share that is not there are left for a later start.
    """
    with journal.dead_runs() as runs:
        for run in runs:
            yield from _recover_run(journal, run, now, at)


def _recover_run(journal: Journal, run: str, now: float, at: Checkpoint) -> Iterator[str]:
    unreachable = False
    for intent, durable in journal.replacements(run):
        try:
            notes = recover(intent, journal, durable=durable, at=at)
        except OSError as exc:
            unreachable = True
            yield f"{printable(intent.final)} cannot be reached to finish what run {run} began: {exc.strerror}"
            continue
        if notes is None:
            yield f"{printable(intent.final)}: replacement undone after a crash"
            continue
        yield f"{printable(intent.final)}: replacement finished after a crash"
        yield from notes
        if intent.queue_file is not None:
            with suppress(OSError):
                prune(intent.queue_file, partial(_names, intent.source), lambda aside: journal.noting(aside, run))
        journal.end_replacement(intent.attempt)
    folders = {source.parent for source in journal.claims(run)}
    for path in journal.partials(run):
        try:
            if _removes(path, folders):
                yield f"{printable(path)}: removed, left by a crash"
        except OSError:
            unreachable = True
    if not unreachable:
        journal.bury(run, now)


def _removes(path: Path, folders: Collection[Path]) -> bool:
    """Removes a partial file; whether there was one. `folders` had the sources of the run.

    Raises OSError when it cannot be removed, or perhaps is there only when its share is.
    """
    path.parent.stat()
    try:
        path.unlink()
    except FileNotFoundError:
        if Path(os.path.realpath(path.parent)) in folders and looks_unmounted(path.parent):
            raise
        return False
    return True


def _names(source: Path, entry: QueueEntry) -> bool:
    return is_itself(source, entry.path)
