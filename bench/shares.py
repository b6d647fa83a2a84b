"""Clips of mixed length on three hosts with shares of the processor 1 : 2 : 4, against the least time it can take."""

import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from bench.laboratory import open_lab
from bench.result import Result
from bench.shell import run_program, seconds
from bench.workshop import copy_clips
from tests.lab.host import Host
from tests.lab.lab import Lab

# What is left of two cores is for the manager.
CORES = {"slow": 0.2, "middle": 0.4, "fast": 0.8}
LENGTHS_S = (24, 32, 40, 48, 64, 80, 96, 120, 136, 160)
COPIES = 4
CLIPS = COPIES * len(LENGTHS_S)
MEAN_S = sum(LENGTHS_S) / len(LENGTHS_S)
SIZE = "320x180"
LIMIT_RATIO = 1.10


def measure(runs: int) -> Iterator[Result]:
    """Encode the clips on all, before and after it one of mean length on each host alone."""
    with open_lab() as (lab, workshop):
        hosts = [lab.host(name) for name in CORES]
        for host in hosts:
            host.share(lab.place.media)
            host.cpu(CORES[host.name])
        clusters = {"home": {name: entry for host in hosts for name, entry in host.mounted().items()}}
        options = ("-y", str(workshop.configure(clusters=clusters)), "-p", "bench", "-c", "home")
        clips = [workshop.make_clip(f"{length_s}.mkv", seconds=length_s, size=SIZE) for length_s in LENGTHS_S]
        mean = workshop.make_clip("mean.mkv", seconds=MEAN_S, size=SIZE)
        ours, bounds = [], []
        for _ in range(runs):
            films = [film for clip in clips for film in copy_clips(clip, lab.place.media / clip.stem, COPIES)]
            before = [_seconds_alone(lab, host, mean) for host in hosts]
            ours.append(seconds(partial(run_program, workshop, options, films)))
            # As fast as it was before the run the machine may not be after it.
            after = [_seconds_alone(lab, host, mean) for host in hosts]
            bounds.append(_least_s([(first + last) / 2 for first, last in zip(before, after, strict=True)]))
    yield Result(f"{CLIPS} clips on 1:2:4 / lower bound", median(ours), "s", LIMIT_RATIO, theirs=median(bounds))


def _least_s(alone_s: list[float]) -> float:
    """The least time for all clips, by what one of mean length takes on each host."""
    together = CLIPS / sum(1 / clip_s for clip_s in alone_s)
    return max(together, min(alone_s) * max(LENGTHS_S) / MEAN_S)


def _seconds_alone(lab: Lab, host: Host, clip: Path) -> float:
    """Time an encode by the host's own clock, without the way there."""
    source, output = host.root / "clip.mkv", host.root / "output.mkv"
    source.write_bytes(clip.read_bytes())
    words = ("-nostdin", "-v", "error", "-y", "-i", str(source), "-c:v", "libx264", "-preset", "veryfast")
    encode = shlex.join([host.ffmpeg, *words, "-crf", "30", "-c:a", "copy", str(output)])
    done = lab.ssh(host, f"date +%s.%N && {encode} && date +%s.%N")
    done.check_returncode()
    begun, ended = map(float, done.stdout.split())
    return ended - begun
