"""Work that is not cut off: it ends, what it made is undone, and the cancellation follows."""

import asyncio
from pathlib import Path

import pytest

from pytranscoder.hosts.completion import all_or_none, to_its_end
from pytranscoder.hosts.local import LocalTransport
from tests.hosts.programs import await_end, program


async def test_the_result_of_work_that_is_left_alone_is_returned() -> None:
    async def work() -> int:
        return 7

    assert await to_its_end(work()) == 7


async def test_cancelled_work_ends_and_is_undone() -> None:
    begun, may_end, undone = asyncio.Event(), asyncio.Event(), list[int]()

    async def work() -> int:
        begun.set()
        await may_end.wait()
        return 7

    async def undo(made: int) -> None:
        undone.append(made)

    task = asyncio.create_task(to_its_end(work(), undo))
    await begun.wait()
    task.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert undone == [7]


async def test_a_cancellation_is_not_lost_when_the_work_fails() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        raise OSError

    task = asyncio.create_task(to_its_end(work()))
    await begun.wait()
    task.cancel()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_group_ends_with_its_first_error_and_the_cause_of_that() -> None:
    async def fail() -> None:
        raise FileNotFoundError from ZeroDivisionError()

    async def work() -> None:
        async with all_or_none() as group:
            group.create_task(fail())
            group.create_task(asyncio.Event().wait())

    with pytest.raises(FileNotFoundError) as caught:
        await work()

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("after_ms", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8])
async def test_a_command_that_is_cancelled_while_it_starts_is_stopped(tmp_path: Path, after_ms: float) -> None:
    lock = tmp_path / "lock"

    async def encode() -> None:
        async with LocalTransport("nas").supervise(program(f"hold:{lock}", "hang"), "") as process:
            await process.wait()

    for _ in range(3):
        task = asyncio.create_task(encode())
        await asyncio.wait([task], timeout=after_ms / 1000)
        task.cancel()
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await task

    await await_end(lock)
