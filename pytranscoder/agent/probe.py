"""What an agent says of itself: its machine, its ffmpeg, its folders. Asks ffmpeg once, and when it was replaced."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pytranscoder import __version__
from pytranscoder.agent.room import Room
from pytranscoder.hosts.agents.calls import AgentReport, Share
from pytranscoder.hosts.ffmpeg import Ffmpeg, check_ffmpeg
from pytranscoder.hosts.local import LocalTransport

_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


@dataclass(frozen=True, slots=True)
class Description:
    """What does not change while an agent runs."""

    ffmpeg: str
    working_dir: Path
    shares: tuple[Share, ...]
    slots: int
    confinement: str


class SelfProbe:
    """Answers probes."""

    def __init__(self, description: Description, room: Room) -> None:
        self._description = description
        self._room = room
        self._asking = asyncio.Lock()
        self._known: tuple[object, Ffmpeg] | None = None

    async def ffmpeg(self) -> Ffmpeg:
        """Returns what is known of the ffmpeg. Raises FfmpegMissingError."""
        path = self._description.ffmpeg
        async with self._asking:
            identity = _identity(path)
            if self._known is None or self._known[0] != identity:
                self._known = (identity, await check_ffmpeg(LocalTransport("agent"), path))
            return self._known[1]

    async def report(self) -> AgentReport:
        """Returns the answer to a probe. Raises FfmpegMissingError."""
        told = self._description
        ffmpeg = await self.ffmpeg()
        return AgentReport(
            version=__version__,
            os=_SYSTEMS.get(sys.platform, sys.platform),
            cores=os.cpu_count() or 1,
            slots=told.slots,
            ffmpeg=ffmpeg.path,
            ffmpeg_version=ffmpeg.version,
            encoders=tuple(sorted(ffmpeg.encoders)),
            working_dir=str(told.working_dir),
            free_bytes=max(0, await asyncio.to_thread(self._room.bytes_at, told.working_dir)),
            shares=told.shares,
            confinement=told.confinement,
        )


def _identity(path: str) -> object:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
