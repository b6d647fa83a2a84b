"""How much memory and time the manager takes with a library in the queue, its worker processes and ffmpeg not counted.

Linux only: it reads ``/proc``.
"""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.result import Result
from bench.workshop import Workshop, open_workshop, write_library

LIBRARY = 10_000
FILM_S = 1800.0
MEMORY_LIMIT_MB = 250
CPU_LIMIT_PERCENT = 2
WINDOW_S = 20.0
PROBED_WITHIN_S = 900.0
QUIET_S = 3.0

_WORKER = b"pytranscoder.media.worker"
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def measure(runs: int) -> Iterator[Result]:  # noqa: ARG001  # one run, which takes minutes
    """Queue a library behind a slow encode, on a terminal, so that the board is drawn."""
    with open_workshop() as workshop, _run_on_terminal(workshop, _queue(workshop)) as manager:
        _wait_until_probed(manager)
        before = _cpu_s(manager)
        time.sleep(WINDOW_S)
        cpu_percent = 100 * (_cpu_s(manager) - before) / WINDOW_S
        peak_mb = _peak_mb(manager)
    library = f"{LIBRARY} files queued"
    yield Result(f"{library}, manager's peak", peak_mb, "MB", MEMORY_LIMIT_MB, is_absolute=True)
    yield Result(f"{library}, manager idle", cpu_percent, "%", CPU_LIMIT_PERCENT, is_absolute=True)


def _queue(workshop: Workshop) -> Path:
    slow = workshop.make_clip("slow.mkv", seconds=FILM_S, size="160x90")
    films = write_library(workshop.make_clip("clip.mkv", seconds=2), workshop.folder / "films", LIBRARY)
    queue = workshop.folder / "queue.txt"
    queue.write_text("".join(f"{film}\n" for film in (slow, *films)))
    return queue


@contextmanager
def _run_on_terminal(workshop: Workshop, queue: Path) -> Iterator[int]:
    """Lend the process id of a run that encodes the first film of a queue file at the pace of its pictures."""
    configuration = workshop.configure(input_options="-re")
    command = workshop.command("-y", str(configuration), "-p", "bench", "--from-file", str(queue))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    program = subprocess.Popen(command, env=workshop.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    reader = threading.Thread(target=_drain, args=(ours,))
    reader.start()
    try:
        yield program.pid
    finally:
        program.terminate()
        program.wait()
        reader.join()
        os.close(ours)


def _drain(terminal: int) -> None:
    with suppress(OSError):  # that is how the end of the other side is told
        while os.read(terminal, 65536):
            pass


def _wait_until_probed(manager: int) -> None:
    """Wait until the manager's workers have worked and then done nothing for a while."""
    deadline = time.monotonic() + PROBED_WITHIN_S
    last = 0.0
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)
        now = sum(map(_cpu_s, _workers(manager)))
        if now == last > 0:
            return
        last = now
    raise RuntimeError(f"the files were not probed within {PROBED_WITHIN_S:g} s")


def _workers(manager: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may have ended meanwhile
            if _stat_fields(int(folder.name))[1] == str(manager) and _WORKER in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def _cpu_s(pid: int) -> float:
    user, system = _stat_fields(pid)[11:13]
    return (int(user) + int(system)) / _TICKS_A_SECOND


def _stat_fields(pid: int) -> list[str]:
    """The fields of proc(5)'s stat from the third one on; the second may have spaces and parentheses in it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
