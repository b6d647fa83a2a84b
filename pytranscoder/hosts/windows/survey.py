"""What a Windows host is and has: its login shell, PowerShell, ffmpeg, room. Asks only, changes nothing there."""

import asyncio
import re
from contextlib import suppress

import asyncssh

from pytranscoder.errors import FfmpegMissingError, ForeignShellError, HostError, LostError
from pytranscoder.hosts.connection import Connections, describe_loss
from pytranscoder.hosts.definition import HostDefinition
from pytranscoder.hosts.ffmpeg import ANSWER_WITHIN_S, Ffmpeg, check_ffmpeg
from pytranscoder.hosts.mapping import is_windows_path
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.supervisor import Dialect
from pytranscoder.hosts.survey import Surveyed
from pytranscoder.hosts.transport import Files, Transport
from pytranscoder.hosts.windows.dialects import CmdDialect, PowerShellDialect

POSIX = "posix"
CMD = "cmd"
POWERSHELL = "powershell"

# cmd.exe says "Windows_NT $env:OS", PowerShell "%OS%" and "Windows_NT"; no POSIX shell says "Windows_NT".
_QUESTION = "echo %OS% $env:OS"
_MOST_BYTES = 4096

# Where the usual installers put ffmpeg, when sshd does not know the PATH that they changed: it learns it when it is
# started. Below the folder that a variable names.
_PLACES = (
    ("ProgramData", r"chocolatey\bin\ffmpeg.exe"),
    ("LOCALAPPDATA", r"Microsoft\WinGet\Links\ffmpeg.exe"),
    ("USERPROFILE", r"scoop\shims\ffmpeg.exe"),
    ("ProgramFiles", r"ffmpeg\bin\ffmpeg.exe"),
    ("SystemDrive", r"ffmpeg\bin\ffmpeg.exe"),
)
# `set NAME` says what the variables whose names begin like that are, in lines NAME=VALUE.
_TELL_FOLDERS = ("cmd", "/d", "/s", "/c", "chcp 65001 >nul" + "".join(f"&set {name}" for name, _ in _PLACES))


async def detect(connections: Connections) -> str:
    """Finds out what the login shell is: POSIX, CMD or POWERSHELL. Raises HostError.

    A shell that does not answer as one of Windows is taken for a POSIX shell.
    """
    async with connections.session(_Answer, _QUESTION) as (channel, answer):
        with suppress(BrokenPipeError):
            channel.write_eof()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await answer.ended.wait()
        except TimeoutError as exc:
            reason = f"its login shell did not answer within {ANSWER_WITHIN_S:g} s"
            raise HostError(connections.host, reason) from exc
    if answer.fault is not None:
        raise LostError(connections.host, describe_loss(answer.fault))
    return read_shell(answer.text)


def read_shell(answer: str) -> str:
    """Reads from the answer to the question which shell gave it."""
    if "Windows_NT" not in answer:
        return POSIX
    return POWERSHELL if "%OS%" in answer else CMD


class _Answer(asyncssh.SSHClientSession[bytes]):
    """Takes what a login shell says until it ends."""

    def __init__(self) -> None:
        self._said = bytearray()
        self.ended = asyncio.Event()
        self.fault: Exception | None = None

    @property
    def text(self) -> str:
        return self._said.decode(errors="replace")

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is None:
            self._said += data[: _MOST_BYTES - len(self._said)]

    def connection_lost(self, exc: Exception | None) -> None:
        self.fault = exc
        self.ended.set()


async def choose_dialect(transport: SshTransport) -> Dialect:
    """Finds out how a Windows host can be told what to run, and lets the transport speak like that.

    By way of PowerShell, and without where policies or its absence do not allow it. Raises HostError.
    """
    transport.dialect = PowerShellDialect(transport.host)
    try:
        await transport.capture(("cmd", "/d", "/c", "ver"), ANSWER_WITHIN_S)
    except ForeignShellError:
        transport.dialect = CmdDialect(transport.host)
        await transport.capture(("cmd", "/d", "/c", "ver"), ANSWER_WITHIN_S)
    return transport.dialect


async def windows_survey(transport: Transport, definition: HostDefinition, files: Files | None) -> Surveyed:
    """Surveys a Windows host whose dialect is spoken. Without `files` no ffmpeg is looked for but in PATH.

    Raises HostError that says what stands against using it.
    """
    ffmpeg = await _find_ffmpeg(transport, definition.ffmpeg, files)
    if files is None or not definition.is_copied_to:
        return Surveyed("windows", ffmpeg)
    directory = definition.working_dir or ""
    if not is_windows_path(directory):
        raise HostError(definition.name, f"working_dir {directory} is no path on Windows; name one such as C:\\temp")
    return Surveyed("windows", ffmpeg, await files.free_bytes(directory))


async def _find_ffmpeg(transport: Transport, configured: str | None, files: Files | None) -> Ffmpeg:
    if configured:
        return await check_ffmpeg(transport, configured)
    with suppress(FfmpegMissingError):
        return await check_ffmpeg(transport, "ffmpeg")
    if files is not None:
        # By sftp, as it takes Windows a second or more to begin a command under a supervisor.
        for place in await _places(transport):
            if await files.size_bytes(place) is not None:
                return await check_ffmpeg(transport, place)
    remedy = "install it there and restart the service sshd, which learns PATH only then, or say where it is"
    raise FfmpegMissingError(transport.host, f"no ffmpeg found; {remedy} with `ffmpeg`")


async def _places(transport: Transport) -> list[str]:
    answer = await transport.capture(_TELL_FOLDERS, ANSWER_WITHIN_S)
    folders = dict(line.strip().split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    return [f"{folders[name]}\\{place}" for name, place in _PLACES if name in folders]


def why_invisible(path: str) -> str:
    """Says why a file on a share may not be seen by what runs over ssh on a Windows host, and what to do about it."""
    reason = "Windows lets who logged in with a key into no share"
    if re.match(r"[A-Za-z]:", path):
        reason = "drive letters that were mapped at the desktop are not there over ssh"
    return f"{reason}; use `type: streaming`, or an agent that runs at the desktop"
