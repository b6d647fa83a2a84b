"""The ffmpeg commands that the program would run, run by a shell instead, and how long work takes."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.workshop import Workshop


def seconds(work: Callable[[], None]) -> float:
    """Take the time of some work."""
    os.sync()  # what was copied before is not to be paid for by the first who syncs a file
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def run_program(workshop: Workshop, options: tuple[str, ...], films: list[Path]) -> None:
    """Encode the films with the program."""
    command = workshop.command(*options, *map(str, films))
    subprocess.run(command, env=workshop.environment, check=True, stdout=subprocess.DEVNULL)


def shell_commands(workshop: Workshop, options: tuple[str, ...], films: list[Path]) -> list[str]:
    """The commands that the program would run, each with the `mv` that puts its output in the film's place."""
    command = workshop.command(*options, "--dry-run", "--json", *map(str, films))
    said = subprocess.run(command, env=workshop.environment, check=True, capture_output=True).stdout
    plans = [event for event in map(json.loads, said.splitlines()) if event["event"] == "planned"]
    return [_shell_command(plan["argv"], plan["media"]) for plan in plans]


def run_loop(commands: list[str]) -> None:
    """Run one command after the other."""
    subprocess.run(["sh", "-e"], input="\n".join(commands).encode(), check=True)


def run_xargs(commands: list[str]) -> None:
    """Run two commands at a time."""
    subprocess.run(["xargs", "-0", "-P", "2", "-n", "1", "sh", "-c"], input="\0".join(commands).encode(), check=True)


def _shell_command(argv: list[str], film: str) -> str:
    return f"{shlex.join(argv)} >/dev/null && mv {shlex.quote(argv[-1])} {shlex.quote(film)}"
