"""How far the copying of a file is, as events at a pace for eyes. Copies nothing."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from pytranscoder.jobs.events import Event, Transfer

PACE_S = 1.0
# The rate is that of the last few seconds.
SEEN = 6


class Meter:
    """Tells of one copy. `begun` is its first event; `clock` returns Unix seconds."""

    def __init__(self, begun: Transfer, emit: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._begun = begun
        self._emit = emit
        self._clock = clock
        self._seen = deque([(begun.time, begun.done_bytes)], maxlen=SEEN)
        emit(begun)

    def report(self, done_bytes: int) -> None:
        """Takes the bytes done, as often as they come; those of the whole file are for `finish`."""
        now = self._clock()
        if done_bytes < self._begun.total_bytes and not 0 <= now - self._seen[-1][0] < PACE_S:
            self._tell(now, done_bytes)

    def finish(self) -> None:
        """Tells that all is copied."""
        self._tell(self._clock(), self._begun.total_bytes)

    def _tell(self, now: float, done_bytes: int) -> None:
        begun_s, begun_bytes = self._seen[0]
        self._seen.append((now, done_bytes))
        rate = (done_bytes - begun_bytes) / (now - begun_s) if now > begun_s and done_bytes > begun_bytes else None
        left_bytes = self._begun.total_bytes - done_bytes
        self._emit(
            replace(
                self._begun,
                time=now,
                done_bytes=done_bytes,
                bytes_per_s=rate,
                eta_s=left_bytes / rate if rate else None,
            )
        )
