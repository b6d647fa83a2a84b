"""The lines of the board, one for each thing: an encode, a transfer, a host in one line. Does not arrange them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.text import Text

from pytranscoder.errors import printable
from pytranscoder.jobs.events import Direction, Transfer
from pytranscoder.ui.format import clip, duration, left, rate, right, signed_percent, speed
from pytranscoder.ui.hosts import HostRecord
from pytranscoder.ui.summary import Show
from pytranscoder.ui.tally import RunningAttempt, Stage

NAME_CELLS_MIN = 8
# ffmpeg is asked for news every few seconds at least; a slow encoder, or a link that is down, makes it longer.
SILENT_FROM_S = 10.0

_BAR_FROM = 60

# From which width on a column is shown, and its cells: percent, speed, fps, compression, time left.
_COLUMNS = ((0, 5), (36, 5), (72, 8), (52, 6), (28, 8))

ARROWS = {Direction.UPLOAD: "↑", Direction.FETCH: "↓"}
_COLORS = {
    Stage.UPLOADING: "blue",
    Stage.STAGED: "blue",
    Stage.ENCODING: "green",
    Stage.FETCHING: "magenta",
    Stage.CHECKING: "green",
}


@dataclass(frozen=True, slots=True)
class _Facts:
    """What stands to the right of a bar; None leaves its column empty."""

    percent: float | None = None
    speed: float | None = None
    fps: float | None = None
    compression: float | None = None
    eta_s: float | None = None

    def columns(self, width: int) -> list[str]:
        """Those that this width has room for, each of a fixed number of cells."""
        texts = (
            f"{int(self.percent)} %" if self.percent is not None else "",
            speed(self.speed) if self.speed is not None else "",
            f"{self.fps:.0f} fps" if self.fps is not None else "",
            signed_percent(-self.compression) if self.compression is not None else "",
            duration(self.eta_s) if self.eta_s is not None else "",
        )
        return [
            right(text, cells) for text, (from_width, cells) in zip(texts, _COLUMNS, strict=True) if width >= from_width
        ]


def encode_line(attempt: RunningAttempt, now: float, width: int, show: Show = printable) -> Text:
    """A running encode: name, bar, percent, speed, fps, compression so far, time left; less on a narrow terminal.

    An encode of which nothing has been heard says so instead, as what was heard last may not be true any more.
    """
    if not attempt.is_encoding:
        return _line(show(attempt.media.name), 1.0, "green", ["checking"], width)
    progress = attempt.progress
    if progress is None:
        return _line(show(attempt.media.name), 0.0, "green", ["starting"], width)
    share, silent_s = _share(progress.percent), now - progress.time
    if silent_s >= SILENT_FROM_S:
        return _silent_line(show(attempt.media.name), share, f"silent {duration(silent_s)}", width)
    facts = _Facts(progress.percent, progress.speed, progress.fps, progress.compression, attempt.eta_s(now))
    return _line(show(attempt.media.name), share, "green", facts.columns(width), width)


def attempt_line(attempt: RunningAttempt, now: float, width: int, show: Show = printable) -> Text:
    """An attempt at whatever stage, in the columns of an encode, so that those of all hosts stand in line."""
    if attempt.is_encoding and attempt.progress is not None:
        return encode_line(attempt, now, width, show)
    transfer = attempt.transfer
    if attempt.is_moving and transfer is not None:
        arrow, percent, silent_s = ARROWS[transfer.direction], _percent(transfer), now - transfer.time
        if silent_s >= SILENT_FROM_S:  # its rate and its end are those of a link that may be down by now
            word = f"{arrow} silent {duration(silent_s)}"
            return _silent_line(show(attempt.media.name), _share(percent), word, width)
        columns = _transfer_columns(percent, arrow, transfer.bytes_per_s, attempt.eta_s(now), width)
    else:
        percent = 0.0 if attempt.is_encoding else 100.0
        columns = _word_columns("starting" if attempt.is_encoding else attempt.stage.value, width)
    return _line(show(attempt.media.name), _share(percent), _COLORS[attempt.stage], columns, width)


def folded_line(attempts: Sequence[RunningAttempt], now: float, width: int) -> Text:
    """All attempts of a host in one line: how many, mean percent, sums of speed and fps, the longest time left."""
    encodes = [attempt for attempt in attempts if attempt.is_encoding]
    if not encodes:
        return transfers_line(attempts, now, width)
    news = [attempt.progress for attempt in encodes if attempt.progress is not None]
    facts = _Facts(
        percent=fmean([*(progress.percent or 0.0 for progress in news), *[0.0] * (len(encodes) - len(news))]),
        speed=_sum([progress.speed for progress in news]),
        fps=_sum([progress.fps for progress in news]),
        eta_s=_longest(encodes, now),
    )
    return _line(stages_text(attempts), _share(facts.percent), _COLORS[Stage.ENCODING], facts.columns(width), width)


def transfers_line(attempts: Sequence[RunningAttempt], now: float, width: int) -> Text:
    """All transfers of a host in one line, with files that are staged: how many, mean percent, rate, time left."""
    news = [attempt.transfer for attempt in attempts if attempt.transfer is not None and attempt.is_moving]
    if not news:
        return _line(stages_text(attempts), 1.0, _COLORS[Stage.STAGED], _word_columns("", width), width)
    percent = fmean(_percent(transfer) for transfer in news)
    arrows = "".join(arrow for way, arrow in ARROWS.items() if any(transfer.direction is way for transfer in news))
    moving = [transfer for transfer in news if now - transfer.time < SILENT_FROM_S]
    bytes_per_s = _sum([transfer.bytes_per_s for transfer in moving])
    columns = _transfer_columns(percent, arrows, bytes_per_s, _longest(attempts, now) if moving else None, width)
    return _line(stages_text(attempts), _share(percent), _COLORS[Stage.UPLOADING], columns, width)


def stages_text(attempts: Sequence[RunningAttempt]) -> str:
    """How many attempts are at which stage, such as ``8 encoding, 1 staged, ↑ 2, ↓ 1``."""
    counts = Counter(attempt.stage for attempt in attempts)
    words = [f"{counts[stage]} {stage}" for stage in (Stage.ENCODING, Stage.STAGED, Stage.CHECKING) if counts[stage]]
    arrows = ((Direction.UPLOAD, Stage.UPLOADING), (Direction.FETCH, Stage.FETCHING))
    words += [f"{ARROWS[direction]} {counts[stage]}" for direction, stage in arrows if counts[stage]]
    return ", ".join(words)


def trouble_line(record: HostRecord, now: float, width: int, show: Show = printable) -> Text:
    """Why a host cannot take work, without the remedy where there is no room for it, and when it is tried again."""
    trouble = record.trouble
    if trouble is None:
        return Text()
    again = ""
    if trouble.retry_in_s is not None:
        left_s = trouble.time + trouble.retry_in_s - now
        again = f"again in {duration(left_s)}" if left_s > 0 else "trying again"
    room = width - len(again) - 2 if again else width
    reason = show(trouble.reason)
    if len(reason) > room:
        reason = reason.partition(";")[0]
    text = clip(reason, room) if room >= NAME_CELLS_MIN else clip(reason, width)
    line = Text(left(text, room) if again else text, style="yellow", no_wrap=True)
    if again:
        line.append(f"  {again}", style="dim")
    line.truncate(max(0, width))
    return line


def _transfer_columns(
    percent: float, arrows: str, bytes_per_s: float | None, eta_s: float | None, width: int
) -> list[str]:
    first, *others, last = _COLUMNS
    facts = _Facts(percent, eta_s=eta_s).columns(width)
    middle = _cells(others, width)
    if middle:
        text = arrows if bytes_per_s is None else f"{arrows} {rate(bytes_per_s)}"
        between = right(text if len(text) <= middle else arrows, middle)
        facts = [*facts[: width >= first[0]], between, *facts[len(facts) - (width >= last[0]) :]]
    return facts


def _word_columns(word: str, width: int) -> list[str]:
    return [right(word, _cells(_COLUMNS, width))]


def _cells(columns: Sequence[tuple[int, int]], width: int) -> int:
    """The cells of those columns that are shown, and of the blanks between them."""
    shown = [cells for from_width, cells in columns if width >= from_width]
    return sum(shown) + max(0, len(shown) - 1)


def _line(name: str, share: float, color: str, facts: Sequence[str], width: int) -> Text:
    facts_cells = sum(len(fact) + 1 for fact in facts)
    bar_cells = (width - facts_cells) // 3 if width >= _BAR_FROM else 0
    name_cells = max(NAME_CELLS_MIN, width - facts_cells - (bar_cells + 1 if bar_cells else 0))
    line = Text(left(name, name_cells), no_wrap=True)
    if bar_cells:
        full = int(share * bar_cells)
        line.append(" ").append("━" * full, color).append("╌" * (bar_cells - full), "dim")
    for fact in facts:
        line.append(f" {fact}")
    line.truncate(max(0, width))
    return line


def _silent_line(name: str, share: float, word: str, width: int) -> Text:
    return _line(name, share, "yellow", _word_columns(word, width), width)


def _share(percent: float | None) -> float:
    return min(max(percent or 0.0, 0.0), 100.0) / 100


def _percent(transfer: Transfer) -> float:
    return 100.0 * transfer.done_bytes / transfer.total_bytes if transfer.total_bytes else 100.0


def _longest(attempts: Sequence[RunningAttempt], now: float) -> float | None:
    return max((eta_s for attempt in attempts if (eta_s := attempt.eta_s(now)) is not None), default=None)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
