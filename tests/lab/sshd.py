"""The ssh server of one host: its configuration, its keys, and its processes. Depends on no other sshd of the machine.

Its port is reached through a relay when the line is long.
"""

import signal
import subprocess
import time
from functools import cache
from pathlib import Path

import asyncssh

from tests.lab.commands import LabError, require
from tests.lab.line import Line
from tests.lab.machine import Machine
from tests.lab.processes import Process, kill, send

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


class Sshd:
    """The ssh server of a machine, with its files in `folder`, which the machine sees under the same path."""

    def __init__(self, machine: Machine, folder: Path, port: int, search_path: str) -> None:
        self.port = port
        self.folder = folder
        self.log = folder / "log"
        self.line = Line(machine, port)
        self._machine = machine
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
        config = str(self.folder / "config")
        pid_file = self.folder / "pid"
        pid_file.unlink(missing_ok=True)
        self._machine.inside(
            require("sshd"), "-f", config, "-E", str(self.log), "-o", f"ListenAddress={self.line.listen}"
        )
        deadline = time.monotonic() + _LISTENS_WITHIN_S
        # It goes to the background before it listens, and writes this file after.
        while not (pid_file.exists() and pid_file.read_text()):
            if time.monotonic() > deadline:
                raise LabError(f"sshd of {self._machine.name} does not start: {self.log.read_text()}")
            time.sleep(0.002)
        self.line.open()

    def stop(self) -> None:
        """Kill it with all its sessions, at once; what runs in them is left to itself."""
        self.line.close()
        kill(self._processes())

    def power_lost(self) -> None:
        """Take note that its machine is off."""
        self.line.close()

    def stop_listening(self) -> None:
        """Kill the process that takes new connections; the sessions go on, but for those through a relay."""
        self.line.close()
        kill(self._listener())

    def delay(self, delay_s: float) -> None:
        """Delay what goes through new connections by so many seconds in each direction."""
        is_listening = bool(self._listener())
        self.stop_listening()
        self.line.delay_s = delay_s
        if is_listening:
            self.start()

    def freeze(self) -> None:
        """Let it and its sessions stand still; the kernel still answers for them, also to new connections."""
        send(self._processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        send(self._processes(), signal.SIGCONT)

    def sessions(self) -> list[Process]:
        """The processes that serve connections now, several for each."""
        listening = {process.pid for process in self._listener()}
        return [process for process in self._processes() if process.pid not in listening]

    def _processes(self) -> list[Process]:
        return [process for process in self._machine.processes() if process.is_server]

    def _listener(self) -> list[Process]:
        try:
            pid = int((self.folder / "pid").read_text())
        except FileNotFoundError:
            return []
        return [process for process in self._processes() if process.pid_inside == pid]


@cache
def _penalties() -> str:
    # From 9.8 on, sshd turns away an address that breaks off often, as the tests do; older ones know no such option.
    option = "PerSourcePenalties no"
    known = subprocess.run(
        [require("sshd"), "-t", "-f", "/dev/null", "-o", option], check=False, capture_output=True, text=True
    )
    return "" if "Bad configuration option" in known.stderr else f"{option}\n"
