"""A Windows of the tests' own: wine with the Windows ffmpeg, and .NET for what PowerShell would compile.

Knows no ssh. What it needs, `tests/lab/install.sh` installs.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.hosts.windows.supervisor import SOURCE
from tests.lab.commands import find, require

HERE = Path(__file__).parent
# Where `install.sh` puts what is for Windows.
WHEELS = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pytranscoder-tests" / "windows"
PROGRAMS = ("wine", "wineboot", "wineserver", "mcs")
# In a directory of its own, so that a host may have PowerShell or not.
POWERSHELL = r"C:\shell"
FFMPEG = r"C:\Program Files\ffmpeg\bin\ffmpeg.exe"
# The command that says which arguments it is given.
WORDS = (r"C:\dotnet\dotnet.exe", "exec", r"C:\shell\words.exe")
RUNTIME = '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}'


def what_is_missing() -> str | None:
    """Why there can be no Windows here, as a sentence; None when there can."""
    if sys.platform != "linux":
        return "runs wine, on Linux"
    if absent := [program for program in PROGRAMS if find(program) is None]:
        return f"needs {', '.join(absent)}; `sh tests/lab/install.sh` installs what it needs"
    if not (_ffmpeg() and _dotnet().exists()):
        return f"needs ffmpeg and .NET for Windows in {WHEELS}; `sh tests/lab/install.sh` installs what it needs"
    return None


def _ffmpeg() -> Path | None:
    return next((WHEELS / "imageio_ffmpeg" / "binaries").glob("ffmpeg-win-*.exe"), None)


def _dotnet() -> Path:
    return WHEELS / "dotnetcore2" / "bin" / "dotnet.exe"


@dataclass(frozen=True, slots=True)
class Wine:
    """A running wine. Its drive C is the folder `drive`."""

    prefix: Path

    @property
    def drive(self) -> Path:
        return self.prefix / "drive_c"

    def environment(self, *, powershell: bool = True) -> dict[str, str]:
        """The environment in which its programs run; with or without PowerShell in PATH."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("WINE", "DISPLAY", "DOTNET"))}
        more = {"WINEPATH": POWERSHELL} if powershell else {}
        return {**ours, "WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mshtml=", **more}


@contextmanager
def running_wine(folder: Path) -> Iterator[Wine]:
    """Starts a wine with a new drive C, and ends it with all that runs in it."""
    wine = Wine(folder / "prefix")
    wine.prefix.mkdir()
    try:
        # The server stays until it is told to go: what is started first is quick from then on.
        _run(wine, "wineserver", "-p")
        _run(wine, "wineboot", "--init")
        _furnish(wine)
        with _desktop(wine):
            yield wine
    finally:
        _run(wine, "wineserver", "-k")


@contextmanager
def _desktop(wine: Wine) -> Iterator[None]:
    """Keep a program that has a desktop: wine takes up to ten seconds to make one, and drops it with its last user."""
    command = [require("wine"), FFMPEG, "-i", "pipe:0", "-f", "null", "-"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=wine.environment(), stdin=pipe, stdout=pipe, stderr=pipe) as holder:
        assert holder.stderr is not None
        holder.stderr.readline()
        try:
            yield
        finally:
            holder.kill()


def _run(wine: Wine, program: str, *options: str) -> None:
    # To nowhere, as what they start runs on with their output.
    nowhere = subprocess.DEVNULL
    command = [require(program), *options]
    environment = wine.environment()
    subprocess.run(command, check=True, timeout=45, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere)


def _furnish(wine: Wine) -> None:
    ffmpeg = _ffmpeg()
    assert ffmpeg is not None
    _link(wine.drive / "Program Files" / "ffmpeg" / "bin" / "ffmpeg.exe", ffmpeg)
    _link(wine.drive / "dotnet", _dotnet().parent)
    shell = wine.drive / "shell"
    shell.mkdir()
    for program in ("stand-in", "words"):
        _compile(HERE / f"{program}.cs", shell / f"{program}.exe")
        (shell / f"{program}.runtimeconfig.json").write_text(RUNTIME)
    (shell / "powershell.bat").write_text("@C:\\dotnet\\dotnet.exe exec C:\\shell\\stand-in.exe %*\r\n")
    source = shell / "supervisor.cs"
    source.write_text(SOURCE)
    # What Windows PowerShell compiles: C# 5 and no later.
    name = f"{hashlib.sha256(SOURCE.encode()).hexdigest()}.dll"
    _compile(source, shell / name, "-langversion:5", "-target:library", "-warnaserror")


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _compile(source: Path, program: Path, *options: str) -> None:
    subprocess.run([require("mcs"), *options, f"-out:{program}", str(source)], check=True, stdout=subprocess.DEVNULL)
