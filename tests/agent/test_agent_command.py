"""The command `agent` as a process of its own: what it says, what it refuses, and that nothing outlives it."""

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from pytranscoder.agent.command import address_for_others, run_agent
from pytranscoder.arguments import parse
from pytranscoder.errors import UsageError
from pytranscoder.hosts.agents.calls import FFMPEG, RUN, USER, Call, write_call
from pytranscoder.hosts.agents.enrolment import accept
from pytranscoder.hosts.agents.trust import Trust
from tests import clips
from tests.agent.standing import LOOPBACK

ENDS_WITHIN_S = 5.0
ALL_ADDRESSES = ("", "0.0.0.0", "::")  # noqa: S104  # nothing is bound to them here


@dataclass
class Home:
    """The home of a machine with an agent, and how the agent is started there."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def places(self) -> dict[str, Path]:
        return {"HOME": self.folder, "XDG_STATE_HOME": self.folder / "state", "XDG_CACHE_HOME": self.folder / "cache"}

    @property
    def working_dir(self) -> Path:
        return self.folder / "cache" / "pytranscoder" / "agent"

    async def start(self, *options: str) -> Process:
        program = str(Path(__file__).with_name("agent_process.py"))
        root = str(Path(__file__).parents[2])
        places = {name: str(place) for name, place in self.places.items()}
        environment = {**os.environ, "PYTHONPATH": root, **places, "FFREPORT": f"file={self.folder}/report"}
        return await asyncio.create_subprocess_exec(
            sys.executable, program, *options, stdout=PIPE, stderr=PIPE, env=environment
        )

    async def refusal(self, *options: str) -> str:
        process = await self.start(*options)
        _, stderr = await process.communicate()
        assert process.returncode == 2
        return stderr.decode()

    @asynccontextmanager
    async def running(self, *options: str) -> AsyncIterator[tuple[Process, int]]:
        """Yield a running agent on loopback and its port."""
        process = await self.start("--listen", f"{LOOPBACK}:0", *options)
        try:
            port = int(await self.hear(process, r"listening on .* port (\d+)"))
            await self.hear(process, r"(ffmpeg is .*)")
            yield process, port
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def hear(self, process: Process, pattern: str) -> str:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            while line := (await process.stdout.readline()).decode():
                self.said.append(line)
                if found := re.search(pattern, line):
                    return found[1]
        raise AssertionError((await process.communicate())[1].decode())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def stopped(process: Process, number: int) -> int | None:
    process.send_signal(number)
    async with asyncio.timeout(ENDS_WITHIN_S):
        await process.communicate()
    return process.returncode


async def test_it_says_what_it_is(home: Home) -> None:
    async with home.running() as (process, port):
        assert await stopped(process, signal.SIGTERM) == 0

    said = "".join(home.said)
    assert f"listening on {LOOPBACK}, port {port}\nkey: SHA256:" in said
    assert re.search(r"\nffmpeg: /.*version \S+\), \d+ at a time\n", said)
    assert f"\nworking directory: {home.working_dir}\n" in said
    assert re.search(r"\nffmpeg is (confined: landlock|NOT confined)", said)


async def test_its_folders_are_for_its_owner_alone(home: Home) -> None:
    async with home.running():
        modes = [
            place.stat().st_mode & 0o777
            for place in (home.working_dir, home.folder / "state" / "pytranscoder" / "agent")
        ]

    assert modes == [0o700, 0o700]


@pytest.fixture
def few_files() -> Iterator[int]:
    """The hard limit of open files, while the soft one is low."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of the limits of another process")
async def test_it_may_open_as_many_files_as_the_system_allows(home: Home, few_files: int) -> None:
    async with home.running() as (process, _):
        limits = Path(f"/proc/{process.pid}/limits").read_text()

    said = next(line.split() for line in limits.splitlines() if line.startswith("Max open files"))
    assert said[3] == said[4] == str(few_files)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_being_stopped_is_its_normal_end(home: Home, number: int) -> None:
    async with home.running() as (process, _):
        assert await stopped(process, number) == 0


async def test_a_second_one_with_the_same_state_is_refused(home: Home) -> None:
    async with home.running():
        assert "an agent runs already" in await home.refusal("--listen", f"{LOOPBACK}:0")


async def test_an_invitation_lets_a_manager_in_beside_a_running_agent(home: Home, tmp_path: Path) -> None:
    async with home.running() as (_, port):
        inviting = await home.start("--invite")
        said, _ = await inviting.communicate()
        found = re.search(r"pytranscoder trust '(.*)'", said.decode())

        assert found is not None
        assert found[1].startswith(f"{LOOPBACK}:{port} SHA256:")
        assert "knows this machine now" in await accept(found[1], Trust(tmp_path / "trust"))


