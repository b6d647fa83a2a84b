"""What the ssh server of a host can be told, whether it is an sshd or an agent."""

from pathlib import Path
from typing import Protocol

from tests.lab.line import Line
from tests.lab.processes import Process


class Server(Protocol):
    """The ssh server of a machine: its port, what it said, its host key for the next start, the line to it."""

    port: int
    log: Path
    public_key: str
    line: Line

    def make_key(self) -> str:
        """Make a new host key, for the next start, and return its public part."""

    def admit(self, public_key: str) -> None:
        """Accept this key of a user, and no other."""

    def start(self) -> None:
        """Start it and wait until it listens."""

    def stop(self) -> None:
        """Kill it with all its sessions, at once."""

    def power_lost(self) -> None:
        """Take note that its machine is off."""

    def stop_listening(self) -> None:
        """Kill the process that takes new connections."""

    def delay(self, delay_s: float) -> None:
        """Delay what goes through new connections by so many seconds in each direction."""

    def freeze(self) -> None:
        """Let it and its sessions stand still; the kernel still answers for them."""

    def thaw(self) -> None:
        """Let them go on."""

    def sessions(self) -> list[Process]:
        """The processes that serve connections and nothing else."""
