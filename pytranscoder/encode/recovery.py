"""Deals with what dead runs left: finishes or undoes their replacements, removes their partial files."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from pytranscoder.encode.replace import recover
from pytranscoder.errors import printable
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.queue_file import QueueEntry, prune


def recover_dead_runs(journal: Journal, now: float) -> Iterator[str]:
    """Deal with every dead run and yield a sentence for each thing that was done.

    Files on a share that is not there are left for a later start.
    """
    with journal.dead_runs() as runs:
        for run in runs:
            yield from _recover_run(journal, run, now)


def _recover_run(journal: Journal, run: str, now: float) -> Iterator[str]:
    unreachable = False
    for intent, durable in journal.replacements(run):
        try:
            in_place = recover(intent, journal, durable=durable)
        except OSError as exc:
            unreachable = True
            yield f"{printable(intent.final)} cannot be reached to finish what run {run} began: {exc.strerror}"
            continue
        if in_place:
            yield f"{printable(intent.final)}: replacement finished after a crash"
            if intent.queue_file is not None:
                with suppress(OSError):
                    prune(intent.queue_file, partial(_names, intent.source))
            journal.end_replacement(intent.attempt)
    for path in journal.partials(run):
        if not path.parent.exists():
            unreachable = True
        elif path.exists():
            with suppress(OSError):
                path.unlink()
                yield f"{printable(path)}: removed, left by a crash"
    if not unreachable:
        journal.bury(run, now)


def _names(source: Path, entry: QueueEntry) -> bool:
    return os.path.abspath(entry.path) == str(source)  # noqa: PTH100  # as the sources are made
