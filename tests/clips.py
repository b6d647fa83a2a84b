"""Makes real, tiny media files with ffmpeg for tests. Looks at none of them."""

import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # has no annotations

FFMPEG: str = shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()

_ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.20,0:00:01.20,Default,,0,0,0,,Hello
"""


def run_ffmpeg(*args: str, ffmpeg: str = FFMPEG) -> None:
    """Run ffmpeg and fail with its own words."""
    command = [ffmpeg, "-nostdin", "-v", "error", "-y", *args]
    result = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, f"{command}: {result.stderr.decode(errors='replace')}"


def make_clip(
    path: Path,
    *,
    seconds: float = 2,
    size: str = "160x120",
    rate: int = 25,
    vcodec: str | None = "libx264",
    audio: Sequence[str] = ("eng",),
    acodec: str = "aac",
    subtitles: Sequence[str] = (),
    subtitle_end_s: float = 1.5,
    attachments: Sequence[str] = (),
    chapters: int = 0,
    output: Sequence[str] = (),
) -> Path:
    """Make a media file of any name in the container that its extension tells.

    `audio` has a language for each audio stream, `subtitles` a ``codec:language`` for each of its kind, where the
    codec is ffmpeg's name (subrip, ass, webvtt, mov_text, hdmv_pgs_subtitle, dvd_subtitle), and `attachments` are
    file names: ``.png`` becomes cover art. `output` are more ffmpeg options for the output.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs = _picture(size, rate, seconds) if vcodec else []
        inputs += [word for number, _ in enumerate(audio) for word in _tone(number, seconds)]
        inputs += [word for entry in subtitles for word in _subtitle(Path(folder), entry, subtitle_end_s)]
        maps = [word for number in range(inputs.count("-i")) for word in ("-map", str(number))]
        run_ffmpeg(
            *inputs,
            *_chapters(Path(folder), chapters, seconds, inputs.count("-i")),
            *maps,
            *_codecs(vcodec, acodec, audio, subtitles),
            *_attachments(Path(folder), attachments),
            *output,
            f"file:{path.absolute()}",
        )
    return path


