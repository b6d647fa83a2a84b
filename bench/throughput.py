"""Short clips through the program against the same ffmpeg commands in a shell: what all but the encoding costs."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from bench.result import Result
from bench.workshop import Workshop, copy_clips, open_workshop

CLIPS = 24
CLIP_S = 16.0


def measure(runs: int) -> Iterator[Result]:
    """Encode the clips with one slot and with two."""
    with open_workshop() as workshop:
        yield _compare(workshop, runs, "bench", "one slot / sh loop", _run_loop, limit=1.10)
        yield _compare(workshop, runs, "bench_two", "two slots / xargs -P2", _run_xargs, limit=1.15)


def _compare(
    workshop: Workshop, runs: int, profile: str, name: str, run_shell: Callable[[list[str]], None], *, limit: float
) -> Result:
    clip = workshop.folder / "clip.mkv"
    if not clip.exists():
        workshop.make_clip(clip.name, seconds=CLIP_S)
    options = ("-y", str(workshop.configure()), "-p", profile)
    folder = workshop.folder / "films"
    ours, theirs = [], []
    # In turns, as the machine may be busier at one time than at another.
    for _ in range(runs):
        films = copy_clips(clip, folder, CLIPS)
        ours.append(_seconds(partial(_run_program, workshop, options, films)))
        films = copy_clips(clip, folder, CLIPS)
        theirs.append(_seconds(partial(run_shell, _shell_commands(workshop, options, films))))
    return Result(f"{CLIPS} clips, {name}", median(ours), "s", limit, theirs=median(theirs))


def _seconds(work: Callable[[], None]) -> float:
    os.sync()  # what was copied before is not to be paid for by the first who syncs a file
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _run_program(workshop: Workshop, options: tuple[str, ...], films: list[Path]) -> None:
    command = workshop.command(*options, *map(str, films))
    subprocess.run(command, env=workshop.environment, check=True, stdout=subprocess.DEVNULL)


def _shell_commands(workshop: Workshop, options: tuple[str, ...], films: list[Path]) -> list[str]:
    """The commands that the program would run, each with the `mv` that puts its output in the film's place."""
    command = workshop.command(*options, "--dry-run", "--json", *map(str, films))
    said = subprocess.run(command, env=workshop.environment, check=True, capture_output=True).stdout
    plans = [event for event in map(json.loads, said.splitlines()) if event["event"] == "planned"]
    return [_shell_command(plan["argv"], plan["media"]) for plan in plans]


def _shell_command(argv: list[str], film: str) -> str:
    return f"{shlex.join(argv)} >/dev/null && mv {shlex.quote(argv[-1])} {shlex.quote(film)}"


def _run_loop(commands: list[str]) -> None:
    subprocess.run(["sh", "-e"], input="\n".join(commands).encode(), check=True)


def _run_xargs(commands: list[str]) -> None:
    subprocess.run(["xargs", "-0", "-P", "2", "-n", "1", "sh", "-c"], input="\0".join(commands).encode(), check=True)
