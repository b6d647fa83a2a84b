"""The transport to a host over ssh. Knows how to run and stop commands there, not what they do."""

import asyncio
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import asyncssh

from pytranscoder.errors import ForeignShellError, HostError, LostError
from pytranscoder.hosts.connection import Connections, describe_loss
from pytranscoder.hosts.packets import require_packets
from pytranscoder.hosts.supervisor import Dialect, Patience, PosixDialect, exit_status
from pytranscoder.hosts.tail import TAIL_BYTES, Tail
from pytranscoder.hosts.transport import Captured

BEGINS_WITHIN_S = 15.0
LONGEST_LINE_BYTES = 65536
# Beyond this nothing more is read from the host until somebody takes the lines.
UNREAD_BYTES = 1 << 20
CAPTURED_BYTES = 16 << 20
_STATUS = re.compile(rb"-?\d{1,10}")
_PATIENCE = Patience()
_POSIX = PosixDialect()


class SshTransport:
    """Runs commands on a host over ssh. `dialect` may be another one once it is known what the host is."""

    def __init__(self, connections: Connections, patience: Patience = _PATIENCE, dialect: Dialect = _POSIX) -> None:
        self._connections = connections
        self._patience = patience
        self.dialect = dialect

    @property
    def host(self) -> str:
        """The name of the host."""
        return self._connections.host

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        """Runs a short command to its end."""
        stdout = bytearray()
        patience = replace(self._patience, grace_s=0)
        try:
            async with asyncio.timeout(timeout_s), self._run(argv, "", patience, CAPTURED_BYTES) as process:
                async for piece in process.pieces():
                    stdout += piece[: CAPTURED_BYTES - len(stdout)]
                status = await process.wait()
        except TimeoutError as exc:
            raise HostError(self.host, f"{argv[0]} did not answer within {timeout_s:g} s") from exc
        return Captured(status, stdout.decode(errors="replace"), process.stderr)

    @asynccontextmanager
    async def supervise(self, argv: Sequence[str], partial: str) -> AsyncIterator["SshProcess"]:
        """Runs a long command under the supervisor."""
        async with self._run(argv, partial, self._patience, TAIL_BYTES) as process:
            yield process

    @asynccontextmanager
    async def _run(
        self, argv: Sequence[str], partial: str, patience: Patience, keep_bytes: int
    ) -> AsyncIterator["SshProcess"]:
        token = secrets.token_hex(8)

        def make_process() -> SshProcess:
            return SshProcess(self.host, argv[0], token, keep_bytes)

        async with self._connections.session(make_process, self.dialect.command) as (channel, process):
            require_packets(self.host, channel)
            with suppress(BrokenPipeError):  # the login shell is gone already; the session tells why
                channel.write(self.dialect.opening(argv, partial, token, patience))
            # Not a task group, as that would wrap the errors of the body; this task raises none and ends below.
            heart = asyncio.get_running_loop().create_task(_beat(channel, patience.heartbeat_s))
            try:
                await process.wait_begun()
                yield process
            finally:
                heart.cancel()
                await process.stop(patience.grace_s + 1)


