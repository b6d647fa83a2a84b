"""What a kind of host is asked: what it is and has, what it sees, what dead runs left running there; of this machine.

Changes nothing but what the reaper ends.
"""

import asyncio
from typing import Protocol

from pytranscoder.hosts.definition import HostDefinition
from pytranscoder.hosts.ffmpeg import check_ffmpeg, find_local_ffmpeg
from pytranscoder.hosts.survey import Sight, Surveyed, look_on_host
from pytranscoder.hosts.transport import Transport


class Surveyor(Protocol):
    """Asks one host. All raise HostError."""

    async def survey(self, within_s: float) -> Surveyed:
        """Finds out what it is and has, or what stands against using it. Raises TimeoutError, too."""

    async def look(self, path: str) -> Sight:
        """Looks at a file as the host sees it."""

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

    async def look(self, path: str) -> Sight:
        """Asks the shell here."""
        return await look_on_host(self._transport, path)

    async def reap(self) -> list[str]:
        """Does nothing."""
        return []

    def why_invisible(self, path: str) -> str | None:  # noqa: ARG002
        """There is no mapping."""
        return None
