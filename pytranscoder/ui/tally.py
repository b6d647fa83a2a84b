"""How a run stands, folded from its events: counts, bytes, running encodes, time left. Reads no clock."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from pytranscoder.jobs.events import (
    AttemptFailed,
    EncodeEnded,
    EncodeStarted,
    Event,
    JobFinished,
    JobQueued,
    JobReady,
    Outcome,
    Progress,
)

# Before that, the measured rate is mostly ffmpeg's start.
_RATE_SETTLES_AFTER_S = 3.0


@dataclass(frozen=True, slots=True)
class RunningEncode:
    """One attempt between its start and the end of its job. `is_encoding` is False while the output is checked."""

    job: int
    attempt: str
    media: Path
    work: float
    progress: Progress | None = None
    is_encoding: bool = True

    @property
    def work_done(self) -> float:
        """The part of the work that ffmpeg has done."""
        if not self.is_encoding:
            return self.work
        percent = self.progress.percent if self.progress else None
        return self.work * min(percent or 0.0, 100.0) / 100

    def eta_s(self, now: float) -> float | None:
        """Seconds to go: what ffmpeg's last progress promised, less the time since."""
        if self.progress is None or self.progress.eta_s is None or not self.is_encoding:
            return None
        return max(0.0, self.progress.eta_s - max(0.0, now - self.progress.time))


class Tally:
    """The state of a run. `finished` has the jobs that are over in the order in which they ended."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.finished: list[JobFinished] = []
        self.running: dict[int, RunningEncode] = {}
        self.source_bytes = 0
        self.output_bytes = 0
        self._unprobed: set[int] = set()
        self._work: dict[int, float] = {}
        self._ready_count = 0
        self._ready_work = 0.0
        self._spent_work = 0.0
        self._busy_s = 0.0
        self._last_time: float | None = None

    def handle(self, event: Event) -> None:
        """Takes an event into account."""
        self._pass_time(event.time)
        match event:
            case JobQueued():
                self._unprobed.add(event.job)
            case JobReady():
                self._get_ready(event)
            case EncodeStarted():
                work = self._work.get(event.job, 0.0)
                self.running[event.job] = RunningEncode(event.job, event.attempt, event.media, work)
            case Progress():
                self._progress(event)
            case EncodeEnded():
                self._end_encode(event)
            case AttemptFailed():
                self._leave_slot(event.job)
            case JobFinished():
                self._finish(event)
            case _:
                pass

    @property
    def known(self) -> int:
        """The number of files of this run, as far as they have been found."""
        return len(self.finished) + len(self._unprobed) + len(self._work)

    @property
    def work_left(self) -> float:
        """The work still to do; a file that is not probed yet counts with the mean of those that are."""
        mean = self._ready_work / self._ready_count if self._ready_count else 0.0
        known = sum(self._work.values()) - sum(encode.work_done for encode in self.running.values())
        return known + mean * len(self._unprobed)

    def eta_s(self, now: float) -> float | None:
        """Seconds until all is done: the work left at this run's rate on the slots in use, but no less than the
        longest running encode needs. None until there is something to go on.
        """
        encoding = [encode for encode in self.running.values() if encode.is_encoding]
        spent = self._spent_work + sum(encode.work_done for encode in encoding)
        if self._busy_s < _RATE_SETTLES_AFTER_S or spent <= 0:
            return None
        rate_of_one_slot = spent / self._busy_s
        at_this_rate = self.work_left / rate_of_one_slot / max(1, len(encoding))
        return max([at_this_rate, *(encode.eta_s(now) or 0.0 for encode in encoding)])

    def _pass_time(self, time: float) -> None:
        if self._last_time is not None:
            slots = sum(encode.is_encoding for encode in self.running.values())
            # A wall clock may be set back in mid-run.
            self._busy_s += slots * max(0.0, time - self._last_time)
        self._last_time = time

    def _get_ready(self, event: JobReady) -> None:
        self._unprobed.discard(event.job)
        self._work[event.job] = event.work
        self._ready_count += 1
        self._ready_work += event.work

    def _progress(self, event: Progress) -> None:
        encode = self.running.get(event.job)
        if encode is not None and encode.attempt == event.attempt:
            self.running[event.job] = replace(encode, progress=event)

    def _end_encode(self, event: EncodeEnded) -> None:
        encode = self.running.get(event.job)
        if encode is not None and encode.attempt == event.attempt:
            self.running[event.job] = replace(encode, is_encoding=False)
            self._spent_work += encode.work

    def _leave_slot(self, job: int) -> None:
        encode = self.running.pop(job, None)
        if encode is not None and encode.is_encoding:
            self._spent_work += encode.work_done

    def _finish(self, event: JobFinished) -> None:
        self._leave_slot(event.job)
        self._unprobed.discard(event.job)
        self._work.pop(event.job, None)
        self.counts[event.outcome] += 1
        self.finished.append(event)
        if event.outcome is Outcome.ENCODED and event.output_bytes is not None:
            self.source_bytes += event.source_bytes
            self.output_bytes += event.output_bytes
