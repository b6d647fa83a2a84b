"""What a media file is, in the terms that rules use: minutes, megabytes, names of codecs and languages.
Compares nothing and reads no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pytranscoder.media.model import Media, Stream, StreamKind

Observed = tuple[float | str, ...]  # empty when the media does not tell, or has no such stream


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules are held against: the media, and `now` in Unix seconds for its age."""

    media: Media
    now: float


# What people call codecs that have another name in ffmpeg.
CODEC_ALIASES = {
    "h265": "hevc",
    "x265": "hevc",
    "libx265": "hevc",
    "avc": "h264",
    "avc1": "h264",
    "x264": "h264",
    "libx264": "h264",
    "av01": "av1",
    "mpeg2": "mpeg2video",
    "mpeg1": "mpeg1video",
    "divx": "mpeg4",
    "xvid": "mpeg4",
    "ac-3": "ac3",
    "e-ac-3": "eac3",
    "dca": "dts",
    "srt": "subrip",
    "ssa": "ass",
    "vtt": "webvtt",
    "tx3g": "mov_text",
    "pgs": "hdmv_pgs_subtitle",
    "vobsub": "dvd_subtitle",
}
# The values are names from the lists of ffmpeg's demuxers (`ffmpeg -demuxers`), the keys usual suffixes.
CONTAINER_ALIASES = {
    "mkv": "matroska",
    "mk3d": "matroska",
    "mka": "matroska",
    "m4v": "mp4",
    "qt": "mov",
    "ts": "mpegts",
    "m2ts": "mpegts",
    "mts": "mpegts",
    "mpg": "mpeg",
    "vob": "mpeg",
    "wmv": "asf",
    "ogv": "ogg",
    "ogm": "ogg",
}
_HDR_TRANSFERS = {"smpte2084", "arib-std-b67"}  # PQ and HLG (ITU-R BT.2100)


def runtime_minutes(facts: Facts) -> Observed:
    """The duration, in minutes."""
    return _known(facts.media.duration_s, per=60)


def size_mb(facts: Facts) -> Observed:
    """The size of the file, in megabytes of 1,000,000 bytes."""
    return (facts.media.size_bytes / 1_000_000,)


def bitrate_kbps(facts: Facts) -> Observed:
    """The bit rate of the whole file, in kilobits of 1000 bits per second."""
    return _known(facts.media.bitrate_bps, per=1000)


def age_days(facts: Facts) -> Observed:
    """The time since the file was last changed, in days."""
    return ((facts.now - facts.media.identity.mtime_ns / 1e9) / 86_400,)


def picture_number(read: Callable[[Stream], float]) -> Callable[[Facts], Observed]:
    """A number of the first video stream; 0 is how the prober spells that it does not know."""
    return lambda facts: _known(next((read(stream) for stream in facts.media.pictures), None))


def picture_name(read: Callable[[Stream], str]) -> Callable[[Facts], Observed]:
    """A name of the first video stream, in lower case."""
    return lambda facts: tuple(read(stream).lower() for stream in facts.media.pictures[:1])


def names_of(kind: StreamKind, read: Callable[[Stream], str]) -> Callable[[Facts], Observed]:
    """A name of each stream of one kind, in lower case."""
    return lambda facts: tuple(read(stream).lower() for stream in facts.media.of_kind(kind))


def container(facts: Facts) -> Observed:
    """The names of the container, without aliases.

    One demuxer reads mp4 and mov, one mkv and webm: where the file's suffix is among its names, that one only.
    """
    names = tuple(CONTAINER_ALIASES.get(name, name) for name in facts.media.container.lower().split(","))
    suffix = facts.media.path.suffix.lower().removeprefix(".")
    named = CONTAINER_ALIASES.get(suffix, suffix)
    return (named,) if named in names else names


def hdr(facts: Facts) -> Observed:
    """``yes`` or ``no`` for the first video stream."""
    return tuple("yes" if _is_hdr(stream) else "no" for stream in facts.media.pictures[:1])


def path(facts: Facts) -> Observed:
    """The path as it was probed."""
    return (str(facts.media.path),)


def _known(value: float | None, per: float = 1) -> Observed:
    return (value / per,) if value else ()


def _is_hdr(stream: Stream) -> bool:
    return stream.dolby_vision or stream.color_transfer in _HDR_TRANSFERS
