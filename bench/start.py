"""How soon the first encode starts after the command is typed, with one file and with a library."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.result import Result
from bench.workshop import Workshop, open_workshop, write_library

LIBRARY = 10_000
CLIP_S = 30.0
LIMIT_S = 1.0
LIMIT_RATIO = 1.5


def measure(runs: int) -> Iterator[Result]:
    """Start, in turns, with a queue file of one line and with one of many."""
    with open_workshop() as workshop:
        films = write_library(workshop.make_clip("clip.mkv", seconds=CLIP_S), workshop.folder / "films", LIBRARY)
        pairs = [(_start(workshop, films[:1]), _start(workshop, films)) for _ in range(runs)]
    one, many = (median(times) for times in zip(*pairs, strict=True))
    yield Result("first encode, 1 file", one, "s", LIMIT_S, is_absolute=True)
    yield Result(f"first encode, {LIBRARY} files / 1 file", many, "s", LIMIT_RATIO, theirs=one)


def _start(workshop: Workshop, films: list[Path]) -> float:
    """Seconds until ffmpeg is started for the first of the films; the run is stopped then."""
    queue = workshop.folder / "queue.txt"
    queue.write_text("".join(f"{film}\n" for film in films))
    options = ("-y", str(workshop.configure()), "-p", "bench", "--json", "--from-file", str(queue))
    begun = time.perf_counter()
    with subprocess.Popen(workshop.command(*options), env=workshop.environment, stdout=subprocess.PIPE) as program:
        try:
            return _seconds_to_start(program, begun)
        finally:
            program.terminate()
            program.communicate()


def _seconds_to_start(program: subprocess.Popen[bytes], begun: float) -> float:
    for line in program.stdout or ():
        if json.loads(line)["event"] == "encode_started":
            return time.perf_counter() - begun
    raise RuntimeError("the program ended without starting an encode")
