"""An agent put together: from what it works with to one that listens. Knows no command line, and decides nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.agent.admission import Admission
from pytranscoder.agent.folders import Folders
from pytranscoder.agent.gate import check_words
from pytranscoder.agent.log import Log
from pytranscoder.agent.probe import Description, SelfProbe
from pytranscoder.agent.room import Room
from pytranscoder.agent.server import Agent, Limits, serving
from pytranscoder.agent.sftp import Grounds
from pytranscoder.agent.work import Errand, Gate, Place, Work
from pytranscoder.errors import ForbiddenError
from pytranscoder.hosts.agents.calls import FFMPEG, Call, Share
from pytranscoder.hosts.wardens.confinement import Confinement, what_confines


@dataclass(frozen=True, slots=True)
class Setup:
    """What an agent works with, checked. `address` is empty for all of this machine's, `port` 0 for a free one.

    `told` is what managers are told of the shares.
    """

    state: Path
    address: str
    port: int
    working_dir: Path
    ffmpeg: str
    slots: int
    shares: tuple[Path, ...] = ()
    writable_shares: tuple[Path, ...] = ()
    told: tuple[Share, ...] = ()
    leave_free_bytes: int | None = None

    @property
    def writable(self) -> tuple[Path, ...]:
        """The folders that managers may write to."""
        return (self.working_dir, *self.writable_shares)


@dataclass(frozen=True, slots=True)
class Started:
    """An agent that listens. `confined_by` is empty where nothing confines its ffmpeg."""

    port: int
    ffmpeg_version: str
    confined_by: str


@asynccontextmanager
async def started(setup: Setup, admission: Admission, say: Callable[[str], object]) -> AsyncIterator[Started]:
    """Starts an agent that tells of its work; leaving it ends all that it runs.

    Raises FfmpegMissingError, and OSError when it cannot listen there.
    """
    confined_by = await asyncio.to_thread(what_confines)
    room = Room(setup.leave_free_bytes)
    probe = SelfProbe(Description(setup.ffmpeg, setup.working_dir, setup.told, setup.slots, confined_by), room)
    ffmpeg = await probe.ffmpeg()
    folders = Folders(setup.working_dir, setup.shares, setup.writable_shares)
    log = Log(say)
    place = Place(setup.working_dir, room, _confinement(setup) if confined_by else None)
    work = Work(gate_of(setup.ffmpeg, folders), probe.report, place, setup.slots, log)
    agent = Agent(admission, work, Grounds(folders, room), log, Limits())
    async with serving(agent, setup.address, setup.port) as port:
        yield Started(port, ffmpeg.version, confined_by)


def gate_of(ffmpeg: str, folders: Folders) -> Gate:
    """Returns what lets through this ffmpeg only, with arguments that stay in the folders."""

    def check(call: Call) -> Errand:
        program, *words = call.argv
        if program not in (FFMPEG, ffmpeg):
            raise ForbiddenError(f"this agent runs {ffmpeg} and nothing else")
        checked = check_words(words, folders)
        partial = (str(folders.writable(call.partial)),) if call.partial else ()
        return Errand((ffmpeg, *checked.words), tuple(dict.fromkeys((*map(str, checked.outputs), *partial))))

    return check


def _confinement(setup: Setup) -> Confinement:
    return Confinement(tuple(map(str, setup.shares)), tuple(map(str, setup.writable)))
