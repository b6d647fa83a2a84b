"""What a manager asks an agent to run: from its line to the exit status. Decides neither who may ask nor for what.

One ffmpeg a slot, each under a warden, so that it ends with this program too.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
from asyncssh import SSHReader, SSHWriter

from pytranscoder.agent.flow import Channel, wait_for_room
from pytranscoder.agent.log import Log
from pytranscoder.agent.room import Room
from pytranscoder.errors import ForbiddenError, HostError, printable
from pytranscoder.hosts.agents.calls import LONGEST_CALL_BYTES, PROBE, AgentReport, Call, read_call, write_report
from pytranscoder.hosts.local import LocalProcess, LocalTransport
from pytranscoder.hosts.supervisor import GRACE_S
from pytranscoder.hosts.wardens.confinement import Confinement
from pytranscoder.hosts.wardens.warden import warden_argv

LOOK_AT_DISK_EVERY_S = 1.0
STOPPED = 128 + 15
# The manager knows a full disk by these words of ffmpeg. Of a file that would not have fit ffmpeg says it otherwise.
NO_SPACE = "No space left on device"
_TOO_LARGE = "File too large"
_WORD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Errand:
    """A command that may be run. `outputs` are the files that it makes: they go unless it exits with status 0."""

    argv: tuple[str, ...]
    outputs: tuple[str, ...]


# Raises ForbiddenError for what may not be run.
Gate = Callable[[Call], Errand]
# What an agent says of itself.
Probe = Callable[[], Awaitable[AgentReport]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where commands run and what they may reach. None for `confinement` is no confinement."""

    directory: Path
    room: Room
    confinement: Confinement | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a manager is waited for, in seconds: for its call, for a word of it."""

    call_s: float = 10.0
    silence_s: float = 60.0
    # A manager that was killed and is back at once finds its old ffmpeg still ending.
    slot_s: float = 5.0


_WAITS = Waits()


@dataclass(slots=True)
class Line:
    """A session with a manager that has asked for a command. `peer` is its address."""

    peer: str
    channel: Channel
    stdin: SSHReader[bytes]
    stdout: SSHWriter[bytes]
    stderr: SSHWriter[bytes]
    _unsaid: bytearray = field(default_factory=bytearray)

    def say(self, text: str) -> None:
        """Says one line; to nobody when the session is gone."""
        # What comes at once goes as one: to encrypt each line of a flood by itself would take most of a core.
        if not self._unsaid:
            asyncio.get_running_loop().call_soon(self.flush)
        self._unsaid += os.fsencode(text) + b"\n"

    def flush(self) -> None:
        """Hands over what was said."""
        said, self._unsaid = bytes(self._unsaid), bytearray()
        with contextlib.suppress(OSError):
            self.stdout.write(said)

    def warn(self, text: str) -> None:
        """Says one line on standard error."""
        with contextlib.suppress(OSError):
            self.stderr.write(os.fsencode(text) + b"\n")


class Work:
    """The slots of an agent and what runs in them."""

    def __init__(self, gate: Gate, probe: Probe, place: Place, slots: int, log: Log, waits: Waits = _WAITS) -> None:
        self._gate = gate
        self._probe = probe
        self._place = place
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._log = log
        self._waits = waits

    async def serve(self, line: Line) -> int:
        """Does what a manager asks for; returns the exit status of the session."""
        try:
            call = await _read_call(line.stdin, self._waits.call_s)
        except ValueError as exc:
            self._log.refuse(line.peer, f"a call that cannot be understood: {exc}")
            line.warn(f"cannot be understood: {exc}")
            return 2
        try:
            await self._answer(line, call)
        except (ForbiddenError, HostError, OSError) as exc:
            reason = printable(exc.reason if isinstance(exc, HostError) else str(exc))
            self._log.refuse(line.peer, f"to run {call.argv[0]}: {reason}")
            line.say(f"ptc-missing {call.token} {reason}")
            return 127
        return 0

    async def _answer(self, line: Line, call: Call) -> None:
        if call.argv[0] == PROBE:
            report = write_report(await self._probe())
            line.say(f"ptc-begin {call.token}")
            line.say(report)
            line.say(f"ptc-exit {call.token} 0")
            return
        errand = await asyncio.to_thread(self._gate, call)  # it looks at files, on a share that may sleep
        _require_program(errand.argv[0])
        async with self._slot():
            status = await self._carry_out(line, call, errand)
        # Only now, so that whoever hears of the end finds the slot free.
        line.say(f"ptc-exit {call.token} {status}")

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._waits.slot_s):
                await self._free.acquire()
        except TimeoutError as exc:
            raise ForbiddenError(f"all {self._slots} slots are busy") from exc
        try:
            yield
        finally:
            self._free.release()

    async def _carry_out(self, line: Line, call: Call, errand: Errand) -> int:
        # What was there before is not the command's to remove, whatever becomes of it.
        made = await asyncio.to_thread(_not_there, errand.outputs)
        begun = time.monotonic()
        end: int | str = "broken off"
        try:
            async with self._transport(call, errand, made).supervise(errand.argv, call.partial) as process:
                line.say(f"ptc-begin {call.token}")
                end = await self._accompany(line, call, process, errand)
            for text in process.stderr_tail:
                line.warn(text)
            if any(_TOO_LARGE in text for text in process.stderr_tail):
                line.warn(NO_SPACE)
        finally:
            if end != 0:
                await asyncio.to_thread(_remove, made)
            self._tell(line.peer, errand, end, time.monotonic() - begun)
        if isinstance(end, str):
            line.warn(f"stopped: {end}")
            return STOPPED
        return end if end >= 0 else 128 - end

    def _transport(self, call: Call, errand: Errand, made: tuple[str, ...]) -> LocalTransport:
        def wrap(argv: tuple[str, ...], partial: str) -> tuple[str, ...]:
            del partial  # it is one of those made
            return warden_argv(
                argv,
                made,
                grace_s=min(call.grace_s, GRACE_S),
                confinement=self._place.confinement,
                most_bytes=max(0, min(map(self._place.room.bytes_at, self._places(errand)))),
                directory=str(self._place.directory),
            )

        return LocalTransport("agent", wrap)

    def _places(self, errand: Errand) -> tuple[str, ...]:
        return errand.outputs or (str(self._place.directory),)

    async def _accompany(self, line: Line, call: Call, process: LocalProcess, errand: Errand) -> int | str:
        """Returns the exit status, or why the command must be stopped."""
        watches = [
            asyncio.ensure_future(watch)
            for watch in (
                _forward(line, process),
                _hear(line.stdin, min(call.silence_s, self._waits.silence_s)),
                self._watch_disks(self._places(errand)),
            )
        ]
        try:
            done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
            return next(watch for watch in watches if watch in done).result()
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _watch_disks(self, places: tuple[str, ...]) -> int | str:
        while True:
            await asyncio.sleep(LOOK_AT_DISK_EVERY_S)
            with contextlib.suppress(OSError):  # a share that is gone for a moment: what writes there will say so
                if await asyncio.to_thread(lambda: min(map(self._place.room.bytes_at, places))) < 0:
                    return NO_SPACE

    def _tell(self, peer: str, errand: Errand, end: int | str, took_s: float) -> None:
        what = Path(errand.outputs[-1] if errand.outputs else errand.argv[-1])
        if what.is_relative_to(self._place.directory):
            what = what.relative_to(self._place.directory)
        outcome = f"stopped: {end}" if isinstance(end, str) else "done" if end == 0 else f"failed with status {end}"
        self._log.tell(peer, f"ffmpeg for {what}: {outcome}, after {took_s:.1f} s")


async def _read_call(stdin: SSHReader[bytes], within_s: float) -> Call:
    try:
        async with asyncio.timeout(within_s):
            text = await stdin.readline()
    except TimeoutError as exc:
        raise ValueError(f"nothing came within {within_s:g} s") from exc
    except (asyncssh.Error, OSError) as exc:
        raise ValueError("the connection was lost") from exc
    if len(text) > LONGEST_CALL_BYTES or not text.endswith(b"\n"):
        raise ValueError("it is no line, or too long")
    return read_call(text)


def _require_program(path: str) -> None:
    if not Path(path).exists():
        raise ForbiddenError("No such file or directory")
    if not os.access(path, os.X_OK):
        raise ForbiddenError("Permission denied")


async def _forward(line: Line, process: LocalProcess) -> int | str:
    async for text in process.lines():
        line.say(text)
        await wait_for_room(line.channel)
    return await process.wait()


async def _hear(stdin: SSHReader[bytes], silence_s: float) -> int | str:
    said = b""
    while True:
        try:
            async with asyncio.timeout(silence_s):
                heard = await stdin.read(_WORD_BYTES)
        except TimeoutError:
            return f"the manager was silent for {silence_s:g} s"
        except (asyncssh.Error, OSError):
            return "the connection to the manager is lost"
        if not heard:
            return "the manager is gone"
        *words, said = (said + heard).split(b"\n")
        if b"stop" in words:
            return "the manager said so"
        said = said[-_WORD_BYTES:]


def _not_there(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in paths if not os.path.lexists(path))


def _remove(paths: tuple[str, ...]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            Path(path).unlink(missing_ok=True)
