"""Planned commands run with every ffmpeg there is: they exit 0, and the output has the planned streams and no other."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # has no annotations
import pytest

from pytranscoder.media.model import Media, Stream, StreamKind
from pytranscoder.media.probe import probe
from pytranscoder.profiles.command import (
    ExpectedStreams,
    build_argv,
    cover_argv,
    covers_to_attach,
    expected_duration_s,
    expected_streams,
    with_covers,
)
from pytranscoder.profiles.containers import plan_streams, target_muxer
from pytranscoder.profiles.profile import LanguageSelection, Options, Profile
from pytranscoder.profiles.streams import StreamPlan
from tests.clips import FFMPEG, Clips, make_clip

FFMPEGS = sorted({FFMPEG, imageio_ffmpeg.get_ffmpeg_exe()})

X264 = "-c:v libx264 -preset ultrafast"
COPIES = "-c:v copy -c:a copy -c:s copy"


@dataclass(frozen=True)
class Encode:
    """A planned encode with one ffmpeg. Cover art is extracted beside the output."""

    ffmpeg: str
    source: Media
    profile: Profile
    output: Path

    def run(self) -> Media:
        argv = build_argv(self.ffmpeg, self.profile, self.plan, str(self.source.path), str(self.output), self.muxer)
        self._call(with_covers(argv, self.plan, self._covers()))
        return probe(self.output)

    def _covers(self) -> dict[int, str]:
        covers = {}
        for stream in covers_to_attach(self.plan, self.muxer):
            file = f"{self.output}.{stream.index}.%d.png"
            self._call(cover_argv(self.ffmpeg, str(self.source.path), stream, file))
            covers[stream.index] = file
        return covers

    def _call(self, argv: tuple[str, ...]) -> None:
        result = subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        assert result.returncode == 0, f"{argv}: {result.stderr.decode(errors='replace')}"

    @property
    def muxer(self) -> str:
        return target_muxer(self.profile, self.output.suffix)

    @property
    def plan(self) -> StreamPlan:
        return plan_streams(self.source, self.profile, self.muxer)

    @property
    def expected(self) -> ExpectedStreams:
        return expected_streams(self.source, self.profile, self.plan)


@pytest.fixture(params=FFMPEGS, ids=[f"ffmpeg{number}" for number, _ in enumerate(FFMPEGS)])
def ffmpeg(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def profile(options: str, audio: LanguageSelection | None = None) -> Profile:
    return Profile("p", Options(output=tuple(options.split())), audio=audio or LanguageSelection())


def described(media: Media) -> list[str]:
    """The streams in short; data is left out, as mp4 keeps its chapters and timecode in such tracks."""
    return [f"{_kind(stream)} {stream.codec}" for stream in media.streams if stream.kind is not StreamKind.DATA]


def _kind(stream: Stream) -> str:
    return "cover" if stream.attached_picture else str(stream.kind)


def counted(media: Media) -> ExpectedStreams:
    covers = sum(stream.attached_picture for stream in media.streams)
    return ExpectedStreams(
        video=len(media.pictures),
        audio=len(media.of_kind(StreamKind.AUDIO)),
        subtitle=len(media.of_kind(StreamKind.SUBTITLE)),
        attachment=len(media.of_kind(StreamKind.ATTACHMENT)),
        attached_pictures=covers,
    )


RICH = "video h264, audio aac, audio aac"
CONVERSIONS = {
    "mov_text-and-timecode-to-mkv": ("timecode", ".mkv", COPIES, "video h264, audio aac, subtitle subrip"),
    "mov_text-and-timecode-to-mp4": ("timecode", ".mp4", COPIES, "video h264, audio aac, subtitle mov_text"),
    "mov_text-and-timecode-to-mov": ("timecode", ".mov", COPIES, "video h264, audio aac, subtitle mov_text"),
    "rich-mkv-to-mkv": (
        "rich",
        ".mkv",
        f"{X264} -vf scale=80:60 -c:a copy -c:s copy",
        f"{RICH}, subtitle subrip, subtitle ass, attachment ttf, cover png",
    ),
    "rich-mkv-to-mp4": (
        "rich",
        ".mp4",
        f"{X264} -vf scale=80:60 -c:a copy -c:s copy",
        f"{RICH}, subtitle mov_text, subtitle mov_text, cover png",
    ),
    "rich-mkv-to-mov": ("rich", ".mov", COPIES, f"{RICH}, subtitle mov_text, subtitle mov_text"),
    "rich-mkv-to-avi": ("rich", ".avi", f"{X264} -c:a copy", RICH),
    "rich-mkv-to-ts": ("rich", ".ts", COPIES, RICH),
    "rich-mkv-to-webm": (
        "rich",
        ".webm",
        "-c:v libvpx -deadline realtime -c:a copy -c:s copy",
        "video vp8, audio opus, audio opus, subtitle webvtt, subtitle webvtt",
    ),
    "hevc-in-m4v": (
        "rich",
        ".m4v",
        "-c:v libx265 -preset ultrafast -tag:v hvc1 -c:a copy",
        "video hevc, audio aac, audio aac, subtitle mov_text, subtitle mov_text, cover png",
    ),
    "pictures-to-mkv": (
        "picture_subtitles",
        ".mkv",
        COPIES,
        "video h264, audio aac, subtitle hdmv_pgs_subtitle, subtitle dvd_subtitle, subtitle subrip",
    ),
    "pictures-to-mov": ("picture_subtitles", ".mov", COPIES, "video h264, audio aac, subtitle mov_text"),
    "pictures-with-a-text-encoder": (
        "picture_subtitles",
        ".mkv",
        "-c:v copy -c:a copy -c:s srt",
        "video h264, audio aac, subtitle hdmv_pgs_subtitle, subtitle dvd_subtitle, subtitle subrip",
    ),
    "ts-to-mkv": ("transport_stream", ".mkv", COPIES, "video h264, audio aac"),
}


@pytest.mark.parametrize(("clip", "extension", "options", "streams"), CONVERSIONS.values(), ids=CONVERSIONS.keys())
def test_output_has_the_planned_streams(  # noqa: PLR0917
    ffmpeg: str, clips: Clips, tmp_path: Path, clip: str, extension: str, options: str, streams: str
) -> None:
    encode = Encode(ffmpeg, probe(getattr(clips, clip)()), profile(options), tmp_path / f"out{extension}")

    output = encode.run()

    assert described(output) == streams.split(", ")
    assert counted(output) == encode.expected


def test_mp4_with_cover_art_becomes_a_mkv_with_cover_art(ffmpeg: str, clips: Clips, tmp_path: Path) -> None:
    mp4 = Encode(FFMPEG, probe(clips.rich()), profile(COPIES), tmp_path / "film.mp4").run()

    output = Encode(ffmpeg, mp4, profile(COPIES), tmp_path / "film.mkv").run()

    (cover,) = [stream for stream in output.streams if stream.attached_picture]
    assert (cover.codec, cover.filename, cover.mimetype) == ("png", "cover.png", "image/png")


def test_titles_languages_fonts_and_chapters_are_kept(ffmpeg: str, clips: Clips, tmp_path: Path) -> None:
    source = probe(clips.rich())

    output = Encode(ffmpeg, source, profile(COPIES), tmp_path / "out.mkv").run()

    def labels(media: Media) -> list[tuple[object, ...]]:
        return [(each.language, each.title, each.forced, each.filename, each.mimetype) for each in media.streams]

    assert labels(output) == labels(source)
    assert output.chapters == source.chapters == 2


def test_default_moves_to_the_language_that_is_kept(ffmpeg: str, tmp_path: Path) -> None:
    output = ("-disposition:a:0", "default", "-disposition:a:1", "0", "-disposition:a:2", "forced")
    source = make_clip(tmp_path / "in.mkv", audio=("jpn", "eng", "ger"), output=output)
    selected = profile(COPIES, LanguageSelection(exclude=("ja",), default="de"))

    streams = Encode(ffmpeg, probe(source), selected, tmp_path / "out.mkv").run().of_kind(StreamKind.AUDIO)

    assert [(each.language, each.default, each.forced) for each in streams] == [
        ("eng", False, False),
        ("ger", True, True),
    ]


@pytest.mark.parametrize(
    ("codec", "extension", "result"),
    [
        ("flac", ".mp4", "flac"),
        ("pcm_s16le", ".mp4", "aac"),
        ("flac", ".ts", "ac3"),
        ("alac", ".avi", "ac3"),
        ("ac3", ".webm", "vorbis"),
    ],
)
def test_copied_audio_is_converted_only_where_it_must(
    ffmpeg: str, tmp_path: Path, codec: str, extension: str, result: str
) -> None:
    layout = ("-ac", "6", "-channel_layout", "5.1(side)") if codec == "ac3" else ()
    source = make_clip(tmp_path / "in.mkv", seconds=1, vcodec="libvpx", acodec=codec, output=layout)
    encoder = "copy" if extension == ".webm" else "mpeg4"

    output = Encode(ffmpeg, probe(source), profile(f"-c:v {encoder} -c:a copy"), tmp_path / f"out{extension}").run()

    assert [stream.codec for stream in output.of_kind(StreamKind.AUDIO)] == [result]


@pytest.mark.parametrize("name", ["%03d", "a:b", "[x]*", "new\nline", "q'uo\"te", "-lead", "http:x", "concat:a|b"])
@pytest.mark.parametrize("extension", [".mkv", ".mp4"])
def test_names_are_taken_literally(clips: Clips, tmp_path: Path, name: str, extension: str) -> None:
    source = tmp_path / f"{name}.mkv"
    source.write_bytes(clips.rich().read_bytes())
    output = tmp_path / f".{name}.ptc-1{extension}"

    Encode(FFMPEGS[-1], probe(source), profile(COPIES), output).run()

    assert output.stat().st_size > 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("-ss 1", ""),
        ("-ss 00:00:01 -t 0.5", ""),
        ("-to 1.5", "-ss 500ms"),
        ("", "-ss 0.5 -to 1.5"),
        ("-t 1", "-t 5"),
    ],
)
def test_length_is_the_expected_one(ffmpeg: str, clips: Clips, tmp_path: Path, before: str, after: str) -> None:
    words = Options(input=tuple(before.split()), output=(*X264.split(), "-sn", *after.split()))
    source, cutting = probe(clips.plain()), Profile("p", words)

    output = Encode(ffmpeg, source, cutting, tmp_path / "out.mkv").run()

    assert output.duration_s == pytest.approx(expected_duration_s(cutting, source.duration_s), abs=0.1)
