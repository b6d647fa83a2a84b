"""An agent inside the test process, and the ways to it: as a manager goes, and as somebody does who means no good."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from pytranscoder.agent.admission import Admission
from pytranscoder.agent.folders import Folders
from pytranscoder.agent.log import Log
from pytranscoder.agent.probe import Description, SelfProbe
from pytranscoder.agent.room import Room
from pytranscoder.agent.server import Agent, Limits, serving
from pytranscoder.agent.service import gate_of
from pytranscoder.agent.sftp import Grounds
from pytranscoder.agent.work import Errand, Gate, Place, Waits, Work
from pytranscoder.hosts.agents.calls import USER, AgentDialect, Call, Share
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.supervisor import Patience
from pytranscoder.hosts.wardens.confinement import Confinement
from tests.clips import FFMPEG

LOOPBACK = "127.0.0.1"
TELLS_WITHIN_S = 10.0


def anything(call: Call) -> Errand:
    """Stands in for the gate where test programs are to run."""
    return Errand(call.argv, (call.partial,) if call.partial else ())


@dataclass
class Standing:
    """A running agent, the key that it knows, and what it told."""

    folder: Path
    slots: int = 2
    ffmpeg: str = FFMPEG
    gate: Gate | None = None
    limits: Limits = field(default_factory=Limits)
    waits: Waits = field(default_factory=Waits)
    room: Room = field(default_factory=lambda: Room(0))
    confinement: Confinement | None = None
    told: list[str] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._news = asyncio.Event()
        self.working_dir = self.folder / "work"
        self.share = self.folder / "share"
        self.writable_share = self.folder / "share-rw"
        for folder in (self.working_dir, self.share, self.writable_share):
            folder.mkdir()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.know(self.key)
        self.admission = Admission(self.folder / "state", (self.folder / "managers",))
        self.folders = Folders(self.working_dir, (self.share,), (self.writable_share,))

    def know(self, *keys: asyncssh.SSHKey) -> None:
        """Let in who has one of these keys, and nobody else."""
        (self.folder / "managers").write_bytes(b"".join(key.export_public_key() for key in keys))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Standing"]:
        shares = (Share(str(self.share)), Share(str(self.writable_share), writable=True))
        probe = SelfProbe(Description(self.ffmpeg, self.working_dir, shares, self.slots, ""), self.room)
        log = Log(self._tell)
        place = Place(self.working_dir, self.room, self.confinement)
        work = Work(self.gate or gate_of(self.ffmpeg, self.folders), probe.report, place, self.slots, log, self.waits)
        agent = Agent(self.admission, work, Grounds(self.folders, self.room), log, self.limits)
        async with serving(agent, LOOPBACK, 0) as self.port:
            yield self

    def write_client_config(self, home: Path) -> None:
        """Lets the manager of that home know the agent, and the agent its key."""
        ssh = home / ".ssh"
        ssh.mkdir(parents=True, mode=0o700)
        (ssh / "id_ed25519").write_bytes(self.key.export_private_key())
        (ssh / "id_ed25519").chmod(0o600)
        host_key = self.admission.host_key().export_public_key().decode()
        (ssh / "known_hosts").write_text(f"[{LOOPBACK}]:{self.port} {host_key}")

    def address(self, port: int | None = None) -> Address:
        return Address(LOOPBACK, port or self.port, USER)

    async def connect(self, **settings: Any) -> asyncssh.SSHClientConnection:
        """Connect as the manager that the agent knows, unless `settings` say otherwise."""
        options: dict[str, Any] = {
            "username": USER,
            "client_keys": [self.key],
            "known_hosts": None,
            "config": None,
            "agent_path": None,
            "preferred_auth": "publickey",
        }
        return await asyncssh.connect(LOOPBACK, self.port, **{**options, **settings})

    async def tells(self, *words: str) -> bool:
        """Wait until the agent tells of something in these words; raises TimeoutError."""
        async with asyncio.timeout(TELLS_WITHIN_S):
            while not any(all(word in line for word in words) for line in self.told):
                self._news.clear()
                await self._news.wait()
        return True

    def _tell(self, line: str) -> None:
        self.told.append(line)
        self._news.set()


@asynccontextmanager
async def manager_of(standing: Standing, host: str = "agent") -> AsyncIterator[SshTransport]:
    """Yield the transport of a manager; its home has been set up with `write_client_config`."""
    async with Connections(host, standing.address()) as connections:
        yield SshTransport(connections, Patience(), AgentDialect())


@asynccontextmanager
async def known_agent(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[Standing]:
    """Yield an agent with such settings, which is known in a home of its own."""
    home, place = folder / "home", folder / "agent"
    place.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with Standing(place, **settings).serving() as standing:
        standing.write_client_config(home)
        yield standing


MakeStanding = Callable[..., Awaitable[Standing]]
