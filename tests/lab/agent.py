"""The agent of one host, in place of an ssh server: the program itself, as a user would start it. Needs no sshd."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pytranscoder.agent.admission import Admission
from tests.lab.commands import LabError, require
from tests.lab.line import Line
from tests.lab.machine import Machine
from tests.lab.processes import Process, kill, send

_LISTENS_WITHIN_S = 20.0
_CHECKOUT = Path(__file__).parents[2]


class AgentServer:
    """The agent of a machine, with its state in `folder`. `words` returns the options that it is started with.

    It sees the files of this machine, by our paths: a virtual environment may be where the host sees nothing.
    """

    def __init__(self, machine: Machine, folder: Path, port: int, words: Callable[[], Sequence[str]]) -> None:
        self.port = port
        self.folder = folder
        self.log = folder / "log"
        self.line = Line(machine, port)
        self._machine = machine
        self._words = words
        (folder / "state" / "pytranscoder" / "agent").mkdir(parents=True, mode=0o700)
        self.public_key = self.make_key()

    def make_key(self) -> str:
        """Make a new host key, for the next start, and return its public part."""
        state = self.folder / "state" / "pytranscoder" / "agent"
        for path in state.glob("host_*"):
            path.unlink()
        self.public_key = Admission(state).host_key().export_public_key().decode().strip()
        return self.public_key

    def admit(self, public_key: str) -> None:
        """Accept this key of a manager, and no other."""
        (self.folder / "authorized_keys").write_text(f"{public_key}\n")

    def start(self) -> None:
        """Start it and wait until it listens."""
        inside = (require("nsenter"), "--target", str(self._machine.first_process), "--net", "--pid", "--uts", "--")
        # A child of the machine's first process: nsenter, which stands still with its child, does not wake up with it.
        apart = ("/bin/sh", "-c", '"$@" &', "agent")
        own = ("--listen", self.line.listen, "--authorized-keys", str(self.folder / "authorized_keys"))
        begun_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            subprocess.run(
                [*inside, *apart, sys.executable, "-m", "pytranscoder", "agent", *own, *self._words()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=_CHECKOUT,
                env=os.environ | {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")},
                start_new_session=True,
                check=True,
            )
        deadline = time.monotonic() + _LISTENS_WITHIN_S
        while b"listening on" not in self.log.read_bytes()[begun_at:]:
            if time.monotonic() > deadline or not self._processes():
                raise LabError(f"the agent of {self._machine.name} does not start: {self.log.read_text()}")
            time.sleep(0.005)
        self.line.open()

    def stop(self) -> None:
        """Kill it at once, with all its connections."""
        kill(self._processes())
        self.power_lost()

    def power_lost(self) -> None:
        """Take note that its machine is off."""
        self.line.close()

    def stop_listening(self) -> None:
        """Kill it: an agent is one process."""
        self.stop()

    def delay(self, delay_s: float) -> None:
        """Delay what goes through new connections by so many seconds in each direction."""
        self.stop()
        self.line.delay_s = delay_s
        self.start()

    def freeze(self) -> None:
        """Let it stand still; the kernel still answers for it, also to new connections."""
        send(self._processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        send(self._processes(), signal.SIGCONT)

    def sessions(self) -> list[Process]:
        """The processes that serve connections and nothing else: none."""
        return []

    def _processes(self) -> list[Process]:
        return [process for process in self._machine.processes() if process.is_server]
