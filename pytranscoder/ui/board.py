"""The live board: a line for each running encode, totals below, finished jobs scrolling above.

What it looks like is a pure function of tally, time and size; `Board` only draws that, twice a second.
"""

import time
from collections.abc import Sequence
from itertools import chain
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import Self, TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pytranscoder.errors import printable
from pytranscoder.jobs.events import Event, JobFinished, Notice, Outcome, RunFinished
from pytranscoder.ui.format import duration, left, right, shorten, shrinkage, signed_percent, speed
from pytranscoder.ui.narrator import Narrator, Told, verdict
from pytranscoder.ui.output import Output
from pytranscoder.ui.summary import Show, summary_lines
from pytranscoder.ui.tally import RunningEncode, Tally

_DRAW_EVERY_S = 0.5

_WIDE_FROM = 60
_NAME_CELLS_MIN = 8

_MARKS = {
    Outcome.ENCODED: ("✓", "green"),
    Outcome.SKIPPED: ("-", "dim"),
    Outcome.REJECTED: ("=", "yellow"),
    Outcome.FAILED: ("✗", "bold red"),
    Outcome.CANCELLED: ("x", "yellow"),
}


def board_lines(tally: Tally, now: float, width: int, height: int, show: Show = printable) -> list[Text]:
    """The board in at most `height` lines of at most `width` cells; encodes that have no room are counted."""
    totals = [Text(line, style="bold", no_wrap=True) for line in totals_lines(tally, now, width)]
    encodes = sorted(tally.running.values(), key=lambda encode: encode.job)
    room = max(0, height - len(totals))
    if len(encodes) > room:
        shown = encodes[: max(0, room - 1)]
        folded = [Text(f"+ {len(encodes) - len(shown)} more"[:width])]
    else:
        shown, folded = encodes, []
    lines = [encode_line(encode, now, width, show) for encode in shown]
    return [*lines, *folded, *totals][-max(1, height) :]


def encode_line(encode: RunningEncode, now: float, width: int, show: Show = printable) -> Text:
    """A running encode: name, bar, percent, speed, fps, compression so far, time left; less on a narrow terminal."""
    facts = _facts(encode, now, width)
    facts_cells = sum(len(fact) + 1 for fact in facts)
    bar_cells = (width - facts_cells) // 3 if width >= _WIDE_FROM else 0
    name_cells = max(_NAME_CELLS_MIN, width - facts_cells - (bar_cells + 1 if bar_cells else 0))
    line = Text(left(show(encode.media.name), name_cells), no_wrap=True)
    if bar_cells:
        line.append(" ").append_text(_bar(encode, bar_cells))
    for fact in facts:
        line.append(f" {fact}")
    line.truncate(width)
    return line


def _facts(encode: RunningEncode, now: float, width: int) -> list[str]:
    """The columns to the right of the bar that this width has room for, each of a fixed number of cells."""
    if not encode.is_encoding:
        return ["checking"]
    progress = encode.progress
    if progress is None:
        return ["starting"]
    eta_s = encode.eta_s(now)
    columns = (
        (0, 5, f"{int(progress.percent)} %" if progress.percent is not None else ""),
        (36, 5, speed(progress.speed) if progress.speed is not None else ""),
        (72, 8, f"{progress.fps:.0f} fps" if progress.fps is not None else ""),
        (52, 6, signed_percent(-progress.compression) if progress.compression is not None else ""),
        (28, 8, duration(eta_s) if eta_s is not None else ""),
    )
    return [right(text, cells) for from_width, cells, text in columns if width >= from_width]


def _bar(encode: RunningEncode, cells: int) -> Text:
    percent = encode.progress.percent if encode.progress else None
    share = 1.0 if not encode.is_encoding else min(max(percent or 0.0, 0.0), 100.0) / 100
    full = int(share * cells)
    return Text.assemble(("━" * full, "green"), ("╌" * (cells - full), "dim"))


