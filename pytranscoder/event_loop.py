"""The event loop of every command: it ends when its work ends, whatever a name server still owes. Knows no work.

Python's own looks names up in the threads that all blocking calls share, and waits for these threads at its end: one
name server that does not answer would hold up the files of other hosts, and Ctrl-C for as long as the resolver is
patient (resolv.conf(5): twice 5 s for each server and search domain).
"""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

if sys.platform == "win32":
    _System = asyncio.ProactorEventLoop
else:
    _System = asyncio.SelectorEventLoop


def run(work: Coroutine[Any, Any, T]) -> T:
    """Does `work` in an event loop of its own, as `asyncio.run` would, with as many open files as may be."""
    _allow_many_files()
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


def _allow_many_files() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  # Windows has neither it nor the limit

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):  # macOS has a lower limit than it tells of
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def in_own_thread(work: Callable[[], T]) -> T:
    """Waits for a blocking call in a thread for whose end the program does not wait."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(how: Callable[[Any], None], what: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if answer.done() else how(what))

    def carry_out() -> None:
        try:
            result = work()
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is for whoever waits
            tell(answer.set_exception, exc)
        else:
            tell(answer.set_result, result)

    threading.Thread(target=carry_out, daemon=True).start()
    return await answer


class _Loop(_System):
    """An event loop that looks up each name in a thread of its own."""

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  # so it is called by those who know asyncio's
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """Returns what `socket.getaddrinfo` says."""
        return await in_own_thread(partial(socket.getaddrinfo, host, port, family, type, proto, flags))
