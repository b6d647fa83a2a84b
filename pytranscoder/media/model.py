"""A media file, its streams and its end as plain values. Reads nothing: `media.probe` and `media.examine` do."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class StreamKind(StrEnum):
    """ffmpeg's kinds of streams; the values are what its stream specifiers mean in words."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLE = "subtitle"
    DATA = "data"
    ATTACHMENT = "attachment"

    @property
    def letter(self) -> str:
        """The letter of this kind in an ffmpeg stream specifier (https://ffmpeg.org/ffmpeg.html#Stream-specifiers)."""
        return {"attachment": "t"}.get(self.value, self.value[0])


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a file. `codec` is ffmpeg's name, empty when it knows none; `language` is None when undefined."""

    index: int
    kind: StreamKind
    codec: str = ""
    language: str | None = None
    title: str = ""
    default: bool = False
    forced: bool = False
    attached_picture: bool = False
    codec_tag: str = ""
    filename: str = ""
    mimetype: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    pix_fmt: str = ""
    bit_depth: int = 0
    color_transfer: str = ""
    channels: int = 0
    dolby_vision: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells whether a file is still the one that was looked at: size in bytes, mtime in ns, device and inode."""

    size_bytes: int
    mtime_ns: int
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Media:
    """One input file. `container` is the name of ffmpeg's demuxer, such as ``matroska,webm``.

    `duration_s` is what the header says of video and audio; None when it says nothing.
    """

    path: Path
    identity: Identity
    container: str
    duration_s: float | None
    streams: tuple[Stream, ...]
    chapters: int = 0

    @property
    def size_bytes(self) -> int:
        """The size of the file in bytes."""
        return self.identity.size_bytes

    def of_kind(self, kind: StreamKind) -> tuple[Stream, ...]:
        """The streams of one kind, in the order of the file, cover art included."""
        return tuple(stream for stream in self.streams if stream.kind is kind)

    @property
    def pictures(self) -> tuple[Stream, ...]:
        """The video streams that move: without cover art."""
        return tuple(stream for stream in self.of_kind(StreamKind.VIDEO) if not stream.attached_picture)

    @property
    def video(self) -> Stream | None:
        """The first video stream that is not cover art."""
        return next(iter(self.pictures), None)

    @property
    def bitrate_bps(self) -> float | None:
        """Bits per second over the whole file; None without a duration."""
        return self.size_bytes * 8 / self.duration_s if self.duration_s else None


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the packets of a file end, in seconds from its start.

    `duration_s` is what its header says, None when it says nothing.
    `end_s` is the latest end of any video or audio packet, 0 when no packet has a time; cover art does not count.
    `video_end_s` and `audio_end_s` are None without such packets. `complete` tells whether everything is there that
    the header promises: a file that was cut off is not. `lead_s` is how long before its start packets begin that
    an edit list hides: a copy of them comes out that much later.
    """

    duration_s: float | None
    end_s: float
    video_end_s: float | None
    audio_end_s: float | None
    complete: bool
    lead_s: float = 0.0
