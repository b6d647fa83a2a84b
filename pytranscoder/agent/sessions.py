"""Which requests of a session an agent serves: one of two commands, or sftp; and that all others are refused and told.

What the commands do is not known here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from asyncssh import ChannelOpenError, SSHReader, SSHServerChannel, SSHServerConnection, SSHWriter
from asyncssh.channel import SSHChannel
from asyncssh.constants import EXTENDED_DATA_STDERR, OPEN_RESOURCE_SHORTAGE
from asyncssh.misc import MaybeAwait
from asyncssh.packet import SSHPacket
from asyncssh.session import SSHServerSession, SSHSession
from asyncssh.sftp import MIN_SFTP_VERSION, run_sftp_server
from asyncssh.stream import SSHServerStreamSession

from pytranscoder.agent.flow import wait_for_stall
from pytranscoder.agent.work import Line
from pytranscoder.hosts.packets import SMALLEST_BYTES

WINDOW_BYTES = 2 << 20
PACKET_BYTES = 32 << 10
SFTP = "sftp"
# Debian's ssh sends them unless it is told not to: nobody means harm by it.
_SENT_BY_ITSELF = re.compile(r"LANG|LC_\w+|COLORTERM|NO_COLOR|TZ")


class FileServer(Protocol):
    """The sftp server of a session."""

    async def close_all(self) -> None:
        """Closes what is still open."""


@dataclass(frozen=True, slots=True)
class Services:
    """What whoever is logged in may ask for: commands by name, and files if there is a way to serve them.

    A command returns the exit status of its session. `refuse` is told of all the rest, `closed` that a session is over.
    Nothing begins unless `is_admitted` still. A session in which nothing is asked for is closed after `ask_s` seconds;
    a connection on which nothing is taken of what was said is `dropped` after `stall_s`.
    """

    peer: str
    commands: dict[str, Callable[[Line], Awaitable[int]]]
    files: Callable[[SSHServerChannel[bytes]], Any] | None
    refuse: Callable[[str], None]
    begin: Callable[[Awaitable[None]], None]
    closed: Callable[[], None]
    is_admitted: Callable[[], Awaitable[bool]]
    dropped: Callable[[], None]
    ask_s: float
    stall_s: float


class Channel(SSHServerChannel[bytes]):
    """A channel on which a terminal, forwarding and an environment are refused at once, and heard of.

    asyncssh refuses the first ones too, as the server is set up, but tells nobody, and takes an environment without
    asking. `_process_…_request` is how it finds what handles a request.
    """

    def __init__(self, connection: SSHServerConnection, refuse: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        no_editor = (False, False, False, 0, 0)
        super().__init__(connection, loop, *no_editor, None, "strict", WINDOW_BYTES, PACKET_BYTES)
        self._refuse = refuse

    def process_open(
        self, send_chan: int, send_window: int, send_pktsize: int, session: MaybeAwait[SSHSession[bytes]]
    ) -> None:
        """Opens the channel, unless the peer wants its data in crumbs."""
        if send_pktsize < SMALLEST_BYTES:
            self._refuse(f"packets of {send_pktsize} bytes")
            self._session = cast(SSHServerSession[bytes], session)  # it hears that it is over
            self._cleanup()
            raise ChannelOpenError(OPEN_RESOURCE_SHORTAGE, f"packets of {SMALLEST_BYTES} bytes are the least")
        super().process_open(send_chan, send_window, send_pktsize, session)

    def _process_pty_req_request(self, packet: SSHPacket) -> bool:
        return self._refused("a terminal", packet)

    def _process_x11_req_request(self, packet: SSHPacket) -> bool:
        return self._refused("X11 forwarding", packet)

    # asyncssh answers later by itself, hence its type.
    def _process_auth_agent_req_at_openssh_dot_com_request(  # type: ignore[override]
        self, packet: SSHPacket
    ) -> bool:
        return self._refused("agent forwarding", packet)

    def _process_env_request(self, packet: SSHPacket) -> bool:
        name = packet.get_string().decode("utf-8", "replace")
        if not _SENT_BY_ITSELF.fullmatch(name):
            self._refuse(f"the environment variable {name}")
        return False

    def _process_signal_request(self, packet: SSHPacket) -> bool:
        return self._refused("a signal", packet)

    def _refused(self, what: str, packet: SSHPacket) -> bool:
        del packet  # whatever it says
        self._refuse(what)
        return False


class Session(SSHServerStreamSession[bytes]):
    """A session, from its opening to what it asks for."""

    def __init__(self, services: Services) -> None:
        super().__init__(None)
        self._services = services
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None

    def connection_made(self, chan: SSHChannel[bytes]) -> None:
        """Takes the channel, and waits for a request."""
        super().connection_made(chan)
        self._channel = cast(SSHServerChannel[bytes], chan)
        self._timer = asyncio.get_running_loop().call_later(self._services.ask_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes the end of the channel."""
        self._stop_waiting()
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)
        self._services.closed()

    def shell_requested(self) -> bool:
        """There is no shell."""
        self._services.refuse("a shell")
        return False

    def exec_requested(self, command: str) -> bool:
        """There are two commands."""
        if command in self._services.commands:
            return True
        self._services.refuse(f"the command {command}")
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """There is sftp."""
        if subsystem == SFTP and self._services.files is not None:
            return True
        self._services.refuse(f"the subsystem {subsystem}")
        return False

    def session_started(self) -> None:
        """Begins what was asked for."""
        self._stop_waiting()
        self._watch = asyncio.ensure_future(self._cut_when_stalled())
        chan = self._channel
        stdin: SSHReader[bytes] = SSHReader(self, chan)
        stdout: SSHWriter[bytes] = SSHWriter(self, chan)
        if chan.get_subsystem() == SFTP:
            self._begin(self._serve_files, stdin, stdout)
        else:
            stderr: SSHWriter[bytes] = SSHWriter(self, chan, EXTENDED_DATA_STDERR)
            self._begin(self._serve_command, Line(self._services.peer, chan, stdin, stdout, stderr))

    def break_received(self, msec: int) -> bool:
        """Nothing is interrupted by a break."""
        del msec
        return False

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """There is no terminal; the stream must not hear of it."""

    def _begin(self, serve: Callable[..., Awaitable[None]], *what: object) -> None:
        async def begun() -> None:
            if await self._services.is_admitted():
                await serve(*what)
            else:
                self._services.refuse("a session to whoever is no longer let in")
                self._channel.abort()

        self._services.begin(begun())

    async def _serve_command(self, line: Line) -> None:
        try:
            status = await self._services.commands[line.channel.get_command() or ""](line)
        except BaseException:
            line.channel.abort()
            raise
        line.flush()
        with suppress(OSError):  # the peer may have closed it
            line.channel.exit(status)

    async def _serve_files(self, stdin: SSHReader[bytes], stdout: SSHWriter[bytes]) -> None:
        assert self._services.files is not None  # noqa: S101  # for the type checker: `subsystem_requested` said so
        files = self._services.files(self._channel)
        try:
            await run_sftp_server(files, stdin, stdout, MIN_SFTP_VERSION)
        finally:
            await files.close_all()

    async def _cut_when_stalled(self) -> None:
        await wait_for_stall(self._channel, self._services.stall_s)
        self._services.refuse("to wait longer for somebody who takes no answers")
        self._services.dropped()

    def _give_up(self) -> None:
        self._services.refuse(f"to wait for a request for more than {self._services.ask_s:g} s")
        self._channel.abort()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
