"""Work that must not be cut off half-way, such as starting a process or removing a directory. Does none itself."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(work: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[None]] | None = None) -> T:
    """Waits for `work` however often the waiting task is cancelled meanwhile; the cancellation follows.

    What `work` has made is undone then, as nobody gets it.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as exc:
            cancelled = exc
    result = task.result()
    if cancelled is None:
        return result
    if undo is not None:
        await undo(result)
    raise cancelled
