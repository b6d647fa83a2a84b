"""Short clips on two mounted hosts against the same ffmpeg commands run here: what a cluster costs."""

from collections.abc import Iterator
from functools import partial
from statistics import median

from bench.laboratory import open_lab
from bench.result import Result
from bench.shell import run_program, run_xargs, seconds, shell_commands
from bench.workshop import copy_clips

CLIPS = 24
CLIP_S = 16.0
LIMIT_RATIO = 1.25


def measure(runs: int) -> Iterator[Result]:
    """Encode the clips on both hosts, and two at a time in a shell."""
    with open_lab() as (lab, workshop):
        clip = workshop.make_clip("clip.mkv", seconds=CLIP_S)
        hosts = [lab.host(name) for name in ("alpha", "beta")]
        for host in hosts:
            host.share(lab.place.media)
        options = (
            "-y",
            str(workshop.configure(clusters={"home": hosts[0].mounted() | hosts[1].mounted()})),
            "-p",
            "bench",
        )
        folder = lab.place.media / "films"
        ours, theirs = [], []
        for _ in range(runs):  # in turns, as the machine may be busier at one time than at another
            films = copy_clips(clip, folder, CLIPS)
            ours.append(seconds(partial(run_program, workshop, (*options, "-c", "home"), films)))
            films = copy_clips(clip, folder, CLIPS)
            theirs.append(seconds(partial(run_xargs, shell_commands(workshop, options, films))))
    name = f"{CLIPS} clips, two hosts / xargs -P2"
    yield Result(name, median(ours), "s", LIMIT_RATIO, theirs=median(theirs))
