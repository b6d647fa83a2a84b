"""A media file opened with PyAV, and how long its header says it is. Reads no packets.

Only worker processes import this, as a broken file may crash a demuxer.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
import av.logging
from av.container import InputContainer
from av.stream import Disposition, Stream

from pytranscoder.errors import UnreadableMediaError

_KINDS_OF_FILES = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

# libavformat says this, and nothing else, when it guesses a length from the bit rate (libavformat/demux.c).
_ESTIMATED = "Estimating duration from bitrate"

# Demuxers of what must not be replaced by a film: text drawn as pictures (chosen by the ending of the name, such
# as .nfo), lists of other files, and pictures, as `Film/*` also means the poster beside the film.
_NOT_MEDIA = frozenset(
    {
        *("tty", "bin", "adf", "idf", "xbin", "concat", "hls", "dash"),
        *("image2", "image2pipe", "gif", "apng", "ico", "fits", "jpegxl_anim"),
    }
)
_PICTURES = "_pipe"  # how the names of demuxers end that know a single picture by its first bytes


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open: PyAV's container, and whether its duration is a guess rather than in the header."""

    container: InputContainer
    duration_is_estimated: bool

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The audio and video streams, without cover art."""
        return tuple(s for s in self.container.streams if s.type in ("audio", "video") and not _is_cover(s))

    @property
    def start_s(self) -> float:
        """The time stamp at which the file begins: not 0 in recordings of broadcasts."""
        return (self.container.start_time or 0) / av.time_base

    def promises(self) -> dict[str, float]:
        """What the header says of each kind of stream, in seconds; empty in formats that only time the whole file."""
        promised: dict[str, float] = {}
        limit = self._container_duration_s() or float("inf")
        for stream in self.streams:
            duration_s = min(_stream_duration_s(self.container.format.name, stream), limit)
            promised[stream.type] = max(duration_s, promised.get(stream.type, 0.0))
        return {kind: duration_s for kind, duration_s in promised.items() if duration_s}

    def duration_s(self) -> float | None:
        """What the header says of sound and pictures together; None when it says nothing.

        Not that of the container where it can be told apart: subtitles may end long after the film, and ffmpeg
        gives converted picture subtitles that have no end one of 49 days.
        """
        return max(self.promises().values(), default=self._container_duration_s())

    def _container_duration_s(self) -> float | None:
        duration = self.container.duration
        if self.duration_is_estimated or not duration or duration < 0:
            return None
        return duration / av.time_base


def stat_regular_file(path: Path) -> os.stat_result:
    """The status of a file that can be read without waiting or side effects; raises UnreadableMediaError for others."""
    try:
        status = path.stat()
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        raise UnreadableMediaError(path, f"cannot be read: {_reason(exc)}") from exc
    kind = next((kind for is_kind, kind in _KINDS_OF_FILES if is_kind(status.st_mode)), None)
    if kind:
        raise UnreadableMediaError(path, f"is {kind}, not a file")
    if status.st_size == 0:
        raise UnreadableMediaError(path, "the file is empty")
    return status


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """Opens a file for reading, by whatever name it has; raises UnreadableMediaError."""
    # With the protocol and an absolute path no name can be taken for another protocol or for an option.
    # PyAV hands file names to ffmpeg as os.fsencode() does, so bytes that are not UTF-8 arrive.
    url = f"file:{path.absolute()}"
    try:
        with _warnings() as warnings:
            container = av.open(url, "r", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except av.FFmpegError as exc:
        raise UnreadableMediaError(path, f"cannot be opened as media: {_reason(exc)}") from exc
    with container:
        name = container.format.name
        if name in _NOT_MEDIA or name.endswith(_PICTURES):
            raise UnreadableMediaError(path, f"is no media file ({name})")
        yield OpenFile(container, any(_ESTIMATED in message for _, _, message in warnings))


def described(container: InputContainer) -> str:
    """What ffmpeg prints of a file: has what PyAV cannot tell of streams without a decoder, and their side data."""
    av.logging.set_level(av.logging.INFO)
    try:
        text: str = cast(Any, container).dumps_format()  # missing in PyAV's annotations
    finally:
        av.logging.set_level(None)
    return text


@contextmanager
def _warnings() -> Iterator[list[tuple[int, str, str]]]:
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as captured:
            yield captured
    finally:
        av.logging.set_level(None)


def _stream_duration_s(demuxer: str, stream: Stream) -> float:
    if "matroska" in demuxer:  # has no field for it; mkvmerge and ffmpeg write a tag
        return _seconds(stream.metadata.get("DURATION", ""))
    # AVI's number for sound is wrong in many files with a variable bit rate. Elsewhere libavformat
    # fills in the duration of the whole file, which is no promise of this stream.
    own = "mp4" in demuxer or (demuxer == "avi" and stream.type == "video")
    if own and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return 0.0


def _seconds(clock: str) -> float:
    try:
        hours, minutes, seconds = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _reason(exc: Exception) -> str:
    text = getattr(exc, "strerror", None) or str(exc)
    last_log = getattr(exc, "log", None)  # PyAV's errors: level, name and message of what ffmpeg said last
    details = f" ({last_log[2].strip()})" if last_log else ""
    return text[:1].lower() + text[1:] + details