async def test_an_invitation_starts_an_agent_when_none_runs(home: Home, tmp_path: Path) -> None:
    process = await home.start("--listen", f"{LOOPBACK}:0", "--invite")
    line = await home.hear(process, r"pytranscoder trust '(.*)'")

    await accept(line, Trust(tmp_path / "trust"))

    await home.hear(process, "(handed over its key)")
    assert await stopped(process, signal.SIGTERM) == 0


async def test_a_port_that_is_taken_is_a_mistake_of_usage(home: Home) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), LOOPBACK)
    async with server:
        port = server.sockets[0].getsockname()[1]

        said = await home.refusal("--listen", f"{LOOPBACK}:{port}")

    assert f"cannot listen on {LOOPBACK}, port {port}: Address already in use; choose another --listen" in said


async def test_an_ffmpeg_may_be_named_by_a_relative_path(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my ffmpeg").symlink_to(clips.FFMPEG)
    monkeypatch.chdir(tmp_path)

    async with home.running("--ffmpeg", "./my ffmpeg"):
        assert f"ffmpeg: {tmp_path}/my ffmpeg (version " in "".join(home.said)


NONSENSE = {
    "a share that is not there": (["--share", "{0}/nothing"], "there is no folder"),
    "a share that is a file": (["--share", "{0}/file"], "there is no folder"),
    "the working directory in a share": (["--share", "{0}", "--working-dir", "{0}/work"], "lies in the other"),
    "a share in the working directory": (["--share", "{0}/work/x", "--working-dir", "{0}/work"], "lies in the other"),
    "the agent's own keys in a share": (["--share", "{1}"], "has the keys of this agent"),
    "everything": (["--share-rw", "/"], "has the keys of this agent"),
    "the program in a writable share": (["--share-rw", "{2}"], "has a program in it"),
    "an ffmpeg that is not there": (["--ffmpeg", "{0}/nothing"], "no ffmpeg at .*; correct --ffmpeg"),
    "keys of managers that are not there": (["--authorized-keys", "{0}/nothing"], "correct --authorized-keys"),
    "keys of managers in a writable share": (
        ["--share-rw", "{0}", "--authorized-keys", "{0}/file"],
        "has the keys of this agent",
    ),
}


@pytest.mark.parametrize(("options", "reason"), NONSENSE.values(), ids=NONSENSE.keys())
def test_it_does_not_start_with(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], reason: str
) -> None:
    for name, place in home.places.items():
        monkeypatch.setenv(name, str(place))
    media = tmp_path / "media"
    (media / "work" / "x").mkdir(parents=True)
    (media / "file").touch()
    program = Path(__file__).parents[2] / "pytranscoder"
    words = [option.format(media, home.folder, program) for option in options]

    with pytest.raises(UsageError, match=reason):
        run_agent(parse(["agent", *words]).agent, home.said.append)

    assert home.said == []


@pytest.mark.parametrize("address", ["127.0.0.1", "fd00::7", "studio.local"])
def test_a_manager_is_invited_to_the_address_that_was_given(address: str) -> None:
    assert address_for_others(address) == address


@pytest.mark.parametrize("address", ALL_ADDRESSES)
def test_a_manager_is_invited_to_an_address_of_this_machine_when_all_are_good(address: str) -> None:
    assert address_for_others(address) not in ALL_ADDRESSES


def is_encoding(home: Home) -> bool:
    """Whether an ffmpeg of the agent runs, whatever its parent is."""
    output = os.fsencode(f"file:{home.working_dir}/out.mkv")
    for commands in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if output in commands.read_bytes().split(b"\0"):
                return True
    return False


async def begin_encode(home: Home, connection: asyncssh.SSHClientConnection) -> None:
    """Begin one that does not end by itself."""
    process = await connection.create_process(RUN, encoding=None)
    endless = ("-re", "-stream_loop", "-1", "-i", "film.mp4", "-sn", "-c", "copy")
    call = Call((FFMPEG, "-nostdin", "-y", *endless, "out.mkv"), "out.mkv", "t", 30, 1)
    process.stdin.write(write_call(call))
    assert await process.stdout.readline() == b"ptc-begin t\n"
    async with asyncio.timeout(10):
        while not (home.working_dir / "out.mkv").exists():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
async def test_ffmpeg_ends_with_the_agent(home: Home, film: Path, tmp_path: Path, number: int) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    managers = tmp_path / "managers"
    managers.write_bytes(key.export_public_key())
    async with home.running("--authorized-keys", str(managers)) as (agent, port):
        shutil.copy(film, home.working_dir / "film.mp4")
        options: dict[str, Any] = {"username": USER, "client_keys": [key], "known_hosts": None, "config": None}
        async with await asyncssh.connect(LOOPBACK, port, **options) as connection:
            await begin_encode(home, connection)
            assert is_encoding(home)
            assert not (home.folder / "report").exists()

            agent.send_signal(number)
            async with asyncio.timeout(ENDS_WITHIN_S):
                while is_encoding(home) or (home.working_dir / "out.mkv").exists():  # noqa: ASYNC110  # as above
                    await asyncio.sleep(0.02)