class SshProcess(asyncssh.SSHClientSession[bytes]):
    """A supervised command on a host, as the receiver of what its channel brings."""

    def __init__(self, host: str, program: str, token: str, keep_bytes: int) -> None:
        self._host = host
        self._program = program
        self._token = token.encode()
        self._end_mark = b"ptc-exit %s " % self._token
        self._tail = Tail(keep_bytes)
        self._longest_line = max(keep_bytes, LONGEST_LINE_BYTES)
        self._line = bytearray()
        self._pieces: deque[bytes] = deque()
        self._unread_bytes = 0
        self._news = asyncio.Event()
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._closed = asyncio.Event()
        self._outcome: int | HostError | None = None
        self._stopping = False
        self._shell_status: int | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of its standard error so far, oldest first."""
        return self._tail.lines

    @property
    def stderr(self) -> str:
        """Its standard error so far, as much of the end as was asked for."""
        return self._tail.text

    async def lines(self) -> AsyncIterator[str]:
        """Yields the lines of its standard output until it closes them."""
        async for piece in self.pieces():
            for line in piece.decode(errors="replace").split("\n")[:-1]:
                yield line

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields its standard output, some lines at a time with their ends, and what is after the last."""
        while self._pieces or not self._ended.is_set():
            if self._pieces:
                yield self._take_piece()
            else:
                self._news.clear()
                await self._news.wait()
        if isinstance(self._outcome, HostError):
            raise self._outcome

    async def wait(self) -> int:
        """Waits for the end and returns the exit status."""
        await self._ended.wait()
        with suppress(TimeoutError):  # the end of standard error comes after the status
            async with asyncio.timeout(1):
                await self._closed.wait()
        return self._status()

    async def wait_begun(self) -> None:
        """Waits until the supervisor has begun; raises HostError."""
        try:
            async with asyncio.timeout(BEGINS_WITHIN_S):
                await self._begun.wait()
        except TimeoutError as exc:
            raise HostError(self._host, f"its login shell did not answer within {BEGINS_WITHIN_S:g} s") from exc
        if isinstance(self._outcome, HostError):
            raise self._outcome

    async def stop(self, within_s: float) -> None:
        """Stops the command and its children, if they still run: the closed channel does it when there is no answer."""
        self._stopping = True
        self._pieces.clear()
        self._unread_bytes = 0
        if self._channel is not None and not self._ended.is_set():
            self._channel.resume_reading()
            with suppress(BrokenPipeError):
                self._channel.write(b"stop\n")
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._ended.wait()

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        """Takes the channel that brings the rest."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Takes what the command says."""
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self._tail.add(data)
            return
        self._line += data
        if b"\n" in data:
            lines, newline, self._line = self._line.rpartition(b"\n")
            self._take_lines(bytes(lines + newline))
        del self._line[: -self._longest_line]
        if self._unread_bytes > UNREAD_BYTES and self._channel is not None:
            self._channel.pause_reading()

    def exit_status_received(self, status: int) -> None:
        """Takes the exit status of the login shell, which tells something only when no supervisor began."""
        self._shell_status = status

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes the end of the channel."""
        if not self._begun.is_set() and exc is None:
            self._end(ForeignShellError(self._host, self._describe_refusal()))
        else:
            self._end(LostError(self._host, describe_loss(exc) if exc else "the supervisor of the command is gone"))
        self._closed.set()

    def _take_lines(self, lines: bytes) -> None:
        if self._begun.is_set() and self._end_mark not in lines:
            self._add_piece(lines)
            return
        for line in lines.split(b"\n")[:-1]:
            self._take_line(line + b"\n")

    def _take_line(self, line: bytes) -> None:
        if not self._begun.is_set():
            self._take_beginning(line)
            return
        text, mark, status = line.partition(self._end_mark)
        self._add_piece(text)
        if mark:
            self._end(self._read_status(status.strip()))

    def _read_status(self, status: bytes) -> int | HostError:
        # Not longer than it can be: this is called by asyncssh, to which no error of a host shall get through.
        if not _STATUS.fullmatch(status):
            return HostError(self._host, "says an exit status that is none; check what it is")
        return exit_status(int(status))

    def _take_beginning(self, line: bytes) -> None:
        # A login shell's start-up files may say something before.
        if b"ptc-begin %s" % self._token in line:
            self._begun.set()
        _, mark, reason = line.partition(b"ptc-missing %s " % self._token)
        if mark:
            self._end(HostError(self._host, f"cannot run {self._program}: {reason.decode(errors='replace').strip()}"))

    def _add_piece(self, piece: bytes) -> None:
        if piece and not self._stopping:
            self._pieces.append(piece)
            self._unread_bytes += len(piece)
            self._news.set()

    def _take_piece(self) -> bytes:
        piece = self._pieces.popleft()
        self._unread_bytes -= len(piece)
        if self._unread_bytes < UNREAD_BYTES // 2 and self._channel is not None:
            self._channel.resume_reading()
        return piece

    def _end(self, outcome: int | HostError) -> None:
        if self._outcome is None:
            self._outcome = outcome
        self._begun.set()
        self._ended.set()
        self._news.set()

    def _status(self) -> int:
        if isinstance(self._outcome, HostError):
            raise self._outcome
        return self._outcome or 0

    def _describe_refusal(self) -> str:
        said = (self._tail.lines or ("nothing said",))[-1]
        return f"its login shell cannot run what it is told (status {self._shell_status}: {said})"


async def _beat(channel: "asyncssh.SSHClientChannel[Any]", every_s: float) -> None:
    with suppress(BrokenPipeError):  # that it is closed its session tells
        while True:
            channel.write(b"\n")
            await asyncio.sleep(every_s)
