"""The parts of a command, and what its output must be like. Whole commands are in `test_cases`."""

from pathlib import Path

import pytest

from pytranscoder.media.model import Identity, Media, Stream, StreamKind
from pytranscoder.profiles.command import (
    ExpectedStreams,
    build_argv,
    cover_argv,
    covers_to_attach,
    expected_duration_s,
    expected_streams,
    wanted_encoders,
    with_covers,
)
from pytranscoder.profiles.containers import plan_streams
from pytranscoder.profiles.profile import Options, Profile

VIDEO = Stream(0, StreamKind.VIDEO, "h264")
AUDIO = Stream(1, StreamKind.AUDIO, "aac")
FONT = Stream(2, StreamKind.ATTACHMENT, "ttf", filename="a.ttf", mimetype="font/ttf")
COVER = Stream(3, StreamKind.VIDEO, "mjpeg", attached_picture=True)


def media(*streams: Stream) -> Media:
    return Media(Path("/films/a.mkv"), Identity(1, 0, 0, 0), "matroska,webm", 60.0, streams)


def profile(output: str = "", *, before: str = "", automap: bool = True) -> Profile:
    return Profile("p", Options(input=tuple(before.split()), output=tuple(output.split())), automap=automap)


def after_input(options: str, muxer: str, output: str, *streams: Stream) -> str:
    """The command's words between source and output."""
    plan = plan_streams(media(*streams), profile(options), muxer)
    argv = build_argv("ffmpeg", profile(options), plan, "/in.mkv", output, muxer)
    return " ".join(argv[argv.index("/in.mkv") + 1 : -1])


@pytest.mark.parametrize(
    ("options", "muxer", "output", "format_option"),
    [
        ("", "matroska", "/out.mkv", False),
        ("", "mp4", "/out.m4v", True),
        ("-f mp4", "mp4", "/out.m4v", False),
        ("-f matroska", "matroska", "/out.film", False),
        ("", "matroska", "/out.mkv.tmp", True),
        ("", "", "/out.film", False),
    ],
)
def test_format_is_said_only_where_ffmpeg_would_guess_wrong(
    options: str, muxer: str, output: str, *, format_option: bool
) -> None:
    added = after_input(options, muxer, output, VIDEO).removeprefix(options)

    assert ("-f " in added) == format_option


@pytest.mark.parametrize(
    ("options", "absent"),
    [
        ("-map_metadata -1", "-map_metadata 0"),
        ("-map_chapters -1", "-map_chapters 0"),
        ("-strict 1 -c:a copy", "-strict experimental"),
        ("-disposition:a 0", "-disposition:a:0 +default"),
    ],
)
def test_users_option_is_not_overridden(options: str, absent: str) -> None:
    streams = (VIDEO, Stream(1, StreamKind.AUDIO, default=True), Stream(2, StreamKind.AUDIO, "flac"))

    assert absent not in after_input(options, "mp4", "/out.mp4", *streams)
    assert absent in after_input("-c:a copy", "mp4", "/out.mp4", *streams)


def test_filter_and_tag_are_spelt_for_each_film_beside_a_copied_cover() -> None:
    other = Stream(4, StreamKind.VIDEO, "h264")

    words = after_input("-vf null -crf 20 -vtag hvc1", "mp4", "/out.mp4", VIDEO, COVER, other)

    assert words.startswith("-filter:v:0 null -filter:v:2 null -crf 20 -tag:v:0 hvc1 -tag:v:2 hvc1 -map")


def test_cover_for_matroska_is_extracted_and_attached_behind_the_fonts() -> None:
    plan = plan_streams(media(VIDEO, FONT, COVER), profile(), "matroska")

    assert covers_to_attach(plan, "matroska") == (COVER,)
    assert with_covers(("ffmpeg", "/out.mkv"), plan, {3: "/c.jpg"}) == (
        *("ffmpeg", "-attach", "/c.jpg"),
        *("-metadata:s:t:1", "mimetype=image/jpeg", "-metadata:s:t:1", "filename=cover.jpg"),
        "/out.mkv",
    )


