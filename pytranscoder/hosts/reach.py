"""What it takes to reach a host over ssh, by its type, and what such a host is asked, each in its own way.

Changes nothing there but what the reaper ends. A run on this machine alone does not load it, nor what speaks ssh.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pytranscoder.errors import ForeignShellError, HostError
from pytranscoder.hosts.agents.calls import AgentDialect
from pytranscoder.hosts.agents.survey import survey_agent
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.rate import Limiter
from pytranscoder.hosts.reaper import reap
from pytranscoder.hosts.sftp import SftpFiles
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.supervisor import PosixDialect
from pytranscoder.hosts.survey import Sight, Surveyed, look_on_host, survey
from pytranscoder.hosts.surveyor import Surveyor
from pytranscoder.hosts.transport import Files, Transport
from pytranscoder.hosts.windows.survey import POSIX, choose_dialect, detect, why_invisible, windows_survey

# Windows compiles the supervisor first, and starts programs slowly while its virus scanner looks at them.
WINDOWS_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Reach:
    """Connections to one host, and what works over them."""

    connections: Connections
    transport: Transport
    files: Files
    surveyor: Surveyor


@asynccontextmanager
async def reached(definition: HostDefinition, trust: Trust, limiters: tuple[Limiter, Limiter]) -> AsyncIterator[Reach]:
    """Yields what reaches a host, which is connected to only when that is used; closes the connections."""
    async with Connections(definition.name, _address(definition, trust)) as connections:
        files = SftpFiles(connections, None, limiters=limiters)
        if definition.type is HostType.AGENT:
            transport = SshTransport(connections, dialect=AgentDialect())
            yield Reach(connections, transport, files, AgentSurveyor(transport, definition, files))
        else:
            transport = SshTransport(connections, dialect=PosixDialect())
            yield Reach(connections, transport, files, SystemSurveyor(connections, transport, definition, files))


def _address(definition: HostDefinition, trust: Trust) -> Address:
    ip = definition.ip or definition.name
    if definition.type is HostType.AGENT:  # which has one account
        return Address(ip, definition.port, trust=trust)
    return Address(ip, definition.port, definition.user)


class AgentSurveyor:
    """Asks an agent, whose commands end with it."""

    def __init__(self, transport: Transport, definition: HostDefinition, files: Files) -> None:
        self._transport = transport
        self._definition = definition
        self._files = files

    async def survey(self, within_s: float) -> Surveyed:
        """Lets it tell of itself."""
        async with asyncio.timeout(within_s):
            return await survey_agent(self._transport, self._definition)

    async def look(self, path: str) -> Sight:
        """Asks its sftp server, which does not tell what may be written."""
        return Sight(await self._files.size_bytes(path))

    async def reap(self) -> list[str]:
        """Does nothing."""
        return []

    def why_invisible(self, path: str) -> str | None:  # noqa: ARG002
        """It sees what it shares."""
        return None


class SystemSurveyor:
    """Asks a host with an ssh server, once it is found out which system that is: the configuration need not say."""

    def __init__(
        self, connections: Connections, transport: SshTransport, definition: HostDefinition, files: Files
    ) -> None:
        self._connections = connections
        self._transport = transport
        self._definition = definition
        self._files = files
        self._is_windows = False

    async def survey(self, within_s: float) -> Surveyed:
        """Runs the survey of its system. One of Windows has more time."""
        async with asyncio.timeout(within_s):
            found = await self._survey_posix()
        if found is not None:
            return found
        async with asyncio.timeout(WINDOWS_WITHIN_S):
            if not self._is_windows:
                await self._learn_dialect()
                self._is_windows = True
            return await windows_survey(self._transport, self._definition, self._files)

    async def _learn_dialect(self) -> None:
        try:
            await choose_dialect(self._transport)
        except ForeignShellError as exc:
            if await detect(self._connections) != POSIX:
                raise
            reason = "its login shell is none of Windows; correct `os`, or leave it out to have it found out"
            raise HostError(self._definition.name, reason) from exc

    async def _survey_posix(self) -> Surveyed | None:
        """Returns None for a host with Windows."""
        if self._definition.os == "windows" or self._is_windows:
            return None
        try:
            files = self._files if self._definition.is_copied_to else None
            return await survey(self._transport, self._definition, files)
        except ForeignShellError:
            if await detect(self._connections) == POSIX:
                raise
            return None

    async def look(self, path: str) -> Sight:
        """Asks its shell; on Windows its sftp server, which is under the same user."""
        if self._is_windows:
            return Sight(await self._files.size_bytes(path))
        return await look_on_host(self._transport, path)

    async def reap(self) -> list[str]:
        """Runs the reaper, but on Windows, where commands end with their supervisor."""
        return [] if self._is_windows else await reap(self._transport)

    def why_invisible(self, path: str) -> str | None:
        """Knows what keeps sessions of Windows from shares."""
        return why_invisible(path) if self._is_windows else None
