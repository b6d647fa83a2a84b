"""The first minute with pytranscoder: makes a few real clips with ffmpeg's sources, and a cluster that transcodes them.

The cluster is this machine and two agents in threads of this program, so that nothing of it outlives the demo.
"""

import asyncio
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import asyncssh

from pytranscoder.agent.admission import Admission
from pytranscoder.agent.service import Setup, started
from pytranscoder.encode.choose import Policy
from pytranscoder.errors import FfmpegMissingError, HostError, UsageError, printable
from pytranscoder.fleet import Member
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.ffmpeg import find_local_ffmpeg
from pytranscoder.jobs.events import LOCAL_HOST
from pytranscoder.jobs.sources import Request, Selection
from pytranscoder.profiles.builtin import BUILTIN_PROFILES
from pytranscoder.runner import Order

CLUSTER = "demo"
AGENTS = ("agent-one", "agent-two")
LOOPBACK = "127.0.0.1"


class Clip(NamedTuple):
    """A clip to make: its name, its picture (https://ffmpeg.org/ffmpeg-filters.html#Video-Sources), its length."""

    name: str
    picture: str
    seconds: int


CLIPS = (
    Clip("Test Card", "testsrc2=size=640x360:rate=25", 20),
    Clip("Mandelbrot", "mandelbrot=size=640x360:rate=25", 12),
    Clip("Game of Life", "life=size=320x180:rate=25:mold=10:ratio=0.1:death_color=#102040:life_color=#80ffa0", 16),
    Clip("Sierpinski", "sierpinski=size=640x360:rate=25", 14),
    Clip("Colours", "rgbtestsrc=size=640x360:rate=25", 24),
    Clip("Old Test Card", "testsrc=size=640x360:rate=25", 18),
)
SUBTITLE = "1\n00:00:01,000 --> 00:00:04,000\nA film of {seconds} seconds.\n"


def run_demo(
    folder: Path, carry_out: Callable[[Order], int], say: Callable[[str], object], clips: Sequence[Clip] = CLIPS
) -> int:
    """Make clips in a new folder, transcode them there with `carry_out`, `say` what happens; return the exit status.

    Raises UsageError when the folder is in use, HostError when there is no ffmpeg or it cannot make the clips.
    """
    ffmpeg = find_local_ffmpeg(None)
    try:
        folder.mkdir(parents=True)
    except OSError as exc:
        raise UsageError(f"cannot make {printable(folder)}: {exc.strerror}; name another folder") from exc
    say(f"making {len(clips)} clips (h264, aac, subtitles) in {printable(folder)}/")
    for clip in clips:
        _make_clip(ffmpeg, folder / f"{clip.name}.mp4", clip)
    say(f"starting {len(AGENTS)} agents, which make a cluster with this machine")
    with _agents(ffmpeg) as (trust, hosts):
        status = carry_out(
            Order(
                run=secrets.token_hex(4),
                requests=[Request(folder, Selection(profile="hevc"), cluster=CLUSTER)],
                policy=Policy(profiles=BUILTIN_PROFILES),
                hosts=[Member(definition, CLUSTER) for definition in (_THIS_MACHINE, *hosts)],
                trust=trust,
            )
        )
    if status == 0:
        say(f"the films in {printable(folder)}/ are HEVC in mkv now; their sources were replaced")
    return status


_THIS_MACHINE = HostDefinition("this-machine", HostType.LOCAL)


@contextmanager
def _agents(ffmpeg: str) -> Iterator[tuple[Trust, list[HostDefinition]]]:
    """Starts the agents, each known to the trust that is yielded with them, and stops them in the end."""
    with tempfile.TemporaryDirectory(prefix="pytranscoder-demo-") as folder, ExitStack() as stack:
        trust = Trust(Path(folder) / "manager")
        key = asyncssh.read_private_key(trust.key()).export_public_key().decode()
        hosts = []
        for name in AGENTS:
            agent = _Agent(Path(folder) / name, ffmpeg, key)
            port = stack.enter_context(agent.running())
            trust.pin(LOOPBACK, port, agent.host_key)
            hosts.append(HostDefinition(name, HostType.AGENT, ip=LOOPBACK, port=port))
        yield trust, hosts


@dataclass(slots=True)
class _Agent:
    """An agent in a thread with an event loop of its own, that lets in the manager with this key."""

    folder: Path
    ffmpeg: str
    manager_key: str

    @property
    def host_key(self) -> asyncssh.SSHKey:
        return self._admission.host_key()

    @property
    def _admission(self) -> Admission:
        return Admission(self.folder / "state", (self.folder / "managers",))

    @contextmanager
    def running(self) -> Iterator[int]:
        """Runs it and yields the port that it listens on."""
        (self.folder / "work").mkdir(parents=True)
        (self.folder / "managers").write_text(self.manager_key)
        port: Future[int] = Future()
        end: Future[None] = Future()
        thread = threading.Thread(target=asyncio.run, args=(self._serve(port, end),), name=self.folder.name)
        thread.start()
        try:
            yield port.result()
        finally:
            end.set_result(None)
            thread.join()

    async def _serve(self, port: "Future[int]", end: "Future[None]") -> None:
        folder = self.folder.resolve()
        setup = Setup(folder / "state", LOOPBACK, 0, folder / "work", self.ffmpeg, slots=2, leave_free_bytes=0)
        try:
            async with started(setup, self._admission, lambda _: None) as agent:
                port.set_result(agent.port)
                await asyncio.wrap_future(end)
        except BaseException as exc:  # of whatever kind: it is raised where the port is waited for
            if port.done():
                raise
            port.set_exception(exc)


def _make_clip(ffmpeg: str, path: Path, clip: Clip) -> None:
    command = [ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", clip.picture]
    command += ["-f", "lavfi", "-i", "sine=frequency=330:beep_factor=4"]
    command += ["-f", "srt", "-i", "pipe:0", "-t", str(clip.seconds)]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p"]
    command += ["-c:a", "aac", "-c:s", "mov_text", "-metadata:s:a:0", "language=eng", "-metadata:s:s:0", "language=eng"]
    subtitle = SUBTITLE.format(seconds=clip.seconds).encode()
    try:
        subprocess.run([*command, f"file:{path}"], input=subtitle, check=True)
    except OSError as exc:
        raise FfmpegMissingError(LOCAL_HOST, f"cannot run {ffmpeg}: {exc.strerror}") from exc
    except subprocess.CalledProcessError as exc:  # it has said why on standard error
        raise HostError(LOCAL_HOST, f"{ffmpeg} cannot make {printable(path)}: status {exc.returncode}") from exc
