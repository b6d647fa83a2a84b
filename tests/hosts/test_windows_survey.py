"""What is asked of a Windows host, and how its answers are read; `tests/windows` asks a Windows."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from pytranscoder.errors import FfmpegMissingError, HostError
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.transport import Captured, Supervised
from pytranscoder.hosts.windows.survey import CMD, POSIX, POWERSHELL, detect, read_shell, why_invisible, windows_survey
from tests.encode.fake_files import FakeFiles
from tests.hosts.conftest import MakeAddress
from tests.hosts.sshd import LOGIN_SHELLS

ENCODERS = Captured(0, " ------\r\n V..... libx264 H.264\r\n", "ffmpeg version 7.1 Copyright\r\n")
CHOCOLATEY = r"C:\ProgramData\chocolatey\bin"


class Pc:
    """A host that has some programs, and what it was asked for."""

    host = "gaming"

    def __init__(self, *programs: str, folders: str = "") -> None:
        self._programs = programs
        self._folders = folders
        self.asked: list[str] = []

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        del timeout_s
        self.asked.append(argv[0])
        if argv[0] == "cmd":
            return Captured(0, self._folders, "")
        if argv[0] not in self._programs:
            raise HostError(self.host, f"cannot run {argv[0]}: No such file or directory")
        return ENCODERS

    def supervise(self, argv: Sequence[str], partial: str) -> AbstractAsyncContextManager[Supervised]:
        raise NotImplementedError


class PcFiles(FakeFiles):
    """The files of a host that has one."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    async def size_bytes(self, path: str, *, patiently: bool = False) -> int | None:
        del patiently
        return 1 if path == self._path else None

    async def free_bytes(self, directory: str) -> int | None:
        del directory
        return 2


def definition(**values: str) -> HostDefinition:
    return HostDefinition("gaming", HostType.STREAMING, **values)  # type: ignore[arg-type]  # text is what these take


@pytest.mark.parametrize(
    ("answer", "shell"),
    [
        ("Windows_NT $env:OS\r\n", CMD),
        ("%OS%\r\nWindows_NT\r\n", POWERSHELL),
        ("%OS% :OS\n", POSIX),
        ("%OS%\n", POSIX),
        ("", POSIX),
    ],
    ids=["cmd", "PowerShell", "sh", "fish", "nothing"],
)
def test_the_login_shell_is_told_by_its_answer(answer: str, shell: str) -> None:
    assert read_shell(answer) == shell


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
async def test_a_posix_shell_is_no_shell_of_windows(address: MakeAddress, shell: str) -> None:
    async with Connections("nas", address(f"root-{shell}")) as connections:
        assert await detect(connections) == POSIX


async def test_the_configured_ffmpeg_is_used_and_no_other() -> None:
    pc = Pc("ffmpeg", "C:/ffmpeg.exe")

    found = await windows_survey(pc, definition(ffmpeg="C:/ffmpeg.exe"), None)

    assert (found.os, found.ffmpeg.path, found.ffmpeg.version) == ("windows", "C:/ffmpeg.exe", "7.1")
    assert pc.asked == ["C:/ffmpeg.exe"]


async def test_ffmpeg_is_looked_for_in_path_first() -> None:
    found = await windows_survey(Pc("ffmpeg"), definition(), None)

    assert (found.ffmpeg.path, found.free_bytes) == ("ffmpeg", None)


async def test_ffmpeg_is_found_where_installers_put_it() -> None:
    ffmpeg = rf"{CHOCOLATEY}\ffmpeg.exe"
    pc = Pc(ffmpeg, folders="ProgramFiles=C:\\Program Files\r\nProgramData=C:\\ProgramData\r\n")

    found = await windows_survey(pc, definition(working_dir=r"C:\temp"), PcFiles(ffmpeg))

    assert (found.ffmpeg.path, found.free_bytes) == (ffmpeg, 2)
    assert pc.asked == ["ffmpeg", "cmd", ffmpeg]


async def test_a_host_without_ffmpeg_is_told_what_to_do() -> None:
    with pytest.raises(FfmpegMissingError, match="host gaming: no ffmpeg found; install it there and restart"):
        await windows_survey(Pc(), definition(), None)


@pytest.mark.parametrize("directory", ["/tmp/encode", "encode"])
async def test_a_working_directory_must_be_one_on_windows(directory: str) -> None:
    with pytest.raises(HostError, match=rf"working_dir {directory} is no path on Windows; name one such as C:\\temp"):
        await windows_survey(Pc("ffmpeg"), definition(working_dir=directory), FakeFiles())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("Z:\\tv\\a.mkv", "drive letters that were mapped"),
        (r"\\nas\tv\a.mkv", "Windows lets who logged in with a key into no share"),
    ],
)
def test_it_is_said_why_a_share_may_not_be_seen(path: str, reason: str) -> None:
    assert reason in why_invisible(path)
