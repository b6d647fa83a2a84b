"""The signals that ask this program to stop, heard on every system. What stopping means is not known here."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# The last is Ctrl-Break of Windows.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def on_stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` in the running event loop, each time one of them comes.

    When one has come they are ignored afterwards: Ctrl-C once more must not cut off the end of a report.
    """
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}
    heard: list[None] = []

    def hear() -> None:
        heard.append(None)
        stop()

    def call(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(hear)

    for number in STOP_SIGNALS:
        try:
            loop.add_signal_handler(number, hear)
        except NotImplementedError:  # Windows
            before[number] = signal.signal(number, call)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            if number in before:
                signal.signal(number, before[number])
            else:
                loop.remove_signal_handler(number)
            if heard:
                signal.signal(number, signal.SIG_IGN)
