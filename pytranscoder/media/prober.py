"""Asks worker processes what files are: starts them when needed, replaces them when they die, ends them all.

Opens no media itself and does not load PyAV, so that the program starts quickly.
"""

import asyncio
import json
import os
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pytranscoder.children import apart, kill
from pytranscoder.errors import UnreadableMediaError
from pytranscoder.media.model import Ends, Media
from pytranscoder.media.wire import ends_from_wire, media_from_wire

WORKER_COMMAND = (sys.executable, "-m", "pytranscoder.media.worker")

# `python -m` looks in the working directory first: there must be no other `av` in it, and no share to keep busy.
_WORKING_DIRECTORY = Path(__file__).parents[2]

# A file with hundreds of fonts has an answer longer than asyncio's 64 KiB for a line.
_ANSWER_LIMIT_BYTES = 64 * 2**20

# A film without an index is read from end to end: 50 GB over a slow network take half an hour.
_EXAMINE_TIMEOUT_S = 3600.0


class _WorkerDiedError(Exception):
    def __init__(self, exit_status: int) -> None:
        ending = f"signal {-exit_status}" if exit_status < 0 else f"exit status {exit_status}"
        super().__init__(f"the demuxer crashed ({ending})")


class _Worker:
    """A worker process and the ends of its pipes. `owes_answer` from a request until its answer was read."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._stdin = cast(StreamWriter, process.stdin)  # pipes both: see start()
        self._stdout = cast(StreamReader, process.stdout)
        self.owes_answer = False

    @classmethod
    async def start(cls, command: Sequence[str]) -> Self:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_ANSWER_LIMIT_BYTES,
            cwd=_WORKING_DIRECTORY,
            **apart(),  # the terminal's Ctrl-C must not reach it
        )
        return cls(process)

    async def ask(self, request: bytes) -> dict[str, Any]:
        self.owes_answer = True
        with suppress(ConnectionError):  # it died: there will be no answer
            self._stdin.write(request)
            await self._stdin.drain()
        line = await self._stdout.readline()
        if not line.endswith(b"\n"):
            raise _WorkerDiedError(await self._process.wait())
        self.owes_answer = False
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        # Not by Process.kill: it polls first, and so takes the exit status of a worker that has just died from asyncio,
        # which then complains on standard error (https://github.com/python/cpython/issues/87744).
        if self._process.returncode is None:
            kill(self._process.pid)

    async def wait(self) -> None:
        await self._process.wait()

    async def end(self) -> None:
        """Kills it and wait until its pipe is closed too; only for who may read its answers."""
        self.kill()
        self._stdin.close()
        await self._stdout.read()
        await self.wait()


class Prober:
    """Probes and examines files in at most `workers` processes at once; a context manager, which ends them all.

    A file that crashes its worker, or keeps a probe busy for `timeout_s`, is unreadable; other files are not affected.
    """

    def __init__(self, workers: int = 2, timeout_s: float = 30.0, command: Sequence[str] = WORKER_COMMAND) -> None:
        self._slots = asyncio.Semaphore(workers)
        self._timeout_s = timeout_s
        self._command = command
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        workers = tuple(self._workers)
        for worker in workers:
            worker.kill()
        for worker in workers:
            # Whoever still waits for an answer is reading from it.
            await (worker.wait() if worker.owes_answer else worker.end())

    async def probe(self, path: Path) -> Media:
        """What the headers of a file say; raises UnreadableMediaError."""
        answer = await self._ask("probe", path, self._timeout_s)
        return media_from_wire(path, answer["media"])

    async def examine(self, path: Path) -> Ends:
        """Where the packets of a file end; raises UnreadableMediaError.

        Takes milliseconds, and minutes for a long film of which all must be read.
        """
        answer = await self._ask("examine", path, _EXAMINE_TIMEOUT_S)
        return ends_from_wire(answer["ends"])

    async def _ask(self, do: str, path: Path, timeout_s: float) -> dict[str, Any]:
        request = json.dumps({"do": do, "path": _absolute(path)}).encode() + b"\n"
        try:
            async with self._slots:
                answer = await self._ask_any_worker(request, timeout_s)
        except TimeoutError as exc:
            raise UnreadableMediaError(path, f"could not be read within {timeout_s:g} s") from exc
        except _WorkerDiedError as exc:
            raise UnreadableMediaError(path, str(exc)) from exc
        if "error" in answer:
            raise UnreadableMediaError(path, answer["error"])
        return answer

    async def _ask_any_worker(self, request: bytes, timeout_s: float) -> dict[str, Any]:
        if self._idle:
            # One that lay idle may have died of something else: only a fresh one tells that it was this file.
            with suppress(_WorkerDiedError):
                return await self._ask_worker(self._idle.pop(), request, timeout_s)
        if self._is_closed:
            raise RuntimeError("the prober was left while files were still being probed")
        worker = await _Worker.start(self._command)
        self._workers.add(worker)
        return await self._ask_worker(worker, request, timeout_s)

    async def _ask_worker(self, worker: _Worker, request: bytes, timeout_s: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout_s):
                return await worker.ask(request)
        finally:
            if worker.owes_answer:
                # After a timeout or a cancellation its answer would be taken for that of the next file.
                await worker.end()
                self._workers.discard(worker)
            else:
                self._idle.append(worker)


def _absolute(path: Path) -> str:
    # The worker has another working directory. Reads no disk, but asks for ours when the path is relative.
    return os.fspath(path.absolute())
