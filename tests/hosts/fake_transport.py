"""A transport without processes: takes the steps of `program.py` in this process. Passes the conformance suite."""

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pytranscoder.errors import HostError
from pytranscoder.hosts.transport import Captured
from tests.hosts.programs import PREFIX

TAIL_LINES = 20


class _EndedError(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


class FakeProcess:
    """A command whose steps are taken by a task."""

    def __init__(self, steps: Sequence[str]) -> None:
        self._steps = steps
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._locks: list[int] = []
        self._status = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._take_steps())

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        return tuple(self._tail)

    async def lines(self) -> AsyncIterator[str]:
        while (line := await self._lines.get()) is not None:
            yield line

    async def wait(self) -> int:
        status: int = await asyncio.shield(self._status)
        return status

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()

    async def _take_steps(self) -> None:
        status = -9
        try:
            for step in self._steps:
                await self._take(*step.split(":", 1))
            status = 0
        except _EndedError as end:
            status = end.status
        finally:
            self._status.set_result(status)
            self._lines.put_nowait(None)

    async def _take(self, verb: str, value: str = "") -> None:
        match verb:
            case "out":
                self._lines.put_nowait(value)
            case "err":
                self._tail.append(value)
            case "outflood" | "errflood":
                for _ in range(10 * int(value)):
                    await self._take(verb.removesuffix("flood"), "x" * 99)
            case "write":
                Path(value).write_bytes(b"half a film")
            case "hold":
                self._locks.append(os.open(value, os.O_CREAT | os.O_RDWR))
                fcntl.flock(self._locks[-1], fcntl.LOCK_EX)
            case "hang":
                await asyncio.Event().wait()
            case "exit":
                raise _EndedError(int(value))
            case "signal":
                raise _EndedError(-int(value))
            case "orphan":
                raise _EndedError(0)


class FakeTransport:
    """A host on which every program is `program.py`."""

    def __init__(self, host: str) -> None:
        self._host = host

    @property
    def host(self) -> str:
        return self._host

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        process = self._start(argv)
        try:
            async with asyncio.timeout(timeout_s):
                stdout = [line async for line in process.lines()]
                return Captured(await process.wait(), _text(stdout), _text(process.stderr_tail))
        except TimeoutError as exc:
            raise HostError(self._host, f"{argv[0]} did not answer within {timeout_s:g} s") from exc
        finally:
            await process.stop()

    @asynccontextmanager
    async def supervise(self, argv: Sequence[str], partial: str) -> AsyncIterator[FakeProcess]:
        process = self._start(argv)
        try:
            yield process
        finally:
            await process.stop()
            if partial and await process.wait() != 0:
                Path(partial).unlink(missing_ok=True)

    def _start(self, argv: Sequence[str]) -> FakeProcess:
        if tuple(argv[: len(PREFIX)]) != PREFIX:
            raise HostError(self._host, f"cannot run {argv[0]}: No such file or directory")
        return FakeProcess(argv[len(PREFIX) :])


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
