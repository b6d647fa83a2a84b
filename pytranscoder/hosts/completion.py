"""How work in tasks ends: not cut off half-way, not hiding that it was cut off, with one error. Does none itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from pytranscoder.errors import first_leaf

T = TypeVar("T")


async def to_its_end(work: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[None]] | None = None) -> T:
    """Waits for `work` however often the waiting task is cancelled meanwhile; the cancellation follows.

    What `work` has made is undone then, as nobody gets it, and nobody is told of an error of it.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is None:
        return task.result()
    if task.exception() is None and undo is not None:
        await undo(task.result())
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


@asynccontextmanager
async def all_or_none() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that ends with its first error itself instead of a group of that and what followed from it."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as exc:
        error = first_leaf(exc)
        raise error from error.__cause__
