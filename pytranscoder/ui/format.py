"""Sizes, durations, percentages and names as short texts. Knows no terminal and no event."""

import re
from functools import lru_cache

from rich.cells import cell_len

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def size(count: int) -> str:
    """Bytes in decimal units with one decimal, such as ``1.2 GB``."""
    if count < 1000:
        return f"{count} B"
    value = count / 1000
    for unit in _UNITS[:-1]:
        # What would round to 1000.0 belongs to the next unit.
        if value < 999.95:
            return f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """Seconds as ``0:42``, ``32:10`` or ``1:02:03``."""
    hours, minutes, rest = _clock(seconds)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def full_duration(seconds: float) -> str:
    """Seconds as ``0:00:42``: unambiguous in a log without columns."""
    hours, minutes, rest = _clock(seconds)
    return f"{hours}:{minutes:02}:{rest:02}"


def _clock(seconds: float) -> tuple[int, int, int]:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return hours, minutes, rest


def signed_percent(value: float) -> str:
    """A change with its sign, such as ``−58 %`` or ``+4 %``."""
    whole = round(value)
    sign = "−" if whole < 0 else "+" if whole > 0 else ""
    return f"{sign}{abs(whole)} %"


def change(before: int, after: int) -> str:
    """How much smaller or larger `after` is than `before`; empty when there was nothing before."""
    return signed_percent((after - before) * 100 / before) if before else ""


def shrinkage(before: int, after: int) -> str:
    """Both sizes and the change, such as ``1.2 GB → 0.5 GB (−58 %)``."""
    percent = change(before, after)
    return f"{size(before)} → {size(after)}" + (f" ({percent})" if percent else "")


def gain(before: int, after: int) -> str:
    """What is left over on the disk, such as ``696.0 MB saved``."""
    return f"{size(before - after)} saved" if after <= before else f"{size(after - before)} more than before"


def speed(value: float) -> str:
    """A multiple of real time in at most five cells, such as ``3.1x``."""
    decimals = 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}x"


def count(number: int, noun: str) -> str:
    """A number with its noun, such as ``1 file`` or ``3 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rate(bytes_per_s: float) -> str:
    """Bytes in a second, such as ``11.2 MB/s``."""
    return f"{size(round(bytes_per_s))}/s"


_EPISODE = re.compile(r"\bS\d{1,4}E\d{1,4}|\b\d{1,2}x\d{2,3}\b", re.IGNORECASE)
_EPISODE_FROM = 20  # cells; in fewer there is no room for a piece of the title beside it


@lru_cache(maxsize=1024)  # the board draws the same names twice a second
def shorten(text: str, cells: int) -> str:
    """The text in at most `cells` terminal cells: what does not fit is left out of the middle.

    The number of an episode stays, as it is all that tells the names of a season apart.
    """
    if cell_len(text) <= cells:
        return text
    if cells < 3:
        return _head(text, cells)
    episode = _EPISODE.search(text)
    if episode and cells >= _EPISODE_FROM and cell_len(text[: episode.end()]) > cells // 2:
        head = _head(text, cells // 3)
        return f"{head}…{_head(text[episode.start() :], cells - 2 - cell_len(head))}…"
    head = _head(text, cells // 2)
    return f"{head}…{_tail(text, cells - 1 - cell_len(head))}"


def _head(text: str, cells: int) -> str:
    # A whole prefix is measured, never single characters: a variation selector widens the one before it.
    end = 0
    while end < len(text) and cell_len(text[: end + 1]) <= cells:
        end += 1
    return text[:end]


def _tail(text: str, cells: int) -> str:
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) <= cells:
        start -= 1
    return text[start:]


def clip(sentence: str, cells: int) -> str:
    """The sentence in at most `cells` terminal cells: what does not fit is left out at its end."""
    return sentence if cell_len(sentence) <= cells else f"{_head(sentence, cells - 1).rstrip()}…"[: max(0, cells)]


def left(text: str, cells: int) -> str:
    """The text at the left of a column of `cells` terminal cells, shortened to fit."""
    short = shorten(text, cells)
    return short + " " * (cells - cell_len(short))


def right(text: str, cells: int) -> str:
    """The text at the right of a column; a text that is too long sticks out."""
    return " " * (cells - cell_len(text)) + text
