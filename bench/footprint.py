"""How much memory and time the manager takes with a library in the queue, its worker processes and ffmpeg not counted.

Linux only: it reads ``/proc``.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.process import cpu_s, peak_mb, stat_fields
from bench.result import Result
from bench.terminal import run_on_terminal
from bench.workshop import Workshop, open_workshop, write_library

LIBRARY = 10_000
FILM_S = 1800.0
MEMORY_LIMIT_MB = 250
CPU_LIMIT_PERCENT = 2
WINDOW_S = 20.0
PROBED_WITHIN_S = 900.0
QUIET_S = 3.0

_WORKER = b"pytranscoder.media.worker"


def measure(runs: int) -> Iterator[Result]:  # noqa: ARG001  # one run, which takes minutes
    """Queue a library behind a slow encode, on a terminal, so that the board is drawn."""
    with open_workshop() as workshop, run_on_terminal(_command(workshop), workshop.environment) as manager:
        _wait_until_probed(manager)
        before = cpu_s(manager)
        time.sleep(WINDOW_S)
        cpu_percent = 100 * (cpu_s(manager) - before) / WINDOW_S
        memory_mb = peak_mb(manager)
    library = f"{LIBRARY} files queued"
    yield Result(f"{library}, manager's peak", memory_mb, "MB", MEMORY_LIMIT_MB, is_absolute=True)
    yield Result(f"{library}, manager idle", cpu_percent, "%", CPU_LIMIT_PERCENT, is_absolute=True)


def _command(workshop: Workshop) -> list[str]:
    """The command that encodes the first film of a queue file at the pace of its pictures."""
    slow = workshop.make_clip("slow.mkv", seconds=FILM_S, size="160x90")
    films = write_library(workshop.make_clip("clip.mkv", seconds=2), workshop.folder / "films", LIBRARY)
    queue = workshop.folder / "queue.txt"
    queue.write_text("".join(f"{film}\n" for film in (slow, *films)))
    configuration = workshop.configure("-re")
    return workshop.command("-y", str(configuration), "-p", "bench", "--from-file", str(queue))


def _wait_until_probed(manager: int) -> None:
    """Wait until the manager's workers have worked and then done nothing for a while."""
    deadline = time.monotonic() + PROBED_WITHIN_S
    last = 0.0
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)
        now = sum(map(cpu_s, _workers(manager)))
        if now == last > 0:
            return
        last = now
    raise RuntimeError(f"the files were not probed within {PROBED_WITHIN_S:g} s")


def _workers(manager: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may have ended meanwhile
            if stat_fields(int(folder.name))[1] == str(manager) and _WORKER in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