def totals_lines(tally: Tally, now: float, width: int) -> list[str]:
    """Below the encodes: jobs, bytes of encoded files, time left; in as many lines as the width asks for."""
    pieces = [f"{len(tally.finished)} of {tally.known} done", f", {len(tally.running)} running"]
    pieces += [
        f", {tally.counts[outcome]} {outcome.value}"
        for outcome in (Outcome.FAILED, Outcome.REJECTED, Outcome.SKIPPED, Outcome.CANCELLED)
        if tally.counts[outcome]
    ]
    if tally.source_bytes:
        pieces.append(f" · {shrinkage(tally.source_bytes, tally.output_bytes)}")
    eta_s = tally.eta_s(now)
    if eta_s is not None:
        pieces.append(f" · {duration(eta_s)} left")
    return _wrapped(pieces, width)


def _wrapped(pieces: Sequence[str], width: int) -> list[str]:
    """The pieces in lines; each begins with its separator, which is left out where a line begins."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) <= width:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip(" ,·"))
    return [shorten(line, width) for line in lines]


def told_lines(told: Told, width: int, show: Show = printable) -> list[Text]:
    """What scrolls by above the board; that an encode began is seen on the board itself."""
    match told:
        case JobFinished():
            return [finished_line(told, width, show)]
        case Notice():
            style = "yellow" if told.level == "warning" else "dim" if told.level == "detail" else ""
            return [Text(show(part), style=style) for part in told.text.splitlines()]
    return []


def finished_line(event: JobFinished, width: int, show: Show = printable) -> Text:
    """How a job ended. The name of an encoded file is shortened to fit; a reason is given in full."""
    mark, style = _MARKS[event.outcome]
    name = show(event.media.name)
    if event.outcome is Outcome.ENCODED and event.output_bytes is not None:
        sizes = shrinkage(event.source_bytes, event.output_bytes)
        if width < _WIDE_FROM:
            sizes = sizes.partition(" → ")[2]
        ending = f"{sizes}  {duration(event.seconds)}"
        name = shorten(name, max(_NAME_CELLS_MIN, width - len(ending) - 4))
    else:
        ending = show(verdict(event))
    return Text.assemble((mark, style), f" {name}  {ending}")


class Board:
    """Draws the board while it is entered and leaves the terminal as it was.

    A thread of its own draws, as a terminal that is held up (Ctrl-S, a slow link) must not hold up the run.
    """

    def __init__(self, output: Output, *, verbose: bool = False, color: bool | None = None) -> None:
        self._output = output
        self._console = _console(output, color)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._lock = Lock()
        self._tally = Tally()
        self._narrator = Narrator(verbose=verbose, encoding=output.encoding)
        self._told: list[Told] = []
        self._closing = Flag()
        self._drawer = Thread(target=self._draw_until_closed, name="board", daemon=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._drawer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def handle(self, event: Event) -> None:
        """Takes the event into the next drawing; the end of the run removes the board and prints the summary."""
        with self._lock:
            self._tally.handle(event)
            self._told += self._narrator.tell(event)
        if isinstance(event, RunFinished):
            self._close()
            self._output.line()
            for line in summary_lines(event, self._tally.finished, self._console.width, self._output.show):
                self._output.line(line)

    def _close(self) -> None:
        if not self._closing.is_set():
            self._closing.set()
            self._drawer.join()
            self._draw()
            self._live.stop()

    def _draw_until_closed(self) -> None:
        while not self._closing.wait(_DRAW_EVERY_S):
            self._draw()

    def _draw(self) -> None:
        width, height = self._console.size
        show = self._output.show
        with self._lock:
            told, self._told = self._told, []
            # One row stays free for the line that scrolls in above.
            lines = board_lines(self._tally, time.time(), width, height - 1, show)
        self._live.update(Group(*lines))
        if told:
            above = chain.from_iterable(told_lines(item, width, show) for item in told)
            self._console.print(*above, sep="\n")
        else:
            self._live.refresh()


def _console(output: Output, color: bool | None) -> Console:
    return Console(
        file=cast("TextIO", output),  # rich only writes, flushes and asks for the encoding
        force_terminal=True,
        no_color=None if color is None else not color,
        highlight=False,
        markup=False,
        emoji=False,
    )
