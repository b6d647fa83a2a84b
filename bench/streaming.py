"""Films to a host over a slow link whose upload takes about as long as their encode: whether it is a pipeline."""

import shlex
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from bench.laboratory import open_lab
from bench.result import Result
from bench.shell import run_program, seconds
from bench.workshop import Workshop, copy_clips
from pytranscoder.hosts.ffmpeg import find_local_ffmpeg
from tests.lab.host import Host
from tests.lab.lab import Lab

LINK_BIT_S = 100e6
FILMS = 8
# Pictures as they are, read at their own pace: so long to upload, and so long to encode whatever else the machine does.
FILM_S = 3.5
SIZE = "640x360"
RATE = 33
LIMIT_RATIO = 1.15


def measure(runs: int) -> Iterator[Result]:
    """Encode the films there; copy one by `scp` and encode it by `ssh` in the same run."""
    with open_lab() as (lab, workshop):
        host = lab.host("alpha")
        film = _make_film(workshop.folder / "film.mkv")
        configuration = workshop.configure("-re", clusters={"home": host.streaming()})
        options = ("-y", str(configuration), "-p", "bench", "-c", "home")
        host.link(rate_bit_s=LINK_BIT_S)
        walls, uploads, encodes = [], [], []
        for _ in range(runs):
            films = copy_clips(film, lab.place.media / "films", FILMS)
            walls.append(seconds(partial(run_program, workshop, options, films)))
            uploads.append(seconds(partial(_upload, lab, workshop, host, film)))
            encodes.append(seconds(partial(_encode, lab, host)))
    upload, encode = median(uploads), median(encodes)
    name = f"{FILMS} films, {upload:.1f} s up + {encode:.1f} s encode"
    # Against the longer of all uploads and all encodes; the first upload and the last encode have nothing beside them.
    yield Result(name, median(walls) - upload - encode, "s", LIMIT_RATIO, theirs=FILMS * max(upload, encode))


def _make_film(path: Path) -> Path:
    picture = ("-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={RATE}:duration={FILM_S}")
    ffmpeg = find_local_ffmpeg(None)
    subprocess.run([ffmpeg, "-nostdin", "-v", "error", *picture, "-c:v", "rawvideo", str(path)], check=True)
    return path


def _upload(lab: Lab, workshop: Workshop, host: Host, film: Path) -> None:
    config = lab.place.home / ".ssh" / "config"
    argv = ["scp", "-q", "-F", str(config), str(film), f"{host.name}:{host.working_dir}"]
    subprocess.run(argv, env=workshop.environment, check=True)


def _encode(lab: Lab, host: Host) -> None:
    source, output = host.working_dir / "film.mkv", host.working_dir / "output.mkv"
    words = ("-nostdin", "-v", "error", "-y", "-re", "-i", str(source), "-c:v", "libx264", "-preset", "veryfast")
    done = lab.ssh(host, shlex.join([host.ffmpeg, *words, "-crf", "30", str(output)]))
    done.check_returncode()
