"""A Windows host for tests: an ssh server in this process that does with wine what OpenSSH for Windows does.

From its sources (w32-doexec.c, misc.c of PowerShell/openssh-portable): a command goes to cmd.exe in one pair of quotes.
When a connection ends, its commands get the end of their input, and nobody is killed; but all that a session began is
in a job that goes with the process that was started first. sftp's paths begin with a slash and a drive.
"""

import asyncio
import os
import re
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from tests.windows.wine import Wine

MARK = "PTC_TEST_SESSION"
_PATH = re.compile(rb"/?[Cc]:(/.*)?")


@dataclass(slots=True)
class WindowsHost:
    """A running server. `powershell` is whether commands find one, `jobs` whether sessions are in a job."""

    wine: Wine
    port: int = 0
    powershell: bool = True
    jobs: bool = True
    _name: str = field(default_factory=lambda: secrets.token_hex(8))
    _work: set["asyncio.Task[None]"] = field(default_factory=set)
    _open: set[asyncssh.SSHServerConnection] = field(default_factory=set)

    def begin(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """Runs a command to its end, also when its connection has ended."""
        work = asyncio.ensure_future(self._run(process))
        self._work.add(work)
        work.add_done_callback(self._work.discard)

    async def _run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        session = f"{self._name}.{secrets.token_hex(8)}"
        environment = self.wine.environment(powershell=self.powershell) | {MARK: session}
        command = ("wine", "cmd", "/c", process.command or "")
        pipe = asyncio.subprocess.PIPE
        first = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        assert first.stdin
        assert first.stdout
        assert first.stderr
        pumps = [_pump_out(first.stdout, process.stdout), _pump_out(first.stderr, process.stderr)]
        reading = asyncio.ensure_future(_pump_in(process.stdin, first.stdin))
        outputs = asyncio.gather(*pumps)
        # `wait` would wait for the end of the pipes, which others may have open, too.
        while first.returncode is None:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.02)
        if self.jobs:
            end_processes(_processes(session))
        await outputs
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        process.exit(first.returncode)

    def processes(self) -> list[int]:
        """Returns the processes of all its sessions, as this machine numbers them."""
        return _processes(self._name)

    def drop(self) -> None:
        """Breaks all connections, as a cable does that is pulled."""
        for connection in tuple(self._open):
            connection.abort()

    async def idle(self) -> None:
        """Waits until no command runs any more."""
        while self._work:
            await asyncio.wait(self._work)

    def server(self) -> asyncssh.SSHServer:
        """Makes what stands for one connection."""
        return _Server(self._open)


class _Server(asyncssh.SSHServer):
    """Lets anyone in: it is reached over loopback only."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        del username
        return False


class _Sftp(asyncssh.SFTPServer):
    """The files of drive C."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", drive: Path) -> None:
        self._drive = os.fsencode(drive)
        super().__init__(channel)

    def map_path(self, path: bytes) -> bytes:
        if path in (b".", b"/", b""):
            return self._drive
        match = _PATH.fullmatch(path)
        if match is None or b"\\" in path:
            raise asyncssh.SFTPNoSuchFile("no such drive")
        return self._drive + (match[1] or b"/")

    def reverse_map_path(self, path: bytes) -> bytes:
        return b"/C:" + path.removeprefix(self._drive)


async def _pump_in(reader: "asyncssh.SSHReader[bytes]", writer: asyncio.StreamWriter) -> None:
    with suppress(asyncssh.Error, OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _pump_out(reader: asyncio.StreamReader, writer: "asyncssh.SSHWriter[bytes]") -> None:
    while data := await reader.read(65536):
        with suppress(asyncssh.Error, OSError):
            writer.write(data)
            await writer.drain()


def _processes(session: str) -> list[int]:
    setting = f"{MARK}={session}".encode()
    return [int(folder.name) for folder in Path("/proc").iterdir() if _has(folder, setting)]


def end_processes(processes: list[int]) -> None:
    """Ends processes that may be gone already, as Windows does with a job when its last handle is closed."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _has(folder: Path, setting: bytes) -> bool:
    if not folder.name.isdecimal():
        return False
    try:
        # The desktop is begun by whoever needs it first, and is for all.
        return setting in (folder / "environ").read_bytes() and b"explorer" not in (folder / "cmdline").read_bytes()
    except OSError:
        return False


@asynccontextmanager
async def windows_host(wine: Wine, home: Path, *, powershell: bool = True) -> AsyncIterator[WindowsHost]:
    """Runs a host on loopback, and makes `home` one whose ssh trusts it."""
    host = WindowsHost(wine, powershell=powershell)
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=host.server,
        server_host_keys=[key],
        process_factory=host.begin,
        sftp_factory=lambda channel: _Sftp(channel, wine.drive),
        encoding=None,
    )
    host.port = server.get_port()
    (home / ".ssh").mkdir(parents=True)
    known = f"[127.0.0.1]:{host.port} {key.export_public_key().decode()}"
    (home / ".ssh" / "known_hosts").write_text(known)
    async with server:
        try:
            yield host
        finally:
            host.drop()
            end_processes(host.processes())
            await host.idle()
