"""The ssh server of one host: its configuration, its keys, and its processes. Depends on no other sshd of the machine.

Its port is reached through a relay when the line is long.
"""

import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import asyncssh

from tests.lab.commands import LabError, require
from tests.lab.machine import Machine
from tests.lab.processes import Process, send, still_running

# What is generous is so for the tests' sake; MaxSessions stays at 10, as users have it.
_CONFIGURATION = """\
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 200
LogLevel VERBOSE
Subsystem sftp internal-sftp
SetEnv PATH={path}
"""
_LISTENS_WITHIN_S = 10.0
_ENDS_WITHIN_S = 10.0
_BEHIND_THE_RELAY = 2200
_RELAY = Path(__file__).with_name("relay.py")


class Sshd:
    """The ssh server of a machine, with its files in `folder`, which the machine sees under the same path."""

    def __init__(self, machine: Machine, folder: Path, port: int, search_path: str) -> None:
        self.port = port
        self.folder = folder
        self.log = folder / "log"
        self._machine = machine
        self.delay_s = 0.0
        self._relay: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        text = _CONFIGURATION.format(folder=folder, path=search_path)
        (folder / "config").write_text(text + _penalties())
        self.public_key = self.make_key()

    def make_key(self) -> str:
        """Make a new host key, for the next start, and return its public part."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(self.folder / "host_key")
        (self.folder / "host_key").chmod(0o600)
        self.public_key = key.export_public_key().decode().strip()
        return self.public_key

    def admit(self, public_key: str) -> None:
        """Accept this key of a user, and no other."""
        (self.folder / "authorized_keys").write_text(f"{public_key}\n")

    def start(self) -> None:
        """Start it and wait until it listens."""
        listen = f"127.0.0.1:{_BEHIND_THE_RELAY}" if self.delay_s else f"0.0.0.0:{self.port}"
        config = str(self.folder / "config")
        pid_file = self.folder / "pid"
        pid_file.unlink(missing_ok=True)
        self._machine.inside(require("sshd"), "-f", config, "-E", str(self.log), "-o", f"ListenAddress={listen}")
        deadline = time.monotonic() + _LISTENS_WITHIN_S
        # It goes to the background before it listens, and writes this file after.
        while not (pid_file.exists() and pid_file.read_text()):
            if time.monotonic() > deadline:
                raise LabError(f"sshd of {self._machine.name} does not start: {self.log.read_text()}")
            time.sleep(0.002)
        if self.delay_s:
            self._start_relay()

    def stop(self) -> None:
        """Kill it with all its sessions, at once; what runs in them is left to itself."""
        self.stop_relay()
        _kill(self._processes())

    def stop_listening(self) -> None:
        """Kill the process that takes new connections; the sessions go on, but for those through a relay."""
        self.stop_relay()
        _kill(self._listener())

    def delay(self, delay_s: float) -> None:
        """Delay what goes through new connections by so many seconds in each direction."""
        is_listening = bool(self._listener())
        self.stop_listening()
        self.delay_s = delay_s
        if is_listening:
            self.start()

    def freeze(self) -> None:
        """Let it and its sessions stand still; the kernel still answers for them, also to new connections."""
        send(self._processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        send(self._processes(), signal.SIGCONT)

    def stop_relay(self) -> None:
        """End what delays its line; start makes a new one."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
            self._relay = None

    def sessions(self) -> list[Process]:
        """The processes that serve connections now, several for each."""
        listening = {process.pid for process in self._listener()}
        return [process for process in self._processes() if process.pid not in listening]

    def _processes(self) -> list[Process]:
        return [process for process in self._machine.processes() if process.is_sshd]

    def _listener(self) -> list[Process]:
        try:
            pid = int((self.folder / "pid").read_text())
        except FileNotFoundError:
            return []
        return [process for process in self._processes() if process.pid_inside == pid]

    def _start_relay(self) -> None:
        inside = (require("nsenter"), "--target", str(self._machine.first_process), "--net", "--")
        words = (str(self.port), str(_BEHIND_THE_RELAY), str(self.delay_s))
        self._relay = subprocess.Popen(
            [*inside, sys.executable, "-I", "-S", str(_RELAY), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._relay.stdout is not None
        if self._relay.stdout.readline() != b"up\n":
            raise LabError(f"the relay of {self._machine.name} does not start")


def _kill(processes: list[Process]) -> None:
    send(processes, signal.SIGKILL)
    if stuck := still_running(processes, _ENDS_WITHIN_S):
        raise LabError(f"sshd does not end: {[process.command for process in stuck]}")


@cache
def _penalties() -> str:
    # From 9.8 on, sshd turns away an address that breaks off often, as the tests do; older ones know no such option.
    option = "PerSourcePenalties no"
    known = subprocess.run(
        [require("sshd"), "-t", "-f", "/dev/null", "-o", option], check=False, capture_output=True, text=True
    )
    return "" if "Bad configuration option" in known.stderr else f"{option}\n"
