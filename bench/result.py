"""One measurement against its target, and its line in the report. Measures nothing."""

from dataclasses import dataclass

HEADINGS = ("", "ours", "theirs", "ratio", "target", "")
_CELLS = (34, 10, 10, 7, 9, 4)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured. `limit` is the most that the ratio to `theirs` may be; that `ours` may be if `is_absolute`.

    `theirs` is a value to compare with, None when there is none.
    """

    name: str
    ours: float
    unit: str
    limit: float
    theirs: float | None = None
    is_absolute: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times theirs ours is."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        measured = self.ours if self.is_absolute or self.ratio is None else self.ratio
        return measured <= self.limit


def report_line(result: Result) -> str:
    """The line of a result, in the columns of `HEADINGS`."""
    unit = f" {result.unit}"
    return table_row(
        result.name,
        _amount(result.ours, unit),
        _amount(result.theirs, unit),
        _amount(result.ratio, "x"),
        f"<= {result.limit:.2f}x" if not result.is_absolute else f"<= {result.limit:g}{unit}",
        "ok" if result.is_met else "over",
    )


def table_row(*words: str) -> str:
    """The words in the columns of the report, the first to the left and the others to the right."""
    first, *others = zip(words, _CELLS, strict=True)
    return " ".join([first[0].ljust(first[1]), *(word.rjust(cells) for word, cells in others)]).rstrip()


def _amount(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.{3 if abs(value) < 10 else 1}f}{unit}"
