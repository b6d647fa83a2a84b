"""How signals reach a running event loop, also one that cannot take them itself, as on Windows."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytranscoder.stop_signals import STOP_SIGNALS, on_stop_signals


class WindowsLikeLoop(asyncio.SelectorEventLoop):
    """Takes no signals, as Windows' event loop."""

    def add_signal_handler(self, sig: int, callback: Callable[..., object], /, *args: Any) -> None:  # type: ignore[override]  # the stub's type variables are not ours to name
        raise NotImplementedError


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number in STOP_SIGNALS:  # what earlier tests have ignored
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("make_loop", [asyncio.SelectorEventLoop, WindowsLikeLoop])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_is_heard_in_the_loop_and_ignored_afterwards(
    make_loop: Callable[[], asyncio.AbstractEventLoop], number: signal.Signals
) -> None:
    async def wait_for_signal() -> None:
        stopped = asyncio.Event()
        with on_stop_signals(stopped.set):
            os.kill(os.getpid(), number)
            await stopped.wait()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(wait_for_signal())

    os.kill(os.getpid(), number)
    assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.parametrize("make_loop", [asyncio.SelectorEventLoop, WindowsLikeLoop])
def test_without_a_signal_all_is_as_before(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]

    async def hear_nothing() -> None:
        with on_stop_signals(lambda: None):
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(hear_nothing())

    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before
