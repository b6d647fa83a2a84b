"""A film of an awkward name, encoded on a Windows host to which it is copied, from its survey to its replacement."""

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytranscoder.encode.attempt import Attempt, Host, Tools
from pytranscoder.encode.copied import Copied
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.sftp import SftpFiles
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.windows.dialects import CmdDialect, PowerShellDialect
from pytranscoder.hosts.windows.survey import CMD, choose_dialect, detect, windows_survey
from pytranscoder.jobs.events import AttemptFailed, AttemptSucceeded, EncodeStarted, Event
from pytranscoder.jobs.journal import Journal
from pytranscoder.media.prober import Prober
from pytranscoder.profiles.definition import ProfileDefinition
from tests.clips import Clips
from tests.encode.samples import RUN, Shelf, planned_job
from tests.windows.server import WindowsHost
from tests.windows.wine import FFMPEG

NAME = "Ünser Film & 100 % 'wahr' (1); $(x) ^%PATH%! \"2\""
X264 = ProfileDefinition(
    "x264",
    output_options="-c:v libx264 -preset ultrafast -crf 35 -c:a copy -metadata title='Größe & \"mehr\" 100 %'",
    extension=".mkv",
)


@dataclass(slots=True)
class Pc:
    """A Windows host, and what is heard of it."""

    host: WindowsHost
    connections: Connections
    shelf: Shelf
    prober: Prober
    events: list[Event] = field(default_factory=list)

    async def encode(
        self, source: Path, profile: ProfileDefinition, working_dir: str
    ) -> AttemptSucceeded | AttemptFailed:
        """Encode a film, from the survey of the host to the removal of the last directory there."""
        transport, files = SshTransport(self.connections), SftpFiles(self.connections, None)
        await choose_dialect(transport)
        found = await windows_survey(transport, definition(working_dir, FFMPEG), files)
        copied = Copied(
            self.shelf.journal, RUN, files, working_dir, transport.host, "home", self.events.append, time.time
        )
        local = LocalTransport("local")
        tools = Tools(RUN, self.shelf.journal, self.prober, self.events.append, time.time, 30.0, local, str)
        film = planned_job(await self.prober.probe(source), profile)
        try:
            return await Attempt(film, 1, f"{RUN}-1-1", Host(transport, copied, found.ffmpeg, "home"), tools).run()
        finally:
            await copied.close()


@pytest.fixture
async def pc(host: WindowsHost, connections: Connections, tmp_path: Path) -> AsyncIterator[Pc]:
    (tmp_path / "films").mkdir()
    with closing(Journal(tmp_path / "state")) as journal:
        journal.begin_run(RUN, 0.0)
        async with Prober() as prober:
            yield Pc(host, connections, Shelf(tmp_path / "films", tmp_path, journal), prober)


def definition(working_dir: str, ffmpeg: str | None = None) -> HostDefinition:
    return HostDefinition("gaming", HostType.STREAMING, ffmpeg=ffmpeg, working_dir=working_dir)


@pytest.mark.parametrize("has_powershell", [True, False])
async def test_a_windows_host_is_known_by_its_answers(
    host: WindowsHost, connections: Connections, has_powershell: bool
) -> None:
    host.powershell = has_powershell
    transport = SshTransport(connections)

    assert await detect(connections) == CMD
    assert isinstance(await choose_dialect(transport), PowerShellDialect if has_powershell else CmdDialect)
    found = await windows_survey(transport, definition(r"C:\not\yet"), SftpFiles(connections, None))
    assert (found.os, found.ffmpeg.path) == ("windows", FFMPEG)
    assert found.free_bytes


@pytest.mark.parametrize("working_dir", [r"C:\temp", "c:/temp/ümlaut & co"])
async def test_a_film_is_copied_encoded_fetched_and_put_in_place(pc: Pc, clips: Clips, working_dir: str) -> None:
    shutil.copy(clips.timecode(), pc.shelf.films / f"{NAME}.mp4")

    ended = await pc.encode(pc.shelf.films / f"{NAME}.mp4", X264, working_dir)

    assert isinstance(ended, AttemptSucceeded), ended
    assert [path.name for path in pc.shelf.films.iterdir()] == [f"{NAME}.mkv"]
    assert [*pc.host.wine.drive.rglob("pytranscoder-*")] == []
    (begun,) = [event for event in pc.events if isinstance(event, EncodeStarted)]
    assert begun.argv[-1] == f"{working_dir}\\pytranscoder-{RUN}\\1-1\\output.mkv"
