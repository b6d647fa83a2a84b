"""The hosts of a cluster one below the other, each with its attempts, in the lines that there are. Draws no bar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from rich.cells import cell_len
from rich.text import Text

from pytranscoder.errors import printable
from pytranscoder.ui.format import clip, count, left
from pytranscoder.ui.hosts import HostKey, HostRecord
from pytranscoder.ui.rows import attempt_line, folded_line, stages_text, transfers_line, trouble_line
from pytranscoder.ui.summary import Show
from pytranscoder.ui.tally import RunningAttempt, Stage, Tally

# A check that takes no longer is not worth a row that comes and goes; a seat that is not taken shows it anyway.
_CHECK_IS_LONG_S = 2.0


class _Fold(IntEnum):
    """What of a host has one line for all."""

    NOTHING = 0
    TRANSFERS = 1
    EVERYTHING = 2


@dataclass(frozen=True, slots=True)
class _Block:
    """One host: its record, what to call it, and its attempts in the order of their rows.

    `encodes` stay where they are; `others`, below them, come and go.
    """

    record: HostRecord
    label: str
    encodes: tuple[RunningAttempt, ...]
    others: tuple[RunningAttempt, ...]
    fold: _Fold = _Fold.NOTHING

    @property
    def attempts(self) -> tuple[RunningAttempt, ...]:
        return self.encodes + self.others

    @property
    def is_idle(self) -> bool:
        return not self.attempts and self.record.trouble is None

    @property
    def height(self) -> int:
        if self.fold is _Fold.EVERYTHING:
            return 1
        others = min(1, len(self.others)) if self.fold is _Fold.TRANSFERS else len(self.others)
        return max(1, (self.record.trouble is not None) + len(self.encodes) + others)


def host_lines(tally: Tally, now: float, width: int, height: int, show: Show = printable) -> list[Text]:
    """The hosts in at most `height` lines.

    Where they need more, idle hosts are only counted; then, from the last host up, the transfers of a host get one
    line for all; then all of a host does.
    """
    blocks, rest = _fit(_blocks(tally, now), height)
    label_cells = min(max((cell_len(block.label) for block in blocks), default=0), width // 5)
    lines = [line for block in blocks for line in _block_lines(block, now, width, label_cells, show)]
    if rest:
        lines.append(Text(clip(f"+ {rest}", width), style="dim", no_wrap=True))
    return lines[: max(0, height)]


def _blocks(tally: Tally, now: float) -> list[_Block]:
    attempts: dict[HostKey, list[RunningAttempt]] = {}
    for attempt in tally.running.values():
        attempts.setdefault(attempt.host, []).append(attempt)
    return [
        _block(record, tally.hosts.label(*record.key), attempts.get(record.key, []), now)
        for record in tally.hosts.all()
    ]


def _block(record: HostRecord, label: str, attempts: Sequence[RunningAttempt], now: float) -> _Block:
    taken = {attempt.seat for attempt in attempts if attempt.is_encoding}
    encodes, ahead, behind = [], [], []
    for attempt in attempts:
        if attempt.stage in (Stage.UPLOADING, Stage.STAGED):
            ahead.append(attempt)
        elif attempt.is_encoding or (attempt.transfer is None and attempt.seat not in taken):
            encodes.append(attempt)
        elif attempt.transfer is not None or now - attempt.since >= _CHECK_IS_LONG_S:
            behind.append(attempt)
    encodes.sort(key=lambda attempt: (attempt.seat, attempt.job))
    # What is fetched is gone soonest: below what waits, it moves the fewest rows.
    others = [*sorted(ahead, key=lambda attempt: attempt.job), *sorted(behind, key=lambda attempt: attempt.job)]
    return _Block(record, label, tuple(encodes), tuple(others))


def _fit(blocks: Sequence[_Block], height: int) -> tuple[list[_Block], str]:
    """The blocks that there is room for, and what to say of the others."""
    if _height(blocks) <= height:
        return list(blocks), ""
    idle = [block for block in blocks if block.is_idle]
    idle = idle if len(idle) > 1 else []
    shown = [block for block in blocks if block not in idle]
    room = height - bool(idle)
    for fold in (_Fold.TRANSFERS, _Fold.EVERYTHING):
        for index in reversed(range(len(shown))):
            if _height(shown) > room:
                shown[index] = replace(shown[index], fold=fold)
    if _height(shown) <= room:
        return shown, _rest_text(idle)
    kept = max(0, height - 1)
    return shown[:kept], _rest_text([*shown[kept:], *idle])


def _rest_text(blocks: Sequence[_Block]) -> str:
    if all(block.is_idle for block in blocks):
        return f"{count(len(blocks), 'host')} idle" if blocks else ""
    attempts = [attempt for block in blocks for attempt in block.attempts]
    stages = stages_text(attempts)
    return f"{count(len(blocks), 'more host')}{': ' if stages else ''}{stages}"


def _block_lines(block: _Block, now: float, width: int, label_cells: int, show: Show) -> list[Text]:
    room = width - label_cells - 1 if label_cells else width
    lines = []
    if block.record.trouble is not None:
        lines.append(trouble_line(block.record, now, room, show))
    if block.is_idle:
        lines.append(Text("idle"[: max(0, room)], style="dim", no_wrap=True))
    elif block.fold is not _Fold.EVERYTHING:
        lines += [attempt_line(attempt, now, room, show) for attempt in block.encodes]
        lines += _other_lines(block, now, room, show)
    elif not lines:
        lines.append(folded_line(block.attempts, now, room))
    if not label_cells:
        return lines
    labels = [block.label, *("" for _ in lines[1:])]
    return [
        Text.assemble((f"{left(label, label_cells)} ", "bold cyan"), line, no_wrap=True)
        for label, line in zip(labels, lines, strict=True)
    ]


def _other_lines(block: _Block, now: float, room: int, show: Show) -> list[Text]:
    if block.fold is _Fold.NOTHING or len(block.others) < 2:
        return [attempt_line(attempt, now, room, show) for attempt in block.others]
    return [transfers_line(block.others, now, room)]


def _height(blocks: Sequence[_Block]) -> int:
    return sum(block.height for block in blocks)
