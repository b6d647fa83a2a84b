"""Plain lines for logs and pipes: each encode's and transfer's start, how far it is, each end. Moves no cursor."""

from types import TracebackType
from typing import Self

from pytranscoder.errors import printable
from pytranscoder.jobs.events import (
    Direction,
    EncodeStarted,
    Event,
    JobFinished,
    Notice,
    Outcome,
    Progress,
    RunFinished,
    Transfer,
)
from pytranscoder.ui.format import full_duration, rate, shrinkage, size, speed
from pytranscoder.ui.narrator import Narrator, verdict
from pytranscoder.ui.output import Output
from pytranscoder.ui.summary import summary_lines
from pytranscoder.ui.tally import Tally

_SUMMARY_WIDTH = 80
_TRANSFER_EVERY_S = 60.0


class Plain:
    """Writes each line at once, so that a log can be followed."""

    def __init__(self, output: Output, *, verbose: bool = False) -> None:
        self._output = output
        self._narrator = Narrator(verbose=verbose, encoding=output.encoding)
        self._tally = Tally()
        self._tenths: dict[int, int] = {}
        self._transfers: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.flush()

    def handle(self, event: Event) -> None:
        """Writes what is to be said about the event."""
        self._tally.handle(event)
        if isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, RunFinished):
            self._summarize(event)
        else:
            self._tell(event)
        if isinstance(event, Transfer):
            self._transfer(event)

    def _tell(self, event: Event) -> None:
        if isinstance(event, EncodeStarted | JobFinished):
            self._tenths.pop(event.job, None)
        for told in self._narrator.tell(event):
            if isinstance(told, Notice):
                self._output.paragraph(told.text)
            else:
                self._say(told.cluster, told.host, told_text(told))

    def _progress(self, event: Progress) -> None:
        encode = self._tally.running.get(event.job)
        if encode is None or event.percent is None:
            return
        tenth = int(event.percent // 10)
        if self._tenths.get(event.job, 0) < tenth < 10:
            self._tenths[event.job] = tenth
            self._say(*encode.host, progress_line(encode.media.name, event))

    def _transfer(self, event: Transfer) -> None:
        said = self._transfers.get(event.job)
        if event.done_bytes >= event.total_bytes:
            self._transfers.pop(event.job, None)
        elif event.done_bytes == 0 or said is None or event.time - said >= _TRANSFER_EVERY_S:
            self._transfers[event.job] = event.time
            self._say(event.cluster, event.host, transfer_line(event))

    def _say(self, cluster: str | None, host: str | None, text: str) -> None:
        label = self._tally.hosts.label(cluster, host)
        self._output.paragraph(f"{label}: {text}" if label else text)

    def _summarize(self, event: RunFinished) -> None:
        self._output.line()
        tally = self._tally
        for line in summary_lines(event, tally.finished, _SUMMARY_WIDTH, self._output.show, tally.hosts):
            self._output.line(line)


def told_text(told: EncodeStarted | JobFinished) -> str:
    """What to say, in one line."""
    if isinstance(told, JobFinished):
        return f"{printable(told.media.name)}: {_ending(told)}"
    length = "" if told.duration_s is None else f", {full_duration(told.duration_s)}"
    return f"encoding {printable(told.media.name)} with {told.profile} ({size(told.source_bytes)}{length})"


def _ending(event: JobFinished) -> str:
    if event.outcome is Outcome.ENCODED and event.output_bytes is not None:
        sizes = shrinkage(event.source_bytes, event.output_bytes)
        return f"encoded {sizes} in {full_duration(event.seconds)}"
    return verdict(event)


def progress_line(name: str, event: Progress) -> str:
    """How far an encode is, such as ``Film.mp4 30 % 3.1x 62 % smaller, 0:12:10 left``."""
    parts = [printable(name), f"{int(event.percent or 0)} %"]
    if event.speed is not None:
        parts.append(speed(event.speed))
    if event.compression is not None:
        direction = "smaller" if event.compression >= 0 else "larger"
        parts.append(f"{abs(round(event.compression))} % {direction}")
    left = "" if event.eta_s is None else f", {full_duration(event.eta_s)} left"
    return " ".join(parts) + left


def transfer_line(event: Transfer) -> str:
    """How far a file is copied, such as ``uploading Film.mp4 (1.2 GB) 45 %, 11.2 MB/s, 0:01:05 left``."""
    doing = "uploading" if event.direction is Direction.UPLOAD else "fetching"
    text = f"{doing} {printable(event.media.name)} ({size(event.total_bytes)})"
    if event.done_bytes and event.total_bytes:
        text += f" {100 * event.done_bytes // event.total_bytes} %"
    facts = [] if event.bytes_per_s is None else [rate(event.bytes_per_s)]
    facts += [] if event.eta_s is None else [f"{full_duration(event.eta_s)} left"]
    return ", ".join([text, *facts])
