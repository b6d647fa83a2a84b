"""Which ffmpeg a host has and what it can do. Runs it only to ask for its version and its encoders."""

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytranscoder.errors import FfmpegMissingError, HostError
from pytranscoder.hosts.transport import Captured, Transport

ANSWER_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg that has answered: its path, its version and the names of its encoders."""

    path: str
    version: str
    encoders: frozenset[str]


def find_local_ffmpeg(configured: str | None) -> str:
    """Finds the ffmpeg to use on this machine: the configured one, else one in PATH, else the embedded one.

    Raises FfmpegMissingError when the configured one is not there, or none at all.
    """
    if configured:
        found = shutil.which(os.path.expanduser(configured))  # noqa: PTH111  # a Path would lose the `./` in front
        if not found:
            raise FfmpegMissingError("local", f"no ffmpeg at {configured}; correct `ffmpeg` in the configuration")
        return found
    found = shutil.which("ffmpeg") or _embedded_ffmpeg()
    if not found:
        raise FfmpegMissingError("local", "no ffmpeg found; install one, or the Python package imageio-ffmpeg")
    return found


def _embedded_ffmpeg() -> str | None:
    # Found by its place in the wheel: importing imageio_ffmpeg to ask it would cost more than the rest of the start.
    spec = find_spec("imageio_ffmpeg")
    if spec is None or not spec.origin:
        return None
    return next((str(path) for path in sorted(Path(spec.origin).parent.glob("binaries/ffmpeg-*"))), None)


async def check_ffmpeg(transport: Transport, path: str) -> Ffmpeg:
    """Asks an ffmpeg for its version and its encoders.

    Raises FfmpegMissingError when it cannot be run.
    """
    try:
        # One question for both, as ffmpeg takes longer to start than to answer: the version is in its banner.
        answer = await transport.capture((path, "-encoders"), ANSWER_WITHIN_S)
    except HostError as exc:
        raise FfmpegMissingError(transport.host, exc.reason) from exc
    _require_success(transport.host, path, answer)
    return Ffmpeg(path, read_version(answer.stderr), read_encoders(answer.stdout))


def _require_success(host: str, path: str, answer: Captured) -> None:
    if answer.exit_status != 0 or not read_encoders(answer.stdout):
        last = (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        raise FfmpegMissingError(host, f"{path} is no ffmpeg that can be run (status {answer.exit_status}: {last})")


def read_version(text: str) -> str:
    """Reads the version from the banner that ffmpeg prints first."""
    words = text.split(maxsplit=3)
    return words[2] if len(words) > 2 and words[1] == "version" else "unknown"


def read_encoders(text: str) -> frozenset[str]:
    """Reads the names from what ``ffmpeg -encoders`` prints: a legend, a line of dashes, then flags and name."""
    _, _, table = text.partition("------")
    return frozenset(words[1] for line in table.splitlines() if len(words := line.split(maxsplit=2)) > 1)
