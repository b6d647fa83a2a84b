"""How soon the program answers when it has nothing to do."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median

from bench.result import Result
from bench.workshop import open_workshop

LIMIT_S = 0.15
ROUNDS_A_RUN = 4


def measure(runs: int) -> Iterator[Result]:
    """Ask for the version, in turns with a Python that does nothing."""
    with open_workshop() as workshop:
        pairs = [
            (_seconds(workshop.command("--version")), _seconds((sys.executable, "-c", "pass")))
            for _ in range(runs * ROUNDS_A_RUN)
        ]
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    yield Result("--version / python -c pass", ours, "s", LIMIT_S, theirs=theirs, is_absolute=True)


def _seconds(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
