"""One large file to a real sshd on loopback and back, against `scp`: what copying costs beside the network."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.result import Result
from bench.workshop import open_workshop
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.sftp import SftpFiles

FILE_BYTES = 1_000_000_000
# At least nine tenths of scp's speed.
LIMIT_RATIO = 1 / 0.9
_SSHD_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
Subsystem sftp internal-sftp
"""
_SSH_CONFIG = """\
Host bench
    HostName 127.0.0.1
    Port {port}
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    LogLevel ERROR
"""


@dataclass(frozen=True, slots=True)
class _Host:
    """An sshd of our own. `config` is what `ssh` needs to reach it as ``bench``; `film` is to be copied to `copy`."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / ".ssh" / "config"

    @property
    def film(self) -> Path:
        return self.folder / "film.mkv"

    @property
    def copy(self) -> Path:
        return self.folder / "copy.mkv"


def measure(runs: int) -> Iterator[Result]:
    """Copy the file there and back, in turns with scp."""
    with open_workshop() as workshop, _running_sshd(workshop.folder) as host:
        write_film(host.film)
        for name, there in (("upload", True), ("fetch", False)):
            pairs = [(_seconds_of_ours(host, there=there), _seconds_of_scp(host, there=there)) for _ in range(runs)]
            ours, theirs = (median(times) for times in zip(*pairs, strict=True))
            yield Result(f"1 GB {name} / scp", ours, "s", LIMIT_RATIO, theirs=theirs)


def write_film(path: Path) -> None:
    """Write a file that cannot be compressed."""
    block = os.urandom(1_000_000)
    with path.open("wb") as film:
        for _ in range(FILE_BYTES // len(block)):
            film.write(block)


def _seconds_of_ours(host: _Host, *, there: bool) -> float:
    return asyncio.run(_time_ours(host, there=there))


async def _time_ours(host: _Host, *, there: bool) -> float:
    _make_ready(host)
    begun = time.perf_counter()
    # With the connection, as scp needs one too.
    async with Connections("bench", Address("bench", None, None)) as connections:
        files = SftpFiles(connections, bandwidth=None)
        if there:
            await files.upload(host.film, str(host.copy), lambda _: None)
        else:
            await files.fetch(str(host.film), host.copy, lambda _: None)
    return time.perf_counter() - begun


def _seconds_of_scp(host: _Host, *, there: bool) -> float:
    _make_ready(host)
    ends = (str(host.film), f"bench:{host.copy}") if there else (f"bench:{host.film}", str(host.copy))
    begun = time.perf_counter()
    subprocess.run(["scp", "-q", "-F", str(host.config), *ends], check=True)
    return time.perf_counter() - begun


def _make_ready(host: _Host) -> None:
    host.copy.unlink(missing_ok=True)
    os.sync()  # what was copied before is not to be paid for by the next


@contextmanager
def _running_sshd(folder: Path) -> Iterator[_Host]:
    host = _Host(folder)
    port = _free_port()
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    host.config.parent.mkdir()
    host.config.write_text(_SSH_CONFIG.format(folder=folder, port=port))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
    (folder / "sshd_config").write_text(_SSHD_CONFIG.format(folder=folder, port=port))
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        raise RuntimeError("no sshd here; install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd has no rights
    home = os.environ["HOME"]
    with subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.PIPE, text=True
    ) as server:
        _await_listening(server)
        os.environ["HOME"] = str(folder)  # our ssh configuration is found there, as by `ssh`
        try:
            yield host
        finally:
            os.environ["HOME"] = home
            server.terminate()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _await_listening(server: subprocess.Popen[str]) -> None:
    for line in server.stderr or ():
        if "listening" in line:
            return
    raise RuntimeError("sshd ended instead of listening")
