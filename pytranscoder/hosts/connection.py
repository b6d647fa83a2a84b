"""The ssh connections to one host: opened as `ssh` itself would, shared, and watched.

Knows how many sessions a connection carries, not what runs in them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, cast
from weakref import WeakKeyDictionary

import asyncssh

from pytranscoder.errors import HostError, LostError, UnreachableError
from pytranscoder.event_loop import in_own_thread
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.connect_faults import explain, explain_settings
from pytranscoder.hosts.lean import carry_media, spare
from pytranscoder.hosts.ssh_settings import SETTINGS_FAULTS, Settings, read_settings

CONNECT_WITHIN_S = 10.0
# OpenSSH allows 10 (MaxSessions), and counts a session until its last process is gone, which may be after its channel.
SESSIONS_PER_CONNECTION = 8
CLOSE_WITHIN_S = 1.0
# A lost control connection is noticed after four of these. Data may have to wait behind megabytes on a slow link.
CONTROL_KEEPALIVE_S = 10.0
DATA_KEEPALIVE_S = 60.0
MISSED_KEEPALIVES = 3
# How many hosts' settings are read at once.
READERS = 2
_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

# What `asyncssh` raises when a connection cannot be made.
CONNECT_FAULTS = (asyncssh.Error, OSError, ValueError)


class Lane(Enum):
    """What a connection for data is for."""

    OUT = auto()
    HOME = auto()


_Channel = asyncssh.SSHClientChannel[Any]
_Session = TypeVar("_Session", bound=asyncssh.SSHClientSession[Any])


@dataclass(frozen=True, slots=True)
class Address:
    """Where a host is: an address, a name, or one from an ssh configuration. What is set wins over that.

    With `trust` it is an agent, which has a port, a user and keys of its own.
    """

    ip: str
    port: int | None = None
    user: str | None = None
    trust: Trust | None = None


class _Line(asyncssh.SSHClient):
    """One connection, how many sessions it carries, and why it broke. `via` is the one to its jump host."""

    def __init__(self, via: "_Line | None") -> None:
        self.via = via
        self.connection: asyncssh.SSHClientConnection | None = None
        self.sessions = 0
        self.room = SESSIONS_PER_CONNECTION
        self.broken: str | None = None
        self.on_break: Callable[[], None] = lambda: None

    @property
    def has_room(self) -> bool:
        return self.broken is None and self.sessions < self.room

    @property
    def made(self) -> asyncssh.SSHClientConnection:
        assert self.connection is not None  # noqa: S101  # for the type checker: only made lines are handed out
        return self.connection

    def connection_lost(self, exc: Exception | None) -> None:
        self.broken = describe_loss(exc)
        if self.via is not None and self.via.connection is not None:
            self.via.connection.close()  # nobody else goes this way
        self.on_break()

    async def create_session(self, factory: Callable[[], _Session], command: str) -> tuple[_Channel, _Session]:
        opening = asyncio.ensure_future(self.made.create_session(factory, command, encoding=None))
        try:
            # An opening that is cancelled half way would leave its channel open over there.
            channel, session = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_abort_channel)
            raise
        return channel, cast(_Session, session)

    async def close(self) -> None:
        """Closes it; on a frozen link without waiting for the other side."""
        if self.connection is not None:
            self.connection.close()
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_WITHIN_S):
                        await self.connection.wait_closed()
            finally:
                self.connection.abort()
        if self.via is not None:
            await self.via.close()


class Connections:
    """All ssh connections to one host. Control and data are apart, so that heartbeats never queue behind media.

    So are the lanes of data: what comes home does not wait behind what is on its way to the host.
    """

    def __init__(self, host: str, address: Address) -> None:
        self._host = host
        self._address = address
        self._controls: list[_Line] = []
        self._data: dict[Lane, _Line] = {}
        self._opening_control = asyncio.Lock()
        self._opening_data = {lane: asyncio.Lock() for lane in Lane}
        self._lost = asyncio.Event()
        self._reason = "connection closed"
        self._closed = False

    @property
    def host(self) -> str:
        """The name of the host."""
        return self._host

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Makes the first control connection, within 10 s.

        Raises UnreachableError with a reason that a person can act on.
        """
        await self._control_with_room()

    @asynccontextmanager
    async def session(self, factory: Callable[[], _Session], command: str) -> AsyncIterator[tuple[_Channel, _Session]]:
        """Lends a session of a control connection in which the host's login shell runs `command`; binary.

        Leaving it closes the channel. More connections are opened as they are needed. Raises UnreachableError when
        one cannot be, LostError when it breaks, HostError when the host refuses the session.
        """
        line, channel, session = await self._open_session(factory, command)
        try:
            yield channel, session
        finally:
            channel.abort()
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_WITHIN_S):
                        await channel.wait_closed()
            finally:
                line.sessions -= 1

    async def data(self, lane: Lane) -> asyncssh.SSHClientConnection:
        """Returns a connection for file transfers; a new one when there is none or it has broken.

        Raises UnreachableError.
        """
        async with self._opening_data[lane]:
            line = self._data.get(lane)
            if line is None or line.broken is not None:
                line = self._data[lane] = await self._connect(DATA_KEEPALIVE_S)
                carry_media(line.made)
            return line.made

    async def wait_lost(self) -> str:
        """Waits until no control connection is left and returns the reason."""
        await self._lost.wait()
        return self._reason

    async def close(self) -> None:
        """Closes every connection, within about a second also on a frozen link."""
        self._closed = True
        self._lost.set()
        lines = [*self._controls, *self._data.values()]
        await asyncio.gather(*(line.close() for line in lines))

    async def _open_session(self, factory: Callable[[], _Session], command: str) -> tuple[_Line, _Channel, _Session]:
        while True:
            line = await self._control_with_room()
            line.sessions += 1
            alone = line.sessions == 1
            try:
                return line, *await line.create_session(factory, command)
            except asyncssh.ChannelOpenError as exc:
                line.sessions -= 1
                self._learn_room(line, alone, exc)
            except (asyncssh.Error, OSError) as exc:
                line.sessions -= 1
                raise LostError(self._host, line.broken or describe_loss(exc)) from exc
            except BaseException:
                line.sessions -= 1
                raise

    def _learn_room(self, line: _Line, alone: bool, refusal: asyncssh.ChannelOpenError) -> None:
        if line.broken is not None:
            raise LostError(self._host, line.broken) from refusal
        if alone:
            raise HostError(self._host, f"no command may be run there ({refusal.reason})") from refusal
        line.room = max(1, line.sessions)

    async def _control_with_room(self) -> _Line:
        async with self._opening_control:
            line = next((line for line in self._controls if line.has_room), None)
            if line is None:
                line = await self._connect(CONTROL_KEEPALIVE_S)
                self._controls.append(line)
                self._lost.clear()
                line.on_break = self._forget_broken
                if line.broken is not None:
                    self._forget_broken()
            return line

    def _forget_broken(self) -> None:
        self._reason = next((line.broken for line in self._controls if line.broken is not None), self._reason)
        self._controls = [line for line in self._controls if line.broken is None]
        if not self._controls:
            self._lost.set()

    async def _connect(self, keepalive_s: float) -> _Line:
        self._require_open()
        line = await self._connect_to(self._address, keepalive_s)
        try:
            self._require_open()
        except UnreachableError:
            await line.close()
            raise
        return line

    def _require_open(self) -> None:
        if self._closed:
            raise UnreachableError(self._host, "connection closed")

    async def _connect_to(
        self, address: Address, keepalive_s: float, deadline: float | None = None, via: _Line | None = None
    ) -> _Line:
        settings = await self._read_settings(address)
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + CONNECT_WITHIN_S
        try:
            for jump in settings.jumps if via is None else ():
                via = await self._connect_to(Address(*jump), keepalive_s, deadline, via)
            return await self._log_in(settings, keepalive_s, deadline, via)
        except BaseException:
            if via is not None:
                await via.close()
            raise

    async def _read_settings(self, address: Address) -> Settings:
        read = partial(read_settings, address.ip, address.port, address.user, address.trust)
        try:
            # It takes a processor, and hundreds at once would leave nothing of it to the event loop. Whoever waits for
            # its turn has not begun to connect. In a thread of its own, as `Match exec` runs a command.
            async with _turn_to_read(), asyncio.timeout(CONNECT_WITHIN_S):
                return await in_own_thread(read)
        except SETTINGS_FAULTS as exc:
            raise UnreachableError(self._host, explain_settings(exc)) from exc

    async def _log_in(self, settings: Settings, keepalive_s: float, deadline: float, via: _Line | None) -> _Line:
        line = _Line(via)
        try:
            async with asyncio.timeout_at(deadline):
                line.connection = await asyncssh.connect(
                    settings.ip,
                    client_factory=lambda: line,
                    tunnel=via.connection if via else None,
                    keepalive_interval=keepalive_s,
                    keepalive_count_max=MISSED_KEEPALIVES,
                    **settings.options,
                )
        except CONNECT_FAULTS as exc:
            where = "" if settings.ip == self._address.ip else f"jump host {settings.ip}: "
            raise UnreachableError(self._host, where + explain(settings, exc)) from exc
        spare(line.made)
        return line


def _turn_to_read() -> asyncio.Semaphore:
    return _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(READERS))


def describe_loss(exc: Exception | None) -> str:
    """Says why a connection has broken."""
    text = str(exc or "connection closed")
    return text[:1].lower() + text[1:]


def _abort_channel(opening: "asyncio.Future[tuple[_Channel, Any]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()
