"""What every view of a run looks like to the program. Has no view of its own."""

from types import TracebackType
from typing import Protocol, Self

from pytranscoder.jobs.events import Event


class Observer(Protocol):
    """Something that is told of every event of a run, in order."""

    def handle(self, event: Event) -> None:
        """Takes note of one event; never raises and never waits for anything but its output."""


class Screen(Observer, Protocol):
    """An observer that owns the terminal, or the pipe, while it is entered."""

    def __enter__(self) -> Self:
        """Takes over the terminal."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the terminal back as it was."""
