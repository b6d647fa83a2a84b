"""Work that must not be cut off half-way, such as removing a directory, or must not hide that it was cut off.

Does none itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
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


async def in_own_task(work: Coroutine[Any, Any, T]) -> T:
    """Waits for `work`; when the waiting task is cancelled, so is `work`, and the cancellation follows for certain.

    A task group by itself forgets that it was cancelled when one of its tasks fails at the same moment (Python before
    3.13); whoever tries again after an error would then go on for ever.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # asked for, or it would be reported as forgotten
        raise
    return task.result()
