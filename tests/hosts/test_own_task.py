import asyncio

import pytest

from pytranscoder.hosts.completion import in_own_task


async def fail_when(event: asyncio.Event) -> None:
    await event.wait()
    raise ConnectionError


async def test_what_work_returns_and_raises_comes_through() -> None:
    failing = asyncio.Event()
    failing.set()

    assert await in_own_task(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ConnectionError):
        await in_own_task(fail_when(failing))


async def test_work_is_cancelled_with_the_task_that_waits_for_it() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.ensure_future(in_own_task(work()))
    await asyncio.sleep(0.01)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def test_cancellation_is_not_lost_in_a_task_group_that_fails_at_the_same_moment() -> None:
    async def group_that_fails() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(cancel_and_fail())
            await asyncio.Event().wait()

    async def cancel_and_fail() -> None:
        waiting.cancel()
        raise ConnectionError

    waiting = asyncio.ensure_future(in_own_task(group_that_fails()))

    with pytest.raises(asyncio.CancelledError):
        await waiting
