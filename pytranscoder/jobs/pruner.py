"""Takes paths off queue files as their jobs are settled. Knows which line each job came from, not what jobs do."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

from pytranscoder.jobs.queue_file import Noting, QueueEntry, prune
from pytranscoder.jobs.sources import Source, is_itself

# Thousands of files that a rule skips must not cost a rewrite each; one that was encoded is written at once.
INTERVAL_S = 1.0

_Key = tuple[Path, bytes]


class QueuePruner:
    """Removes a line when every job that it stands for is settled; a failed or cancelled one keeps it.

    `clock` returns seconds; `noting` is that of `prune`.
    """

    def __init__(self, clock: Callable[[], float], noting: Noting = nullcontext) -> None:
        self._clock = clock
        self._noting = noting
        self._last = clock()
        self._complete = False
        self._lines_of: dict[int, list[_Key]] = {}
        self._ended: dict[int, bool] = {}
        self._open: dict[_Key, set[int]] = {}
        self._folders: set[_Key] = set()
        self._kept: set[_Key] = set()
        self._done: dict[Path, set[bytes]] = {}

    def expect(self, job: int, source: Source) -> None:
        """Notes that a job stands, alone or with others, for a line of a queue file."""
        if source.queue_file is None or source.entry is None:
            return
        key = (source.queue_file, _bare(source.entry.line))
        self._lines_of.setdefault(job, []).append(key)
        self._open.setdefault(key, set()).add(job)
        if not is_itself(source.path, source.entry.path):
            self._folders.add(key)
        if job in self._ended:
            self.settle(job, settled=self._ended[job], at_once=False)

    def complete(self) -> None:
        """Notes that every line is known, so that a folder has no more files to come."""
        self._complete = True
        for key in self._folders:
            self._close(key)

    def settle(self, job: int, *, settled: bool, at_once: bool) -> None:
        """Notes the end of a job; `settled` lets its line go, also one that is still to come."""
        self._ended[job] = settled
        for key in self._lines_of.pop(job, ()):
            self._open[key].discard(job)
            if not settled:
                self._kept.add(key)
            if self._complete or key not in self._folders:
                self._close(key)
        if self._done and (at_once or self._clock() - self._last >= INTERVAL_S):
            self.flush()

    def flush(self) -> None:
        """Rewrites the files from which lines may go."""
        self._last = self._clock()
        for queue_file, lines in self._done.items():
            with suppress(OSError):  # a list that cannot be written, such as a pipe, is only read
                prune(queue_file, partial(_is_in, lines), self._noting)
        self._done.clear()

    def _close(self, key: _Key) -> None:
        if not self._open[key] and key not in self._kept:
            self._done.setdefault(key[0], set()).add(key[1])


def _is_in(lines: set[bytes], entry: QueueEntry) -> bool:
    return _bare(entry.line) in lines


def _bare(line: bytes) -> bytes:
    return line[:-1] if line.endswith(b"\0") else line.rstrip(b"\r\n")
