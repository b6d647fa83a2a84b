"""The first minute with pytranscoder: makes a few real clips with ffmpeg's sources and transcodes them."""

import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

from pytranscoder.encode.choose import Policy
from pytranscoder.errors import FfmpegMissingError, HostError, UsageError, printable
from pytranscoder.fleet import local_member
from pytranscoder.hosts.ffmpeg import find_local_ffmpeg
from pytranscoder.jobs.events import LOCAL_HOST
from pytranscoder.jobs.sources import Request, Selection
from pytranscoder.profiles.builtin import BUILTIN_PROFILES
from pytranscoder.runner import Order

# Names, pictures (https://ffmpeg.org/ffmpeg-filters.html#Video-Sources) and lengths in seconds.
CLIPS = (
    ("Test Card", "testsrc2=size=640x360:rate=25", 20),
    ("Mandelbrot", "mandelbrot=size=640x360:rate=25", 12),
    ("Game of Life", "life=size=320x180:rate=25:mold=10:ratio=0.1:death_color=#102040:life_color=#80ffa0", 16),
)
SUBTITLE = "1\n00:00:01,000 --> 00:00:04,000\nA film of {seconds} seconds.\n"


def run_demo(folder: Path, carry_out: Callable[[Order], int], say: Callable[[str], object]) -> int:
    """Make clips in a new folder, transcode them there with `carry_out`, `say` what happens; return the exit status.

    Raises UsageError when the folder is in use, HostError when there is no ffmpeg or it cannot make the clips.
    """
    ffmpeg = find_local_ffmpeg(None)
    try:
        folder.mkdir(parents=True)
    except OSError as exc:
        raise UsageError(f"cannot make {printable(folder)}: {exc.strerror}; name another folder") from exc
    say(f"making {len(CLIPS)} clips (h264, aac, subtitles) in {printable(folder)}/")
    for name, picture, seconds in CLIPS:
        _make_clip(ffmpeg, folder / f"{name}.mp4", picture, seconds)
    status = carry_out(
        Order(
            run=secrets.token_hex(4),
            requests=[Request(folder, Selection(profile="hevc"))],
            policy=Policy(profiles=BUILTIN_PROFILES),
            hosts=[local_member(None, {})],
        )
    )
    if status == 0:
        say(f"the films in {printable(folder)}/ are HEVC in mkv now; their sources were replaced")
    return status


def _make_clip(ffmpeg: str, path: Path, picture: str, seconds: int) -> None:
    command = [ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture]
    command += ["-f", "lavfi", "-i", "sine=frequency=330:beep_factor=4"]
    command += ["-f", "srt", "-i", "pipe:0", "-t", str(seconds)]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p"]
    command += ["-c:a", "aac", "-c:s", "mov_text", "-metadata:s:a:0", "language=eng", "-metadata:s:s:0", "language=eng"]
    subtitle = SUBTITLE.format(seconds=seconds).encode()
    try:
        subprocess.run([*command, f"file:{path}"], input=subtitle, check=True)
    except OSError as exc:
        raise FfmpegMissingError(LOCAL_HOST, f"cannot run {ffmpeg}: {exc.strerror}") from exc
    except subprocess.CalledProcessError as exc:  # it has said why on standard error
        raise HostError(LOCAL_HOST, f"{ffmpeg} cannot make {printable(path)}: status {exc.returncode}") from exc
