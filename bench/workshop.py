"""A temporary folder to measure in: clips, a configuration and a state folder of its own. Times nothing."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.hosts.ffmpeg import find_local_ffmpeg

_PROFILES = """\
profiles:
  bench:
    extension: .mkv
    input_options: {input_options}
    output_options: [-c:v libx264, -preset veryfast, -crf 30, -c:a copy]
  bench_two:
    include: bench
    queue: two
"""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A folder that is removed afterwards. `environment` keeps the program's journal in it."""

    folder: Path
    environment: Mapping[str, str]

    def command(self, *words: str) -> list[str]:
        """The command line of the installed program, as a shell finds it."""
        return [str(Path(sys.executable).with_name("pytranscoder")), *words]

    def configure(self, input_options: str = '""', **settings: object) -> Path:
        """Write a configuration of `settings` with a profile ``bench`` for one slot and ``bench_two`` for two."""
        path = self.folder / "transcode.yml"
        head = {"config": {"queues": {"two": 2}} | settings}
        path.write_text(f"{json.dumps(head)[1:-1]}\n{_PROFILES.format(input_options=input_options)}")
        return path

    def make_clip(self, name: str, *, seconds: float, size: str = "640x360") -> Path:
        """Make a clip with a picture and a tone."""
        path = self.folder / name
        picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}")
        tone = ("-f", "lavfi", "-i", f"sine=duration={seconds}")
        codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac")
        ffmpeg = find_local_ffmpeg(None)
        subprocess.run([ffmpeg, "-nostdin", "-v", "error", "-y", *picture, *tone, *codecs, str(path)], check=True)
        return path


@contextmanager
def open_workshop() -> Iterator[Workshop]:
    """Make a workshop and remove it with all that is in it; TMPDIR decides on which disk."""
    with tempfile.TemporaryDirectory(prefix="pytranscoder-bench-") as name:
        folder = Path(name)
        # Both, as macOS keeps state below the home directory.
        homes = {"HOME": name, "XDG_STATE_HOME": str(folder / "state")}
        yield Workshop(folder, {**os.environ, **homes, "TERM": "xterm"})


def copy_clips(clip: Path, folder: Path, count: int) -> list[Path]:
    """Fill a new folder with copies of a clip."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return [Path(shutil.copy(clip, folder / f"clip {number:02}{clip.suffix}")) for number in range(count)]


def write_library(clip: Path, folder: Path, count: int) -> list[Path]:
    """Make many films of one clip, a hundred a folder: hard links where the disk can hold them."""
    films = [folder / f"series {number // 100:03}" / f"episode {number:05}{clip.suffix}" for number in range(count)]
    for film in films:
        film.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(clip, film)
        except OSError:  # no hard links there, or no more of this one
            shutil.copy(clip, film)
    return films
