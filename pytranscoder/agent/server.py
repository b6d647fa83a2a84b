"""The ssh server of an agent: who is let in, how many at once, and what each may ask for. Does none of that work."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncssh
from asyncssh import SSHKey, SSHServerChannel, SSHServerConnection

from pytranscoder.agent.admission import Admission
from pytranscoder.agent.log import Log
from pytranscoder.agent.sessions import Channel, Services, Session
from pytranscoder.agent.sftp import FolderFiles, Grounds
from pytranscoder.agent.work import Line, Work
from pytranscoder.errors import TranscoderError
from pytranscoder.hosts.agents.calls import ENROL, INVITED, RUN, USER

INVITED_SESSIONS = 1
LONGEST_KEY_BYTES = 16 << 10
# Connections that the system keeps until we take them; one more waits for a second before it tries again.
BACKLOG = 256

# GCM is twice as fast as the others here; what a peer without it may use comes after.
CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
# As long as the manager's own for data, for a link on which an answer waits behind megabytes.
KEEPALIVE_S = 60.0
MISSED_KEEPALIVES = 3
# How asyncssh tells of what no ssh client says.
_NO_SSH = (asyncssh.ProtocolError, asyncssh.MACError, asyncssh.CompressionError)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much peers may use. Times in seconds: to log in, to ask for something, to hand over a key, to take answers.

    Whoever was invited stays connected for `invited_s`. One key has at most half of the connections.
    """

    half_open: int = 64
    tries: int = 10
    connections: int = 32
    sessions: int = 10
    login_s: float = 30.0
    ask_s: float = 10.0
    enrol_s: float = 10.0
    invited_s: float = 30.0
    stall_s: float = 30.0


