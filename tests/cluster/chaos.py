"""What goes wrong in the chaos tests: machines, cables, ssh servers and processes fail at random, and come back.

Knows the hosts and when the next blow falls, not what the program makes of it.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.end_to_end.command import Place, processes_of
from tests.lab.host import Host
from tests.lab.processes import Process

BLOWS_EVERY_S = 0.6
OUTAGE_S = 3.0
LONGEST_OUTAGE_S = 40.0

Repair = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Blow:
    """Something that goes wrong; `mend` says how it comes right again, None when it needs no mending."""

    name: str
    weight: int
    strike: Callable[[Host], None]
    mend: Callable[[Host], None] | None = None


BLOWS = (
    Blow("reboot", 2, Host.reboot),
    Blow("power off", 3, Host.power_off, Host.power_on),
    Blow("cut", 5, Host.cut, Host.mend),
    Blow("freeze", 3, Host.freeze, Host.thaw),
    Blow("kill sshd", 2, Host.stop_server, Host.start_server),
    Blow("stop listening", 2, Host.stop_listening, Host.start_server),
)
KILLS_AMONG_BLOWS = 0.5


@dataclass(slots=True)
class Chaos:
    """Blows that fall on the hosts, and on the encodes of the manager at `place`, from `seed` on."""

    seed: int
    hosts: list[Host]
    place: Place
    chance: random.Random = field(init=False)
    _log: list[tuple[float, str]] = field(init=False, default_factory=list)
    _next: float = field(init=False, default=0.0)
    _bereaved: set[int] = field(init=False, default_factory=set)
    _repairs: dict[str, tuple[float, Repair]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def step(self) -> None:
        """Let happen what is due."""
        now = time.monotonic()
        for name, (due, repair) in list(self._repairs.items()):
            if due <= now:
                self._repair(name, repair)
        if self._next <= now:
            self._next = now + self.chance.expovariate(1 / BLOWS_EVERY_S)
            self._strike(now)

    def mend_all(self) -> None:
        """Put right all that is wrong."""
        for name, (_, repair) in list(self._repairs.items()):
            self._repair(name, repair)

    def log(self, text: str, at: float | None = None) -> None:
        """Take down what was done or happened, now or at a Unix time."""
        self._log.append((at or time.time(), text))

    def print_log(self) -> None:
        """Print what happened in its order."""
        self._log.sort()
        for at, text in self._log:
            sys.stdout.write(f"{at - self._log[0][0]:7.2f} {text}\n")

    def _strike(self, now: float) -> None:
        able = [host for host in self.hosts if host.name not in self._repairs]
        if not able or self.chance.random() < 1 / (len(self.hosts) + 1):
            self._kill("here", _local_encodes(self.place))
            return
        host = self.chance.choice(able)
        if self.chance.random() < KILLS_AMONG_BLOWS:
            self._kill_on(host)
            return
        (blow,) = self.chance.choices(BLOWS, [blow.weight for blow in BLOWS])
        outage_s = min(self.chance.expovariate(1 / OUTAGE_S), LONGEST_OUTAGE_S)
        self.log(f"{host.name}: {blow.name}" + (f" for {outage_s:.2f} s" if blow.mend else ""))
        blow.strike(host)
        if blow.mend is not None:
            mend = blow.mend
            self._repairs[host.name] = (now + outage_s, lambda: mend(host))

    def _kill_on(self, host: Host) -> None:
        processes = host.processes()
        encodes = [process for process in processes if _is_encode(process)]
        guards = [process for process in processes if process not in encodes and self._is_whole(process)]
        self._kill(host.name, self.chance.choice((encodes, guards, host.server.sessions())))

    def _is_whole(self, guard: Process) -> bool:
        """Whether none of those that watch over one command was killed: they stand in for one that is, not for two."""
        with suppress(ProcessLookupError):
            group = os.getpgid(guard.pid)
            return group not in self._bereaved
        return False

    def _kill(self, where: str, processes: Iterable[Process]) -> None:
        for victim in self.chance.sample(able := list(processes), min(len(able), 1)):
            self.log(f"{where}: kill {victim.pid_inside} {victim.command[:60]!r}")
            with suppress(ProcessLookupError):
                if not _is_encode(victim):
                    self._bereaved.add(os.getpgid(victim.pid))
                os.kill(victim.pid, signal.SIGKILL)

    def _repair(self, name: str, repair: Repair) -> None:
        del self._repairs[name]
        self.log(f"{name}: mended")
        repair()


def _is_encode(process: Process) -> bool:
    return "ffmpeg" in process.command


def _local_encodes(place: Place) -> list[Process]:
    """The encodes of the manager's own machine, and their supervisors.

    Not what watches over these for the death of the manager: nobody stands in for it, and the manager dies too.
    """
    found = []
    for pid in processes_of(place):
        with suppress(OSError):
            command = _command_of(pid)
            if ".ptc-" in command and (not command.startswith("/bin/sh") or os.getpgid(pid) == pid):
                found.append(Process(pid, pid, "", command))
    return found


def _command_of(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123  # as short as can be: it may be gone
        return file.read().replace(b"\0", b" ").decode(errors="replace")
