"""Short clips through the program against the same ffmpeg commands in a shell: what all but the encoding costs."""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from bench.result import Result
from bench.shell import run_loop, run_program, run_xargs, seconds, shell_commands
from bench.workshop import Workshop, copy_clips, open_workshop

CLIPS = 24
CLIP_S = 16.0


def measure(runs: int) -> Iterator[Result]:
    """Encode the clips with one slot and with two."""
    with open_workshop() as workshop:
        yield _compare(workshop, runs, "bench", "one slot / sh loop", run_loop, limit=1.10)
        yield _compare(workshop, runs, "bench_two", "two slots / xargs -P2", run_xargs, limit=1.15)


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
        ours.append(seconds(partial(run_program, workshop, options, films)))
        films = copy_clips(clip, folder, CLIPS)
        theirs.append(seconds(partial(run_shell, shell_commands(workshop, options, films))))
    return Result(f"{CLIPS} clips, {name}", median(ours), "s", limit, theirs=median(theirs))
