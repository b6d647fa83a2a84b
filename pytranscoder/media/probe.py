"""Fills in the media model from a file's headers, with PyAV. Decodes nothing and chooses nothing.

Only worker processes import this, as a broken file may crash a demuxer.
"""

import re
from dataclasses import replace
from pathlib import Path

from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Disposition
from av.stream import Stream as AvStream
from av.video.codeccontext import VideoCodecContext

from pytranscoder.errors import UnreadableMediaError
from pytranscoder.media.container import described, opened, stat_regular_file
from pytranscoder.media.model import Identity, Media, Stream, StreamKind

# AVColorTransferCharacteristic (ITU-T H.273, table 3) in ffmpeg's names; 2 is "unspecified".
_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}

# A stream as ffmpeg describes it: "  Stream #0:3[0x4](eng): Data: none (tmcd / 0x64636D74), 0 kb/s", details below it.
_DESCRIPTION = re.compile(
    r"^ *Stream #0:(?P<index>\d+)\S*: \w+: (?P<codec>\w+)(?P<rest>.*)(?P<details>(?:\n {4}.*)*)", re.MULTILINE
)
_TAG = re.compile(r"\((?P<tag>\S{4}) / 0x[0-9A-F]{8}\)")


def probe(path: Path) -> Media:
    """What the headers of a file say; raises UnreadableMediaError for what has neither video nor audio."""
    status = stat_regular_file(path)
    with opened(path) as file:
        if not file.streams:
            raise UnreadableMediaError(path, "has neither video nor audio")
        return Media(
            path=path,
            identity=Identity(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino),
            container=file.container.format.name,
            duration_s=file.duration_s(),
            streams=_streams(file.container),
            chapters=len(file.container.chapters()),
        )


def _streams(container: InputContainer) -> tuple[Stream, ...]:
    descriptions = {int(match["index"]): match for match in _DESCRIPTION.finditer(described(container))}
    return tuple(_with_codec(_stream(each), each, descriptions.get(each.index)) for each in container.streams)


def _stream(stream: AvStream) -> Stream:
    tags = stream.metadata
    language = tags.get("language", "")
    return Stream(
        index=stream.index,
        # libavformat also has streams of an unknown kind: like data they can only be copied or dropped.
        kind=StreamKind.DATA if stream.type == "unknown" else StreamKind(stream.type),
        language=None if language in ("", "und") else language,
        title=tags.get("title", ""),
        default=bool(stream.disposition & Disposition.default),
        forced=bool(stream.disposition & Disposition.forced),
        attached_picture=bool(stream.disposition & Disposition.attached_pic),
        filename=tags.get("filename", ""),
        mimetype=tags.get("mimetype", ""),
        fps=float(stream.average_rate or 0) if stream.type == "video" else 0.0,
    )


def _with_codec(stream: Stream, source: AvStream, description: re.Match[str] | None) -> Stream:
    context = _context(source)
    if context is None:
        return _described_codec(stream, description)
    # Not its name, which is that of a decoder: libdav1d, pgssub, srt.
    stream = replace(stream, codec=context.codec.canonical_name, codec_tag=_codec_tag(context))
    if isinstance(context, AudioCodecContext):
        return replace(stream, channels=context.channels)
    if isinstance(context, VideoCodecContext):
        dolby_vision = description is not None and "DOVI configuration record" in description["details"]
        return replace(_with_picture(stream, context), dolby_vision=dolby_vision)
    return stream


def _codec_tag(context: CodecContext) -> str:
    try:
        return _readable(context.codec_tag)
    except UnicodeDecodeError:  # PyAV takes it for text; aac in avi has the number 255
        return ""


def _context(stream: AvStream) -> CodecContext | None:
    # PyAV's annotations say there always is one; streams without a decoder (data, attachments) have none.
    return stream.codec_context


def _described_codec(stream: Stream, description: re.Match[str] | None) -> Stream:
    if description is None:
        return stream
    codec = "" if description["codec"] in ("none", "unknown") else description["codec"]
    tag = _TAG.search(description["rest"])
    return replace(stream, codec=codec, codec_tag=tag["tag"] if tag else "")


def _with_picture(stream: Stream, context: VideoCodecContext) -> Stream:
    return replace(
        stream,
        width=context.width,
        height=context.height,
        pix_fmt=context.pix_fmt or "",
        bit_depth=context.format.components[0].bits if context.format else context.bits_per_coded_sample,
        color_transfer=_TRANSFERS.get(context.color_trc, ""),
    )


def _readable(tag: str) -> str:
    # Formats without four-letter codes have numbers there: \x1b in a transport stream.
    letters = tag.rstrip("\0")
    return letters if letters.isprintable() else ""
