"""How long the line to one server is: what delays it, and where the server must listen. Starts no server."""

import subprocess
import sys
from pathlib import Path

from tests.lab.commands import LabError, require
from tests.lab.machine import Machine

_BEHIND_THE_RELAY = 2200
_RELAY = Path(__file__).with_name("relay.py")


class Line:
    """The line to a port of a machine; `delay_s` is its length each way, for when it is opened next."""

    def __init__(self, machine: Machine, port: int) -> None:
        self.delay_s = 0.0
        self._machine = machine
        self._port = port
        self._relay: subprocess.Popen[bytes] | None = None

    @property
    def listen(self) -> str:
        """Where the server must listen."""
        return f"127.0.0.1:{_BEHIND_THE_RELAY}" if self.delay_s else f"0.0.0.0:{self._port}"

    def open(self) -> None:
        """Start what delays it, if it is long."""
        if not self.delay_s:
            return
        inside = (require("nsenter"), "--target", str(self._machine.first_process), "--net", "--")
        words = (str(self._port), str(_BEHIND_THE_RELAY), str(self.delay_s))
        self._relay = subprocess.Popen(
            [*inside, sys.executable, "-I", "-S", str(_RELAY), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._relay.stdout is not None
        if self._relay.stdout.readline() != b"up\n":
            raise LabError(f"the relay of {self._machine.name} does not start")

    def close(self) -> None:
        """End what delays it."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
            self._relay = None
