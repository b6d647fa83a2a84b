"""Runs the command as its user does: in a process of its own, with a home and a state folder of its own.

Knows what it prints and how it ends, not how it works.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clips import FFMPEG

FAKE_FFMPEG = Path(__file__).parents[1] / "fake_ffmpeg.py"

# A profile that is quick and saves something, and one that saves nothing.
PROFILES = """\
profiles:
  small:
    output_options_video: ["-c:v libx264", "-preset ultrafast", "-crf 45"]
    output_options_audio: ["-c:a copy"]
    extension: .mkv
  large:
    include: small
    output_options_video: ["-c:v libx264", "-preset ultrafast", "-crf 1"]
    threshold: 20
"""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A machine's worth of folders for one user, all below `root`."""

    root: Path
    home: Path
    state: Path
    media: Path

    @classmethod
    def make(cls, root: Path) -> "Place":
        """Make the folders."""
        place = cls(root, root / "home", root / "state", root / "media")
        for folder in (place.home, place.state, place.media):
            folder.mkdir()
        return place

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that a process of this user has."""
        kept = {name: value for name, value in os.environ.items() if name not in ("TERM", "COLUMNS", "NO_COLOR")}
        return {**kept, "HOME": str(self.home), "XDG_STATE_HOME": str(self.state)}

    @property
    def diary(self) -> Path:
        """Where a fake ffmpeg notes its encodes."""
        return self.root / "diary"

    def configure(self, text: str = PROFILES, **settings: object) -> None:
        """Write the configuration file; `settings` go under ``config:``."""
        lines = "".join(f"  {key}: {json.dumps(value, default=str)}\n" for key, value in settings.items())
        head = f"config:\n{lines}" if settings else ""
        (self.home / ".transcode.yml").write_text(head + text)

    def fake_ffmpeg(self, behaviour: str) -> Path:
        """Make an ffmpeg that behaves like this."""
        self.diary.touch()
        words = [sys.executable, "-S", "-E", str(FAKE_FFMPEG), behaviour, FFMPEG, str(self.diary)]
        path = self.root / f"ffmpeg-{behaviour}"
        path.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        path.chmod(0o755)
        return path

    def let_finish(self) -> None:
        """Let the encodes of a fake ffmpeg that waits at its gate come to their end."""
        Path(f"{self.diary}.open").touch()

    def add(self, clip: Path, name: str | None = None) -> Path:
        """Copy a clip to the media folder, under a name if one is given."""
        target = self.media / (name or clip.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, target)
        return target

    def names(self) -> list[str]:
        """What is in the media folder, hidden files too, sorted."""
        return sorted(os.path.relpath(path, self.media) for path in self.media.rglob("*") if not path.is_dir())


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended and what it said."""

    status: int
    stdout: str
    stderr: str
    events: list[Event] = field(default_factory=list)

    def of(self, name: str) -> list[Event]:
        """The events of a name, in their order."""
        return [event for event in self.events if event["event"] == name]

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each job by the name of its file."""
        return {Path(event["media"]).name: event["outcome"] for event in self.of("job_finished")}

    @property
    def reasons(self) -> list[str]:
        """Why jobs ended as they did."""
        return [event["reason"] for event in self.of("job_finished") if event["reason"]]


class Running:
    """A command at work with `--json`, whose events are read as they come."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self.process = process
        self._errors = errors
        self._lines: list[str] = []

    def wait_for(self, name: str) -> Event:
        """Read events until one of this name has come, and return it."""
        for event in self._read():
            if event["event"] == name:
                return event
        raise AssertionError(f"no {name}: {''.join(self._lines)}{self._errors.read_text()}")

    def send(self, number: signal.Signals) -> float:
        """Send it a signal and return the time, to be handed to `seconds_since`."""
        self.process.send_signal(number)
        return time.monotonic()

    def finish(self) -> Finished:
        """Wait for its end."""
        for _ in self._read():
            pass
        status = self.process.wait()
        text = "".join(self._lines)
        return Finished(status, text, self._errors.read_text(), [json.loads(line) for line in self._lines])

    def _read(self) -> Iterator[Event]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            yield json.loads(line)


def command(*words: "str | os.PathLike[str]") -> list[str]:
    """The argument vector of the command, without a directory of Python's own in front of the search path."""
    return [sys.executable, "-P", "-m", "pytranscoder", *(os.fspath(word) for word in words)]


def run_pytranscoder(
    place: Place, *words: "str | os.PathLike[str]", environment: Mapping[str, str] | None = None
) -> Finished:
    """Run the command in the media folder to its end."""
    done = subprocess.run(
        command(*words),
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=place.media,
        env={**place.environment, **(environment or {})},
        text=True,
        errors="surrogateescape",
    )
    assert "Traceback" not in done.stderr, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in words else []
    return Finished(done.returncode, done.stdout, done.stderr, events)


@contextmanager
def start_pytranscoder(
    place: Place, *words: "str | os.PathLike[str]", through: Sequence[str] = ()
) -> Iterator[Running]:
    """Run the command with `--json` in the media folder, as long as the context lasts; `through` another one."""
    errors = place.root / f"stderr-{time.monotonic_ns()}"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [*through, *command("--json", *words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=place.media,
            env=place.environment,
            text=True,
        ) as process,
    ):
        try:
            yield Running(process, errors)
        finally:
            process.kill()


def processes_of(place: Place) -> list[int]:
    """The processes that run with the home of this place: the command, its workers, its ffmpegs and their children."""
    marker = os.fsencode(f"HOME={place.home}")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end while we look; a zombie has no environment
            if marker in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def left_running(place: Place, within_s: float = 1.0) -> list[str]:
    """The command lines of processes of this place that do not end within a time."""
    deadline = time.monotonic() + within_s
    return [_command_line(pid) for pid in processes_of(place) if not ends_before(pid, deadline)]


def ends_before(pid: int, deadline: float) -> bool:
    """Whether a process ends before a moment of `time.monotonic`."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ended, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        return bool(ended)
    finally:
        os.close(descriptor)


def _command_line(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return str(pid)
