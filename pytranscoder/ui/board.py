"""The live board: a line for each running encode and transfer, totals below, finished jobs scrolling above.

What it looks like is a pure function of tally, time and size; `Board` only draws that, twice a second.
"""

import time
from collections import Counter
from collections.abc import Sequence
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import Self, TextIO, cast

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pytranscoder.errors import printable
from pytranscoder.jobs.events import Event, JobFinished, Notice, Outcome, RunFinished
from pytranscoder.ui.blocks import host_lines
from pytranscoder.ui.format import duration, shorten, shrinkage
from pytranscoder.ui.narrator import Narrator, Told, verdict
from pytranscoder.ui.output import Output
from pytranscoder.ui.rows import NAME_CELLS_MIN, encode_line
from pytranscoder.ui.summary import Show, summary_lines
from pytranscoder.ui.tally import Stage, Tally

_DRAW_EVERY_S = 0.5
# Drawing is to take half a hundredth of a core, also that of many encodes.
_PAUSE_FOR_DRAWING = 200
_PAUSE_AT_MOST_S = 2.0

_WIDE_FROM = 60
_HOST_CELLS_MIN = 6

# Between them a terminal draws nothing, so that a tall board does not flicker; one that does not know them ignores them
# (https://contour-terminal.org/vt-extensions/synchronized-output/).
_BEGIN_UPDATE, _END_UPDATE = "\x1b[?2026h", "\x1b[?2026l"

_MARKS = {
    Outcome.ENCODED: ("✓", "green"),
    Outcome.SKIPPED: ("-", "dim"),
    Outcome.REJECTED: ("=", "yellow"),
    Outcome.FAILED: ("✗", "bold red"),
    Outcome.CANCELLED: ("x", "yellow"),
}


def board_lines(tally: Tally, now: float, width: int, height: int, show: Show = printable) -> list[Text]:
    """The board in at most `height` lines of at most `width` cells; what has no room is counted."""
    totals = [Text(line, style="bold", no_wrap=True) for line in totals_lines(tally, now, width)]
    draw = host_lines if tally.hosts.in_cluster else _encode_lines
    return [*draw(tally, now, width, max(0, height - len(totals)), show), *totals][-max(1, height) :]


def _encode_lines(tally: Tally, now: float, width: int, room: int, show: Show) -> list[Text]:
    encodes = sorted(tally.running.values(), key=lambda encode: encode.job)
    shown = encodes if len(encodes) <= room else encodes[: max(0, room - 1)]
    lines = [encode_line(encode, now, width, show) for encode in shown]
    if len(shown) < len(encodes):
        lines.append(Text(f"+ {len(encodes) - len(shown)} more"[:width]))
    return lines


def totals_lines(tally: Tally, now: float, width: int) -> list[str]:
    """Below the encodes: jobs, bytes of encoded files, time left; in as many lines as the width asks for."""
    pieces = [f"{len(tally.finished)} of {tally.known} done", *_under_way(tally)]
    pieces += [
        f", {tally.counts[outcome]} {outcome.value}"
        for outcome in (Outcome.FAILED, Outcome.REJECTED, Outcome.SKIPPED, Outcome.CANCELLED)
        if tally.counts[outcome]
    ]
    if tally.source_bytes:
        pieces.append(f" · {shrinkage(tally.source_bytes, tally.output_bytes)}")
    if tally.hosts.is_stopping:
        pieces.append(" · stopping")
    elif (eta_s := tally.eta_s(now)) is not None:
        pieces.append(f" · {duration(eta_s)} left")
    return _wrapped(pieces, width)


def _under_way(tally: Tally) -> list[str]:
    if not tally.hosts.in_cluster:
        return [f", {len(tally.running)} running"]
    stages = Counter(attempt.stage for attempt in tally.running.values())
    copied = stages[Stage.UPLOADING] + stages[Stage.FETCHING]
    return [f", {stages[Stage.ENCODING]} encoding", *([f", {copied} in transfer"] if copied else [])]


def _wrapped(pieces: Sequence[str], width: int) -> list[str]:
    """The pieces in lines; each begins with its separator, which is left out where a line begins."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) <= width:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip(" ,·"))
    return [shorten(line, width) for line in lines]


def told_lines(told: Told, width: int, show: Show = printable, host: str = "") -> list[Text]:
    """What scrolls by above the board; that an encode began is seen on the board itself."""
    match told:
        case JobFinished():
            return [finished_line(told, width, show, host)]
        case Notice():
            style = "yellow" if told.level == "warning" else "dim" if told.level == "detail" else ""
            return [Text(show(part), style=style) for part in told.text.splitlines()]
    return []


def finished_line(event: JobFinished, width: int, show: Show = printable, host: str = "") -> Text:
    """How a job ended, and where. The name of an encoded file is shortened to fit; a reason is given in full."""
    mark, style = _MARKS[event.outcome]
    name = show(event.media.name)
    if event.outcome is Outcome.ENCODED and event.output_bytes is not None:
        sizes = shrinkage(event.source_bytes, event.output_bytes)
        if width < _WIDE_FROM:
            sizes = sizes.partition(" (")[0].partition(" → ")[2] if host else sizes.partition(" → ")[2]
        ending = f"{sizes}  {duration(event.seconds)}"
        if host:
            ending += f"  {shorten(host, max(_HOST_CELLS_MIN, width // 5))}"
        name = shorten(name, max(NAME_CELLS_MIN, width - cell_len(ending) - 4))
    else:
        ending = show(verdict(event, host))
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
            tally, width = self._tally, self._console.width
            for line in summary_lines(event, tally.finished, width, self._output.show, tally.hosts):
                self._output.line(line)

    def _close(self) -> None:
        if not self._closing.is_set():
            self._closing.set()
            self._drawer.join()
            self._draw()
            self._live.stop()

    def _draw_until_closed(self) -> None:
        pause_s = _DRAW_EVERY_S
        while not self._closing.wait(pause_s):
            begun = time.thread_time()
            self._draw()
            took_s = time.thread_time() - begun
            pause_s = min(max(_DRAW_EVERY_S, _PAUSE_FOR_DRAWING * took_s), _PAUSE_AT_MOST_S)

    def _draw(self) -> None:
        width, height = self._console.size
        show = self._output.show
        with self._lock:
            told, self._told = self._told, []
            # One row stays free for the line that scrolls in above.
            lines = board_lines(self._tally, time.time(), width, height - 1, show)
        above = [line for item in told for line in told_lines(item, width, show, self._host_of(item))]
        self._output.write(_BEGIN_UPDATE)
        # What is printed above is followed by the board as it was last refreshed.
        self._live.update(Group(*lines), refresh=True)
        if above:
            self._console.print(*above, sep="\n")
        self._output.write(_END_UPDATE)
        self._output.flush()

    def _host_of(self, told: Told) -> str:
        return "" if isinstance(told, Notice) else self._tally.hosts.label(told.cluster, told.host)


def _console(output: Output, color: bool | None) -> Console:
    return Console(
        file=cast("TextIO", output),  # rich only writes, flushes and asks for the encoding
        force_terminal=True,
        no_color=None if color is None else not color,
        highlight=False,
        markup=False,
        emoji=False,
    )
