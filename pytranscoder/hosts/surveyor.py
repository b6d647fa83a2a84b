"""What each kind of host is asked, in its own way: what it is and has, what it sees, what dead runs left running there.

Changes nothing but what the reaper ends.
"""

import asyncio
from typing import Protocol

from pytranscoder.errors import ForeignShellError
from pytranscoder.hosts.agents.survey import survey_agent
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.definition import HostDefinition
from pytranscoder.hosts.ffmpeg import check_ffmpeg, find_local_ffmpeg
from pytranscoder.hosts.reaper import reap
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.survey import Surveyed, size_on_host, survey
from pytranscoder.hosts.transport import Files, Transport
from pytranscoder.hosts.windows.survey import POSIX, choose_dialect, detect, why_invisible, windows_survey

# Windows compiles the supervisor first, and starts programs slowly while its virus scanner looks at them.
WINDOWS_WITHIN_S = 30.0


class Surveyor(Protocol):
    """Asks one host. All raise HostError."""

    async def survey(self, within_s: float) -> Surveyed:
        """Finds out what it is and has, or what stands against using it. Raises TimeoutError, too."""

    async def size_bytes(self, path: str) -> int | None:
        """Returns the size of a file as the host sees it; None when it does not see it."""

    async def reap(self) -> list[str]:
        """Ends what dead supervisors left running, and says what that was."""

    def why_invisible(self, path: str) -> str | None:
        """Says what most likely keeps a host of this kind from seeing a file; None when that is the mapping."""


class LocalSurveyor:
    """Asks this machine, where every dead run is recovered by the next one."""

    def __init__(self, transport: Transport, definition: HostDefinition) -> None:
        self._transport = transport
        self._definition = definition

    async def survey(self, within_s: float) -> Surveyed:
        """Looks at its ffmpeg."""
        async with asyncio.timeout(within_s):
            return Surveyed("", await check_ffmpeg(self._transport, find_local_ffmpeg(self._definition.ffmpeg)))

    async def size_bytes(self, path: str) -> int | None:
        """Asks the shell here."""
        return await size_on_host(self._transport, path)

    async def reap(self) -> list[str]:
        """Does nothing."""
        return []

    def why_invisible(self, path: str) -> str | None:  # noqa: ARG002
        """There is no mapping."""
        return None


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

    async def size_bytes(self, path: str) -> int | None:
        """Asks its sftp server."""
        return await self._files.size_bytes(path)

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
                await choose_dialect(self._transport)
                self._is_windows = True
            return await windows_survey(self._transport, self._definition, self._files)

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

    async def size_bytes(self, path: str) -> int | None:
        """Asks its shell; on Windows its sftp server, which is under the same user."""
        return await (self._files.size_bytes(path) if self._is_windows else size_on_host(self._transport, path))

    async def reap(self) -> list[str]:
        """Runs the reaper, but on Windows, where commands end with their supervisor."""
        return [] if self._is_windows else await reap(self._transport)

    def why_invisible(self, path: str) -> str | None:
        """Knows what keeps sessions of Windows from shares."""
        return why_invisible(path) if self._is_windows else None
