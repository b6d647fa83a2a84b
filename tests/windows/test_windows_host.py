"""Commands on a Windows host over ssh: under the supervisor that PowerShell compiles, and by cmd.exe alone."""

import asyncio
import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytranscoder.errors import HostError, LostError
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.supervisor import Patience
from pytranscoder.hosts.windows.dialects import CmdDialect, PowerShellDialect
from tests.windows.server import WindowsHost, end_processes
from tests.windows.wine import FFMPEG, WORDS

ANSWER_S = 20.0
# Wine begins more slowly than Windows ends.
ENDS_WITHIN_S = 10.0
CMD = r"C:\windows\system32\cmd.exe"
PARTIAL = r"C:\work\.a & b's (1)^.ptc-cafe-1-1.mkv"
FOREVER = (
    *(FFMPEG, "-nostdin", "-v", "error", "-y", "-re", "-f", "lavfi", "-i", "testsrc2=size=64x48"),
    *("-progress", "pipe:1", "-stats_period", "0.1", PARTIAL),
)
# Each takes a second or so.
FEW = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
PLAIN_WORD = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="%!"), max_size=20)
AWKWARD = [
    '"',
    "\\",
    'a\\"b',
    "\\\\ \\",
    '"" "',
    "a b",
    "",
    "^",
    "^^&|<>()",
    "100%",
    "no!",
    "-x",
    "/?",
    ",;=",
    "`$(x)'",
]


@pytest.fixture(params=[PowerShellDialect, CmdDialect], ids=["powershell", "cmd"])
def transport(connections: Connections, request: pytest.FixtureRequest) -> SshTransport:
    return SshTransport(connections, dialect=request.param("gaming"))


@pytest.fixture
def powershell(connections: Connections) -> SshTransport:
    return SshTransport(connections, Patience(heartbeat_s=1.0), PowerShellDialect("gaming"))


@pytest.fixture
def work(host: WindowsHost) -> Path:
    """The folder ``C:\\work``, empty."""
    folder = host.wine.drive / "work"
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder


async def words_that_arrive(transport: SshTransport, words: list[str]) -> list[str]:
    answer = await transport.capture((*WORDS, *words), ANSWER_S)
    lines = [line.removeprefix("word ") for line in answer.stdout.splitlines()]
    return [base64.b64decode(line).decode() for line in lines]


async def test_a_command_says_what_it_has_to_say(transport: SshTransport) -> None:
    answer = await transport.capture((CMD, "/c", "echo out&echo err>&2&exit 3"), ANSWER_S)

    assert (answer.exit_status, answer.stdout, answer.stderr.strip()) == (3, "out\r\n", "err")


@FEW
@given(st.lists(WORD, max_size=30))
@example([*AWKWARD, "%PATH%", "!PATH!", "two\r\nlines", "Müller & Söhne 🎬"])
async def test_words_arrive_as_they_are_by_powershell(powershell: SshTransport, words: list[str]) -> None:
    assert await words_that_arrive(powershell, words) == words


@FEW
@given(st.lists(PLAIN_WORD, max_size=30))
@example(AWKWARD)
async def test_words_arrive_as_they_are_by_cmd(connections: Connections, words: list[str]) -> None:
    transport = SshTransport(connections, dialect=CmdDialect("gaming"))

    assert await words_that_arrive(transport, words) == words


async def test_a_program_that_is_not_there_is_a_fault_of_the_host(powershell: SshTransport) -> None:
    with pytest.raises(HostError, match=r"host gaming: cannot run C:\\gone\.exe: No such file or directory"):
        await powershell.capture((r"C:\gone.exe",), ANSWER_S)


@pytest.mark.parametrize(("status", "left"), [(0, 1), (1, 0)])
async def test_a_partial_file_goes_unless_the_command_succeeds(
    transport: SshTransport, work: Path, status: int, left: int
) -> None:
    (work / PARTIAL.rpartition("\\")[2]).touch()

    async with transport.supervise((CMD, "/c", f"exit {status}"), PARTIAL) as process:
        assert await process.wait() == status

    assert len(list(work.iterdir())) == left


async def test_leaving_ends_the_command(transport: SshTransport, host: WindowsHost, work: Path) -> None:
    async with transport.supervise(FOREVER, PARTIAL) as process:
        await anext(process.lines())
        assert list(work.iterdir())

    await await_end(host)


async def test_a_lost_connection_ends_the_command(transport: SshTransport, host: WindowsHost, work: Path) -> None:
    del work
    with pytest.raises(LostError):
        await encode_until_lost(transport, host)

    await await_end(host)


async def test_the_supervisor_needs_nobody_to_end_the_command(
    powershell: SshTransport, host: WindowsHost, work: Path
) -> None:
    host.jobs = False
    with pytest.raises(LostError):
        await encode_until_lost(powershell, host)

    await await_end(host)
    assert list(work.iterdir()) == []


async def test_silence_ends_the_command(connections: Connections, host: WindowsHost, work: Path) -> None:
    host.jobs = False
    deaf = SshTransport(connections, Patience(heartbeat_s=60, silence_s=1), PowerShellDialect("gaming"))

    async with deaf.supervise(FOREVER, PARTIAL) as process:
        with pytest.raises(LostError, match="the supervisor of the command is gone"):
            await process.wait()

    assert list(work.iterdir()) == []


async def test_a_command_does_not_outlive_its_supervisor(
    powershell: SshTransport, host: WindowsHost, work: Path
) -> None:
    del work
    host.jobs = False
    async with powershell.supervise(FOREVER, PARTIAL) as process:
        await anext(process.lines())
        end_processes([each for each in host.processes() if b"stand-in" in command(each)])
        with pytest.raises(LostError):
            await process.wait()

    await await_end(host)


async def encode_until_lost(transport: SshTransport, host: WindowsHost) -> None:
    async with transport.supervise(FOREVER, PARTIAL) as process:
        await anext(process.lines())
        host.drop()
        await process.wait()


async def await_end(host: WindowsHost) -> None:
    """Wait until no program of the host has the output of a session open any more."""
    async with asyncio.timeout(ENDS_WITHIN_S):
        await host.idle()
    assert not [each for each in host.processes() if b"ffmpeg" in command(each)]


def command(process: int) -> bytes:
    """Return what a process was called with; nothing when it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