def test_cover_for_mp4_is_mapped() -> None:
    assert covers_to_attach(plan_streams(media(VIDEO, COVER), profile(), "mp4"), "mp4") == ()


def test_cover_is_extracted_as_it_is() -> None:
    words = " ".join(cover_argv("ffmpeg", "/in.mkv", COVER, "/c.jpg"))

    assert words.endswith("-i /in.mkv -map 0:3 -c copy -frames:v 1 -f image2 -update 1 /c.jpg")


@pytest.mark.parametrize(
    ("prof", "muxer", "expected"),
    [
        pytest.param(profile(), "matroska", ExpectedStreams(1, 1, 0, 1, 1), id="all"),
        pytest.param(profile(), "mp4", ExpectedStreams(1, 1, 0, 0, 1), id="without what was dropped"),
        pytest.param(profile("-an"), "mp4", ExpectedStreams(1, 0, 0, 0, 1), id="without sound"),
        pytest.param(profile("-ss 5"), "mp4", ExpectedStreams(1, 1, 0, 0, None), id="the cover may be cut off"),
        pytest.param(profile("-map 0:v"), "mp4", ExpectedStreams(), id="own map"),
        pytest.param(profile(automap=False), "mp4", ExpectedStreams(video=1, audio=1), id="automap off"),
        pytest.param(profile("-vn", automap=False), "mp4", ExpectedStreams(video=0, audio=1), id="sound only"),
    ],
)
def test_expected_streams(prof: Profile, muxer: str, expected: ExpectedStreams) -> None:
    source = media(VIDEO, AUDIO, FONT, COVER)

    assert expected_streams(source, prof, plan_streams(source, prof, muxer)) == expected


@pytest.mark.parametrize(
    ("before", "after", "length"),
    [
        ("", "", 60),
        ("-ss 10", "", 50),
        ("-ss 10 -t 20", "", 20),
        ("-ss 10 -to 20", "", 10),
        ("-ss 50 -t 20", "", 10),
        ("", "-t 00:00:30", 30),
        ("", "-to 0:45.5", 45.5),
        ("-ss 10", "-ss 5 -to 20", 15),
        ("-t 30", "-ss 1500ms", 28.5),
        ("", "-t 10 -to 5", 10),
        ("-ss 90", "", 0),
        ("", "-t 1 -t 2", 2),
    ],
)
def test_expected_duration(before: str, after: str, length: float) -> None:
    assert expected_duration_s(profile(after, before=before), 60) == length


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-sseof -10", ""),
        ("-stream_loop 2", ""),
        ("-itsoffset 5", ""),
        ("-r 50", ""),
        ("-ss later", ""),
        ("-ss 10", "-c:v libx265 -acodec copy"),
        ("", "-shortest"),
        ("", "-vframes 100"),
        ("", "-fs 10M"),
        ("", "-vf scale=80:60,setpts=0.5*PTS"),
        ("", "-af atempo=2"),
        ("", "-filter_complex [0:v]null"),
        ("", "-t -5"),
    ],
)
def test_duration_cannot_be_expected(before: str, after: str) -> None:
    assert expected_duration_s(profile(after, before=before), 60) is None


def test_unknown_duration_stays_unknown() -> None:
    assert expected_duration_s(profile("-t 5"), None) is None


@pytest.mark.parametrize(
    ("options", "encoders"),
    [
        ("-c:v libx265 -c:a copy -scodec srt", {"libx265", "srt"}),
        ("-vcodec hevc_nvenc -codec:a:0 aac", {"hevc_nvenc", "aac"}),
        ("-c copy -crf 20", set()),
    ],
)
def test_wanted_encoders(options: str, encoders: set[str]) -> None:
    assert wanted_encoders(profile(options, before="-c:v h264_cuvid")) == encoders
