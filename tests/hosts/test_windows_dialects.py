"""What Windows hosts are told, as text; `tests/windows` lets a Windows do it."""

import base64
import re

import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.supervisor import Dialect, Patience
from pytranscoder.hosts.windows.dialects import CmdDialect, PowerShellDialect
from pytranscoder.hosts.windows.quoting import LONGEST_LINE
from pytranscoder.hosts.windows.supervisor import SOURCE

ARGV = (r"C:\ffmpeg.exe", "-i", "Müller & Söhne 100 %.mkv")
PATIENCE = Patience(silence_s=12.5)
DIALECTS: list[Dialect] = [PowerShellDialect("gaming"), CmdDialect("gaming")]


@pytest.fixture(params=DIALECTS, ids=["powershell", "cmd"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    made: Dialect = request.param
    return made


def test_no_shell_finds_anything_to_change_in_the_request(dialect: Dialect) -> None:
    assert re.fullmatch(r"[A-Za-z0-9 /:+=-]+", dialect.command)
    assert len(dialect.command) < LONGEST_LINE / 2


def test_the_request_compiles_what_comes_and_runs_it() -> None:
    script = base64.b64decode(PowerShellDialect.command.split()[-1]).decode("utf-16-le")

    assert "Add-Type" in script
    assert script.endswith("[Pytranscoder.Supervisor]::Run()")


def test_two_lines_bring_the_supervisor_and_its_orders() -> None:
    lines = PowerShellDialect("gaming").opening(ARGV, r"C:\ü.mkv", "token", PATIENCE).split(b"\n")

    source, orders = (base64.b64decode(line).decode() for line in lines[:2])
    assert source == SOURCE
    assert orders.split("\0") == ["token", "12500", r"C:\ü.mkv", r'"C:\ffmpeg.exe" -i "Müller & Söhne 100 %.mkv"']
    assert lines[2:] == [b""]


def test_one_line_is_typed_into_cmd() -> None:
    opening = CmdDialect("gaming").opening(ARGV[:2], "", "token", PATIENCE)

    assert opening.startswith(b'set ptc_partial=^"^"&set ptc_run=^"C:\\ffmpeg.exe^" -i&echo ptc-begin token&start /b ')
    assert (opening.count(b"\n"), opening[-2:]) == (1, b"\r\n")


def test_a_batch_file_is_not_run(dialect: Dialect) -> None:
    with pytest.raises(HostError, match=r"host gaming: cannot run C:\\f\.bat: .* is a batch file"):
        dialect.opening((r"C:\f.bat",), "", "token", PATIENCE)


def test_undecodable_bytes_are_no_name_on_windows(dialect: Dialect) -> None:
    with pytest.raises(HostError, match="udcff"):
        dialect.opening((*ARGV[:2], "Film\udcff.mkv"), "", "token", PATIENCE)


def test_a_line_that_cmd_would_cut_off_is_refused() -> None:
    with pytest.raises(HostError, match=r"the command is too long for cmd\.exe"):
        CmdDialect("gaming").opening((*ARGV[:2], "x" * LONGEST_LINE), "", "token", PATIENCE)