class Clips:
    """Clips that many tests read, each made when it is first asked for. Copy one before changing it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plain = cache(self._plain)
        self.rich = cache(self._rich)
        self.timecode = cache(self._timecode)
        self.picture_subtitles = cache(self._picture_subtitles)
        self.transport_stream = cache(self._transport_stream)
        self.hdr = cache(self._hdr)

    def _plain(self) -> Path:
        """A mkv with video, two languages and a text subtitle."""
        return make_clip(self.folder / "plain.mkv", audio=("eng", "fre"), subtitles=["subrip:eng"])

    def _rich(self) -> Path:
        """A mkv with all that matroska can hold: subtitles as subrip and ass, a font, cover art, chapters, titles."""
        return make_clip(
            self.folder / "rich.mkv",
            audio=("eng", "und"),
            subtitles=["subrip:ger", "ass:eng"],
            attachments=["hello.ttf", "cover.png"],
            chapters=2,
            output=["-metadata:s:a:0", "title=Commentary", "-disposition:s:0", "forced", "-disposition:a:0", "default"],
        )

    def _timecode(self) -> Path:
        """A mp4 with a mov_text subtitle and a timecode track, which is a data stream."""
        return make_clip(self.folder / "timecode.mp4", subtitles=["mov_text:eng"], output=["-timecode", "01:00:00:00"])

    def _picture_subtitles(self) -> Path:
        """A mkv with subtitles as pictures, of blu-ray and of DVD."""
        return make_clip(
            self.folder / "pictures.mkv", subtitles=["hdmv_pgs_subtitle:eng", "dvd_subtitle:eng", "subrip:eng"]
        )

    def _transport_stream(self) -> Path:
        """A ts whose time stamps begin at 1.4 s."""
        return make_clip(self.folder / "broadcast.ts")

    def _hdr(self) -> Path:
        """A mkv with ten bits a colour, tagged as HDR10."""
        tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
        return make_clip(self.folder / "hdr.mkv", output=["-vf", f"format=yuv420p10le,{tags}"])


def _picture(size: str, rate: int, seconds: float) -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]


def _tone(number: int, seconds: float) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=frequency={440 + 110 * number}:duration={seconds}"]


def _subtitle(folder: Path, entry: str, end_s: float) -> list[str]:
    codec = entry.partition(":")[0]
    if codec in ("hdmv_pgs_subtitle", "dvd_subtitle"):
        file, content = folder / "picture.sup", pgs(0.5, end_s)
    elif codec == "ass":
        file, content = folder / "text.ass", _ASS.encode()
    else:
        minutes, seconds = divmod(end_s, 60)
        end = f"00:{minutes:02.0f}:{seconds:06.3f}".replace(".", ",")
        file, content = folder / "text.srt", f"1\n00:00:00,500 --> {end}\nHello\n".encode()
    file.write_bytes(content)
    return ["-i", str(file)]


def _codecs(vcodec: str | None, acodec: str, audio: Sequence[str], subtitles: Sequence[str]) -> list[str]:
    words = ["-c:v", vcodec] if vcodec else []
    if vcodec in ("libx264", "libx265"):
        words += ["-preset", "ultrafast", "-g", "25"]
    words += ["-c:a", acodec]
    for number, language in enumerate(audio):
        words += [f"-metadata:s:a:{number}", f"language={language}"]
    for number, entry in enumerate(subtitles):
        codec, _, language = entry.partition(":")
        encoder = {"hdmv_pgs_subtitle": "copy", "dvd_subtitle": "dvdsub"}.get(codec, codec)
        words += [f"-c:s:{number}", encoder, f"-metadata:s:s:{number}", f"language={language or 'und'}"]
    return words


def _chapters(folder: Path, count: int, seconds: float, index: int) -> list[str]:
    if not count:
        return []
    length_ms = int(seconds * 1000 / count)
    text = ";FFMETADATA1\n" + "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={n * length_ms}\nEND={(n + 1) * length_ms}\n" for n in range(count)
    )
    (folder / "chapters.txt").write_text(text)
    return ["-f", "ffmetadata", "-i", str(folder / "chapters.txt"), "-map_chapters", str(index)]


def _attachments(folder: Path, names: Sequence[str]) -> list[str]:
    words: list[str] = []
    for number, name in enumerate(names):
        is_picture = name.endswith(".png")
        (folder / name).write_bytes(png() if is_picture else b"\0\1\0\0 not really a font")
        mimetype = "image/png" if is_picture else "application/x-truetype-font"
        words += ["-attach", str(folder / name), f"-metadata:s:t:{number}", f"mimetype={mimetype}"]
        words += [f"-metadata:s:t:{number}", f"filename={name}"]
    return words


def png(width: int = 16, height: int = 16) -> bytes:
    """A red picture (https://www.w3.org/TR/png/)."""
    rows = (b"\0" + b"\xff\0\0" * width) * height
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def pgs(start_s: float, end_s: float, size: tuple[int, int] = (160, 120)) -> bytes:
    """A subtitle of a blu-ray: a grey box of 16x8 pixels that comes and goes (US 2009/0185789 A1)."""
    pixels = b"\0\x90\1\0\0" * 8  # a run of 16 pixels of colour 1, end of line
    box = struct.pack(">HBBHH", 0, 0, 0, 10, 10)
    window = struct.pack(">BBHHHH", 1, 0, 10, 10, 16, 8)
    show = (
        (0x16, struct.pack(">HHBHBBBB", *size, 0x10, 0, 0x80, 0, 0, 1) + box),
        (0x17, window),
        (0x14, bytes([0, 0, 1, 235, 128, 128, 255])),
        (
            0x15,
            struct.pack(">HBB", 0, 0, 0xC0) + (len(pixels) + 4).to_bytes(3, "big") + struct.pack(">HH", 16, 8) + pixels,
        ),
        (0x80, b""),
    )
    hide = ((0x16, struct.pack(">HHBHBBBB", *size, 0x10, 1, 0, 0, 0, 0)), (0x17, window), (0x80, b""))
    return b"".join(
        b"PG" + struct.pack(">IIBH", round(time_s * 90000), 0, kind, len(body)) + body
        for time_s, segments in ((start_s, show), (end_s, hide))
        for kind, body in segments
    )
