"""The transport to this machine. Knows how to run and stop child processes, not what they do."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from pytranscoder.children import apart, kill_group
from pytranscoder.errors import HostError
from pytranscoder.hosts.completion import to_its_end
from pytranscoder.hosts.supervisor import GRACE_S, exit_status, supervised
from pytranscoder.hosts.tail import Tail
from pytranscoder.hosts.transport import Captured
from pytranscoder.hosts.wardens.warden import refusal, wardened

CHUNK_BYTES = 65536

# From a command and its partial file to the command that runs it so that it ends with its owner.
Wrap = Callable[[tuple[str, ...], str], tuple[str, ...]]


def bare(argv: tuple[str, ...], partial: str) -> tuple[str, ...]:
    """Returns a short command as it is: the process group that it leads is enough to end it."""
    del partial
    return argv


def wraps(platform: str) -> tuple[Wrap, Wrap]:
    """Returns how long and how short commands are run: Windows has no shell for the one and no groups for the other."""
    return (wardened, wardened) if platform == "win32" else (supervised, bare)


_LONG, _SHORT = wraps(sys.platform)


class LocalTransport:
    """Runs commands on this machine: long ones as `wrap` says, short ones as `wrap_short` does."""

    def __init__(self, host: str, wrap: Wrap = _LONG, wrap_short: Wrap = _SHORT) -> None:
        self._host = host
        self._wrap = wrap
        self._wrap_short = wrap_short

    @property
    def host(self) -> str:
        """The name of the host."""
        return self._host

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        """Runs a short command to its end."""
        is_bare = self._wrap_short is bare
        process = await self._start(argv, self._wrap_short(tuple(argv), ""), stdin=DEVNULL if is_bare else PIPE)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await _whole_answer(process)
        except TimeoutError as exc:
            raise HostError(self._host, f"{argv[0]} did not answer within {timeout_s:g} s") from exc
        finally:
            await _kill_group(process)
        if is_bare:
            return answer
        if reason := refusal(answer.exit_status, answer.stderr):
            raise HostError(self._host, reason)
        return replace(answer, exit_status=exit_status(answer.exit_status))

    @asynccontextmanager
    async def supervise(self, argv: Sequence[str], partial: str) -> AsyncIterator["LocalProcess"]:
        """Runs a long command under the supervisor."""
        process = await self._start(argv, self._wrap(tuple(argv), partial), stdin=PIPE)
        running = LocalProcess(process)
        try:
            yield running
        finally:
            await running.stop()

    async def _start(self, argv: Sequence[str], wrapped: Sequence[str], stdin: int) -> Process:
        # Apart: the terminal's Ctrl-C is for us alone, we decide how our children end.
        starting = asyncio.create_subprocess_exec(*wrapped, stdin=stdin, stdout=PIPE, stderr=PIPE, **apart())
        try:
            # asyncio itself hangs when it is cancelled between the fork and the first look at the child.
            return await to_its_end(starting, undo=_kill_group)
        except OSError as exc:
            raise HostError(self._host, f"cannot run {argv[0]}: {exc.strerror}") from exc


class LocalProcess:
    """A supervised child of ours. Its standard error is read all the time, so that a flood of it cannot block it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._tail = Tail()
        # Not a task group: the reader lives as long as this object, and `stop` always ends it.
        self._reader = asyncio.get_running_loop().create_task(self._read_stderr())

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of its standard error so far, oldest first."""
        return self._tail.lines

    async def lines(self) -> AsyncIterator[str]:
        """Yields the lines of its standard output until it closes them."""
        assert self._process.stdout is not None  # noqa: S101  # for the type checker: we asked for a pipe
        rest = b""
        while chunk := await self._process.stdout.read(CHUNK_BYTES):
            *whole, rest = (rest[-CHUNK_BYTES:] + chunk).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")

    async def wait(self) -> int:
        """Waits for the end and returns the exit status."""
        await self._process.wait()
        await self._reader
        return exit_status(self._process.returncode or 0)

    async def stop(self) -> None:
        """Stops the command and its children: politely, then by force."""
        try:
            if self._process.returncode is None:
                await self._ask_to_stop()
        finally:
            await _kill_group(self._process)
            await self._close_pipes()

    async def _close_pipes(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018  # as above
        self._process.stdin.close()
        with suppress(TimeoutError):  # a grandchild that left the group may hold them open
            async with asyncio.timeout(1):
                await asyncio.gather(self._process.stdout.read(), self._reader)

    async def _ask_to_stop(self) -> None:
        assert self._process.stdin is not None  # noqa: S101  # as above
        with suppress(OSError):
            self._process.stdin.write(b"stop\n")
            await self._process.stdin.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S + 0.5):
                await self._process.wait()

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  # as above
        while chunk := await self._process.stderr.read(CHUNK_BYTES):
            self._tail.add(chunk)


async def _whole_answer(process: Process) -> Captured:
    # Not by Process.communicate, which closes standard input in some versions: that would tell a warden to stop.
    assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018  # as above
    stdout, stderr, status = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return Captured(status, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


async def _kill_group(process: Process) -> None:
    # The group may outlive its leader: a wrapper script that is not careful leaves its ffmpeg behind.
    kill_group(process.pid)
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
