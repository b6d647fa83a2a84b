"""The processes of one host, by the namespace in which they run. Never by name, and no other process."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.command import ends_before
from tests.lab.commands import LabError

_ENDS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process as the machine sees it: `pid` is what one may send a signal to from outside of the host."""

    pid: int
    pid_inside: int
    program: str
    command: str

    @property
    def is_server(self) -> bool:
        """Whether it serves ssh; newer versions of OpenSSH have a program for each step."""
        return self.program.startswith("sshd") or "-m pytranscoder agent" in self.command


def namespace_of(pid: int) -> str:
    """The name of the namespace that tells the processes of one host from all others."""
    return str(Path(f"/proc/{pid}/ns/pid").readlink())


def processes_in(namespace: str) -> Iterator[Process]:
    """What runs in a namespace now. Those that have ended and wait for their parent are no longer there."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end while we look
            if str((folder / "ns/pid").readlink()) == namespace:
                yield _read(folder)


def _read(folder: Path) -> Process:
    status = (folder / "status").read_text()
    inside = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1]
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    program = (folder / "exe").readlink().name.removesuffix(" (deleted)")
    return Process(int(folder.name), int(inside), program, command)


def send(processes: Iterable[Process], number: signal.Signals) -> None:
    """Send each a signal; some may have ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def still_running(processes: Iterable[Process], within_s: float) -> list[Process]:
    """Those that do not end within a time in all."""
    deadline = time.monotonic() + within_s
    return [process for process in processes if not ends_before(process.pid, deadline)]


def kill(servers: list[Process]) -> None:
    """Kill the processes of an ssh server and wait for their end; raises LabError."""
    send(servers, signal.SIGKILL)
    if stuck := still_running(servers, _ENDS_WITHIN_S):
        raise LabError(f"does not end: {[process.command for process in stuck]}")
