"""How a run stands, folded from its events: counts, bytes, attempts under way, time left. Reads no clock."""

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from pytranscoder.jobs.events import (
    AttemptFailed,
    Direction,
    EncodeEnded,
    EncodeStarted,
    Event,
    JobFinished,
    JobQueued,
    JobReady,
    MediaStaged,
    Outcome,
    Progress,
    Transfer,
)
from pytranscoder.ui.hosts import HostKey, Hosts
from pytranscoder.ui.pace import Pace


class Stage(StrEnum):
    """Where an attempt is on its way."""

    UPLOADING = "uploading"
    STAGED = "staged"
    ENCODING = "encoding"
    FETCHING = "fetching"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class RunningAttempt:
    """One attempt between its first news and the end of its job. `since` is when its stage began.

    `seat` numbers the encodes of a host that run side by side, from 0: it stays, whatever the others do.
    """

    job: int
    attempt: str
    media: Path
    host: HostKey
    work: float
    stage: Stage
    since: float
    seat: int = 0
    progress: Progress | None = None
    transfer: Transfer | None = None

    @property
    def is_encoding(self) -> bool:
        """Whether ffmpeg runs for it."""
        return self.stage is Stage.ENCODING

    @property
    def is_moving(self) -> bool:
        """Whether its media is being copied."""
        return self.stage in (Stage.UPLOADING, Stage.FETCHING)

    @property
    def work_done(self) -> float:
        """The part of the work that ffmpeg has done."""
        if self.stage in (Stage.UPLOADING, Stage.STAGED):
            return 0.0
        if self.stage is not Stage.ENCODING:
            return self.work
        percent = self.progress.percent if self.progress else None
        return self.work * min(percent or 0.0, 100.0) / 100

    def eta_s(self, now: float) -> float | None:
        """Seconds to the end of its stage: what the last news promised, less the time since."""
        match self.stage:
            case Stage.ENCODING:
                news: Progress | Transfer | None = self.progress
            case Stage.UPLOADING | Stage.FETCHING:
                news = self.transfer
            case _:
                news = None
        if news is None or news.eta_s is None:
            return None
        return max(0.0, news.eta_s - max(0.0, now - news.time))


class Tally:
    """The state of a run. `finished` has the jobs that are over in the order in which they ended."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.finished: list[JobFinished] = []
        self.running: dict[int, RunningAttempt] = {}
        self.hosts = Hosts()
        self.source_bytes = 0
        self.output_bytes = 0
        self._pace = Pace()

    def handle(self, event: Event) -> None:
        """Takes an event into account."""
        self._pace.pass_time(event.time)
        self.hosts.handle(event)
        match event:
            case JobQueued():
                self._pace.queue(event.job, event.cluster)
            case JobReady():
                self._pace.ready(event.job, event.cluster, event.work)
            case Transfer() | MediaStaged() | EncodeStarted() | Progress() | EncodeEnded():
                self._advance(event)
            case AttemptFailed():
                self._leave(event.job)
            case JobFinished():
                self._finish(event)
            case _:
                pass

    @property
    def known(self) -> int:
        """The number of files of this run, as far as they have been found."""
        return len(self.finished) + self._pace.jobs_left

    @property
    def work_left(self) -> float:
        """The work still to do; a file that is not probed yet counts with the mean of those that are."""
        return self._pace.work_left(self._work_done())

    def eta_s(self, now: float) -> float | None:
        """Seconds until all is done: the work left at the rates of the hosts at work, but no less than the longest
        running encode needs. None until there is something to go on.
        """
        encoding = [attempt for attempt in self.running.values() if attempt.is_encoding]
        under_way: dict[HostKey, float] = {}
        for attempt in encoding:
            under_way[attempt.host] = under_way.get(attempt.host, 0.0) + attempt.work_done
        down = [record.key for record in self.hosts.all() if record.trouble is not None]
        at_these_rates = self._pace.eta_s(self._work_done(), under_way, down)
        if at_these_rates is None:
            return None
        return max([at_these_rates, *(attempt.eta_s(now) or 0.0 for attempt in encoding)])

    def _work_done(self) -> dict[int, float]:
        return {job: attempt.work_done for job, attempt in self.running.items()}

    def _advance(self, event: Transfer | MediaStaged | EncodeStarted | Progress | EncodeEnded) -> None:
        """Takes in news of an attempt; late news of one that is over is left out."""
        if isinstance(event, EncodeStarted):
            self._start_encode(event)
            return
        attempt = self.running.get(event.job)
        if attempt is None and isinstance(event, Transfer):
            self._start_upload(event)
        if attempt is None or attempt.attempt != event.attempt:
            return
        match event:
            case Transfer():
                changed = _transferred(attempt, event)
            case MediaStaged():
                changed = replace(attempt, stage=Stage.STAGED, since=event.time)
            case Progress():
                changed = replace(attempt, progress=event)
            case EncodeEnded():
                self._pace.end(attempt.host, attempt.attempt, attempt.work)
                changed = replace(attempt, stage=Stage.CHECKING, since=event.time)
        self.running[event.job] = changed

    def _start_upload(self, event: Transfer) -> None:
        # Only the first news begins an attempt: later ones may come when it is over.
        if event.direction is Direction.UPLOAD and event.done_bytes == 0:
            self.running[event.job] = self._begin(event, Stage.UPLOADING)

    def _start_encode(self, event: EncodeStarted) -> None:
        earlier = self.running.get(event.job)
        if earlier is not None and earlier.attempt != event.attempt:
            self._leave(event.job)
        others = [other for other in self.running.values() if other.is_encoding and other.job != event.job]
        taken = {other.seat for other in others if other.host == (event.cluster, event.host)}
        seat = next(number for number in range(len(taken) + 1) if number not in taken)
        self.running[event.job] = replace(self._begin(event, Stage.ENCODING), seat=seat)

    def _begin(self, event: Transfer | EncodeStarted, stage: Stage) -> RunningAttempt:
        host = (event.cluster, event.host)
        self._pace.begin(host, event.attempt, encodes=stage is Stage.ENCODING)
        work = self._pace.work_of(event.job)
        transfer = event if isinstance(event, Transfer) else None
        return RunningAttempt(event.job, event.attempt, event.media, host, work, stage, event.time, transfer=transfer)

    def _leave(self, job: int) -> None:
        attempt = self.running.pop(job, None)
        if attempt is not None:
            self._pace.end(attempt.host, attempt.attempt, attempt.work_done)

    def _finish(self, event: JobFinished) -> None:
        self._leave(event.job)
        self._pace.finish(event.job)
        self.counts[event.outcome] += 1
        self.finished.append(event)
        if event.outcome is Outcome.ENCODED and event.output_bytes is not None:
            self.source_bytes += event.source_bytes
            self.output_bytes += event.output_bytes


def _transferred(attempt: RunningAttempt, event: Transfer) -> RunningAttempt:
    if event.direction is Direction.UPLOAD:
        stage = Stage.UPLOADING
    else:
        stage = Stage.CHECKING if event.done_bytes >= event.total_bytes else Stage.FETCHING
    since = attempt.since if stage is attempt.stage else event.time
    return replace(attempt, stage=stage, since=since, transfer=event)
