"""A real sshd on loopback, with accounts of its own: root and a normal user, with each login shell.

It runs in a mount namespace in which another `/etc/passwd` lies over the machine's, and the normal user may enter what
the tests' programs need. Needs root on Linux.
"""

import os
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

ROOT = Path(__file__).parents[2]
LOGIN_SHELLS = ("bash", "dash", "busybox", "fish")
USER_ID = 61234
GROUP_ID = 65534
_NEEDED = ("sshd", "unshare", "mount", *LOGIN_SHELLS)
_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PidFile none
SetEnv LANG=C.UTF-8
Subsystem sftp internal-sftp
"""
_CLIENT_CONFIG = """\
Host *
    IdentityFile {folder}/id_ed25519
    IdentitiesOnly yes
    HostKeyAlias test-sshd
    UserKnownHostsFile {folder}/known_hosts
"""


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running sshd. Accounts are named ``root-fish``, ``user-dash`` and so on; ``user-false`` may not do a thing."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def home(self, account: str) -> Path:
        return self.folder / "home" / account

    def write_client_config(self, home: Path, more: str = "") -> None:
        """Make a home whose ssh configuration lets one log in; `more` comes first and wins."""
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "config").write_text(f"{more}\n{_CLIENT_CONFIG.format(folder=self.folder)}")


def require_sshd() -> None:
    """Skip the test where no sshd can be run, but never in CI."""
    missing = [name for name in _NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if os.name != "posix" or os.geteuid() != 0 or missing:
        sentence = f"a real sshd needs root and {', '.join(missing) or 'all of its programs, which are there'}"
        (pytest.fail if "CI" in os.environ else pytest.skip)(sentence)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_sshd(folder: Path, settings: Sequence[str] = ("MaxStartups 100",)) -> Iterator[Sshd]:
    """Run an sshd with these settings besides."""
    port = free_port()
    _write_keys(folder)
    _make_accounts(folder)
    (folder / "sshd_config").write_text("\n".join([*settings, _CONFIG.format(port=port, folder=folder)]))
    Path("/run/sshd").mkdir(exist_ok=True)
    script = [
        "set -e",
        f"mount --bind {folder}/passwd /etc/passwd",
        *_open_folders(folder),
        f"exec /usr/sbin/sshd -D -e -f {folder}/sshd_config",
    ]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(script)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        reader = _await_listening(process, folder / "log")
        try:
            yield Sshd(folder, port, process)
        finally:
            process.terminate()
            process.wait()
            reader.join()


def _await_listening(process: subprocess.Popen[str], log: Path) -> threading.Thread:
    listening = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        with log.open("w") as file:
            for line in process.stderr:
                file.write(line)
                file.flush()
                if "listening" in line:
                    listening.set()
        listening.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert listening.wait(10)
    assert process.poll() is None, log.read_text()
    return reader


def _write_keys(folder: Path) -> None:
    host_key, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host_key.write_private_key(folder / "host_key")
    key.write_private_key(folder / "id_ed25519")
    (folder / "host_key").chmod(0o600)
    (folder / "id_ed25519").chmod(0o600)
    (folder / "authorized_keys").write_bytes(key.export_public_key())
    (folder / "known_hosts").write_text(f"test-sshd {host_key.export_public_key().decode()}")


def _make_accounts(folder: Path) -> None:
    folder.chmod(0o755)
    lines = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith(("root-", "user-"))]
    for shell in (*LOGIN_SHELLS, "false"):
        for name, uid in (("root", 0), ("user", USER_ID)):
            home = folder / "home" / f"{name}-{shell}"
            home.mkdir(parents=True)
            os.chown(home, uid, GROUP_ID)
            lines.append(f"{name}-{shell}:*:{uid}:{GROUP_ID}::{home}:{_shell_path(folder, shell)}")
    (folder / "passwd").write_text("\n".join(lines) + "\n")


def _open_folders(folder: Path) -> Iterator[str]:
    """Yield the commands that put a folder anyone may enter where the way to what is needed is barred (`/root`)."""
    barred = {path: gate for path in (Path(sys.base_prefix), Path(sys.prefix), ROOT) if (gate := _gate(path))}
    for number, path in enumerate(barred):
        yield f"mkdir {folder}/{number}; mount --bind {shlex.quote(str(path))} {folder}/{number}"
    for gate in set(barred.values()):
        yield f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(gate))}"
    for number, path in enumerate(barred):
        yield f"mkdir -p {shlex.quote(str(path))}; mount --bind {folder}/{number} {shlex.quote(str(path))}"


def _gate(path: Path) -> Path | None:
    """Return the first folder on the way that a normal user may not enter."""
    ways = [*reversed(path.parents), path]
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)


def _shell_path(folder: Path, shell: str) -> Path:
    """busybox is a shell by the name it is called with."""
    path = Path(shutil.which(shell) or shell)
    if shell != "busybox":
        return path
    link = folder / "ash"
    if not link.exists():
        link.symlink_to(path)
    return link