class Agent:
    """The agent's side of all its connections."""

    def __init__(self, admission: Admission, work: Work, grounds: Grounds, log: Log, limits: Limits) -> None:
        self.admission = admission
        self.log = log
        self.limits = limits
        self._work = work
        self._grounds = grounds
        # In the order in which they came.
        self._half_open: list[Visitor] = []
        self._let_in: set[Visitor] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, visitor: "Visitor") -> None:
        """Takes a connection that nobody has logged in on yet; too many of them cost the oldest of who has most."""
        self._half_open.append(visitor)
        if len(self._half_open) > self.limits.half_open:
            peers = [other.peer for other in self._half_open]
            (busiest, _), *_ = Counter(peers).most_common(1)
            oldest = self._half_open.pop(peers.index(busiest))
            oldest.drop(f"more than {self.limits.half_open} connections wait to log in")

    def let_in(self, visitor: "Visitor") -> None:
        """Takes a connection that somebody has logged in on."""
        if visitor not in self._half_open:
            return  # it was dropped at that moment
        self._half_open.remove(visitor)
        if excess := self._excess(visitor):
            self.log.refuse(visitor.peer, excess)
            visitor.connection.close()
            return
        self._let_in.add(visitor)

    def _excess(self, visitor: "Visitor") -> str:
        most = self.limits.connections
        if len(self._let_in) >= most:
            return f"more than {most} connections at once"
        if sum(other.key == visitor.key for other in self._let_in) >= max(1, most // 2):
            return f"more than {max(1, most // 2)} connections at once with one key"
        return ""

    def left(self, visitor: "Visitor") -> None:
        """Forgets a connection."""
        with suppress(ValueError):
            self._half_open.remove(visitor)
        self._let_in.discard(visitor)

    def services(self, visitor: "Visitor") -> Services:
        """Returns what a visitor who has logged in may ask for."""
        manages = visitor.user == USER
        return Services(
            peer=visitor.peer,
            commands={RUN: self._work.serve} if manages else {ENROL: partial(self._enrol, visitor)},
            files=partial(self._files, visitor) if manages else None,
            refuse=visitor.refuse,
            begin=self._begin,
            closed=visitor.session_closed,
            is_admitted=visitor.is_admitted,
            dropped=visitor.connection.abort,
            ask_s=self.limits.ask_s,
            stall_s=self.limits.stall_s,
        )

    def _files(self, visitor: "Visitor", channel: SSHServerChannel[bytes]) -> FolderFiles:
        return FolderFiles(channel, self._grounds, visitor.refuse)

    async def _enrol(self, visitor: "Visitor", line: Line) -> int:
        assert visitor.key is not None  # noqa: S101  # for the type checker: nobody is let in without one
        try:
            async with asyncio.timeout(self.limits.enrol_s):
                text = await line.stdin.readline()
            handed_over = text[:LONGEST_KEY_BYTES].decode()
            await asyncio.to_thread(self.admission.enrol, handed_over, line.peer, visitor.key)
        except (TranscoderError, ValueError, asyncssh.Error, OSError) as exc:
            reason = str(exc) or "none came in time"
            self.log.refuse(line.peer, f"a key: {reason}")
            line.warn(reason)
            return 1
        self.log.tell(line.peer, "handed over its key and may use this agent from now on")
        return 0

    def _begin(self, work: Awaitable[None]) -> None:
        # Not a task group: one session's trouble must not end the others. `end` waits for all.
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as exc:  # noqa: BLE001  # the session's boundary: whatever a peer brought about, others go on
            self.log.refuse("this agent", f"a session: {type(exc).__name__}: {exc}")

    async def end(self) -> None:
        """Ends all that runs, and then the connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        visitors = [*self._half_open, *self._let_in]
        for visitor in visitors:
            visitor.connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.gather(*(visitor.connection.wait_closed() for visitor in visitors))
        for visitor in visitors:
            visitor.connection.abort()


class Visitor(asyncssh.SSHServer):
    """One connection, from the first byte on. `peer` is the address of the other machine, `key` the one that it showed.

    asyncssh asks for a key once more before it believes the proof of it: the last that was admitted is the proven one.
    """

    connection: SSHServerConnection

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._sessions = 0
        self.peer = "?"
        self.user: str | None = None
        self.key: SSHKey | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reason = ""
        self._tried: str | None = None
        self._tries = 0
        self._keys = 0

    def connection_made(self, conn: SSHServerConnection) -> None:
        """Takes the connection."""
        self.connection = conn
        self.peer = str((conn.get_extra_info("peername") or ("?",))[0])
        self._agent.arrived(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes the end of the connection, and tells of it if nobody was let in."""
        self._agent.left(self)
        if self._timer is not None:
            self._timer.cancel()
        if self.user is None:
            self.refuse(self._describe_failure(exc))
        elif isinstance(exc, _NO_SSH):
            self.refuse(f"to listen further: {exc}")

    def begin_auth(self, username: str) -> bool:
        """Nobody is let in without a proof."""
        self._tried = username
        self._count_try()
        return True

    def public_key_auth_supported(self) -> bool:
        """A key is the only proof."""
        return True

    async def validate_public_key(self, username: str, key: SSHKey) -> bool:
        """Whether a key is one of those that the agent knows, or that of an invitation."""
        self._keys += 1
        self._count_try()
        self.key = key if await self._admits(username, key) else None
        return self.key is not None

    async def _admits(self, username: str | None, key: SSHKey) -> bool:
        known = self._agent.admission
        if username == USER:
            return await asyncio.to_thread(known.admits, key, self.peer)
        return username == INVITED and await asyncio.to_thread(known.admits_invited, key)

    async def is_admitted(self) -> bool:
        """Whether a manager that was let in would be once more. An invitation counts when it is spent."""
        return self.user == INVITED or (self.key is not None and await self._admits(self.user, self.key))

    def auth_completed(self) -> None:
        """Takes note that somebody is let in."""
        self.user = self._tried
        if self.user == INVITED:
            within_s = self._agent.limits.invited_s
            self._timer = asyncio.get_running_loop().call_later(within_s, self._send_away)
        self._agent.let_in(self)

    def _send_away(self) -> None:
        self.refuse(f"to let stay {INVITED} for more than {self._agent.limits.invited_s:g} s")
        self.connection.abort()

    def session_requested(self) -> Any:
        """Opens a session, if there are not too many."""
        most = self._agent.limits.sessions if self.user == USER else INVITED_SESSIONS
        if self._sessions >= most:
            self.refuse(f"more than {most} sessions of a connection")
            return False
        self._sessions += 1
        return Channel(self.connection, self.refuse), Session(self._agent.services(self))

    def session_closed(self) -> None:
        """Takes note that a session is over."""
        self._sessions -= 1

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """No port of elsewhere is reached through this machine."""
        del orig_host, orig_port
        return self._refused(f"forwarding to {dest_host}:{dest_port}")

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        """No port is opened here for others."""
        return self._refused(f"forwarding from {listen_host}:{listen_port}")

    def unix_connection_requested(self, dest_path: str) -> bool:
        """No socket of this machine is reached."""
        return self._refused(f"forwarding to {dest_path}")

    def unix_server_requested(self, listen_path: str) -> bool:
        """No socket is made here for others."""
        return self._refused(f"forwarding from {listen_path}")

    def tun_requested(self, unit: int | None) -> bool:
        """No tunnel."""
        del unit
        return self._refused("a tunnel")

    def tap_requested(self, unit: int | None) -> bool:
        """No tunnel."""
        del unit
        return self._refused("a tunnel")

    def _count_try(self) -> None:
        # asyncssh lets them go on as long as they may take to log in: thousands of keys.
        self._tries += 1
        if self._tries > self._agent.limits.tries:
            self.drop(f"more than {self._agent.limits.tries} tries to log in")

    def drop(self, reason: str) -> None:
        """Ends the connection."""
        self._reason = reason
        self.connection.abort()

    def refuse(self, what: str) -> None:
        """Tells of something that this connection wanted."""
        self._agent.log.refuse(self.peer, what)

    def _refused(self, what: str) -> bool:
        self.refuse(what)
        return False

    def _describe_failure(self, exc: Exception | None) -> str:
        if self._reason:
            return f"a connection: {self._reason}"
        if self._tried is None:
            return f"a connection on which nobody logged in: {exc or 'closed'}"
        what = f"keys that are not known here, {self._keys} in all" if self._keys else "no key"
        return f"to let in {self._tried}, with {what}"


@asynccontextmanager
async def serving(agent: Agent, address: str, port: int) -> AsyncIterator[int]:
    """Serves on an address, an empty one for all, and a port, 0 for a free one; yields the port.

    Leaving it ends all sessions and what they run. Raises OSError when it cannot listen there.
    """
    listener = await asyncssh.listen(
        address,
        port,
        server_factory=lambda: Visitor(agent),
        server_host_keys=[agent.admission.host_key()],
        server_version="pytranscoder",
        login_timeout=agent.limits.login_s,
        keepalive_interval=KEEPALIVE_S,
        keepalive_count_max=MISSED_KEEPALIVES,
        encryption_algs=CIPHERS,
        compression_algs=None,
        encoding=None,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        allow_pty=False,
        agent_forwarding=False,
        x11_forwarding=False,
        line_editor=False,
        allow_scp=False,
        backlog=BACKLOG,
    )
    try:
        yield listener.get_port()
    finally:
        listener.close()
        await agent.end()
        await listener.wait_closed()
