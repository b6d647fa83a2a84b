"""What becomes of a stream in each container. Whole commands are in `test_cases`, real ones in `test_real_streams`."""

from pathlib import Path

import pytest

from pytranscoder.media.model import Identity, Media, Stream, StreamKind
from pytranscoder.profiles.containers import plan_streams, target_muxer
from pytranscoder.profiles.muxers import MUXERS
from pytranscoder.profiles.profile import LanguageSelection, Options, Profile
from pytranscoder.profiles.streams import StreamDecision, Verdict

VIDEO = Stream(0, StreamKind.VIDEO, "h264")
KEEP, CONVERT, DROP = Verdict.KEEP, Verdict.CONVERT, Verdict.DROP


def media(*streams: Stream) -> Media:
    return Media(Path("/films/a.mkv"), Identity(1, 0, 0, 0), "matroska,webm", 60.0, streams)


def profile(options: str = "", **fields: LanguageSelection | bool) -> Profile:
    return Profile("p", Options(output=tuple(options.split())), **fields)  # type: ignore[arg-type]  # each fits its field


def decide(stream: Stream, muxer: str, options: str = "-c:a copy -c:s copy") -> StreamDecision:
    """The decision on one stream that follows the film."""
    return plan_streams(media(VIDEO, stream), profile(options), muxer).decisions[1]


def subtitle(codec: str) -> Stream:
    return Stream(1, StreamKind.SUBTITLE, codec, "eng")


@pytest.mark.parametrize(
    ("options", "extension", "muxer"),
    [
        ("", ".mkv", "matroska"),
        ("", ".MKV", "matroska"),
        ("", ".mp4", "mp4"),
        ("", ".m4v", "mp4"),
        ("", ".mov", "mov"),
        ("", ".webm", "webm"),
        ("", ".avi", "avi"),
        ("", ".ts", "mpegts"),
        ("", ".m2ts", "mpegts"),
        ("", ".mts", "mpegts"),
        ("", ".film", ""),
        ("-f matroska", ".mp4", "matroska"),
        ("-f avi -c copy -f mov", ".mp4", "mov"),
        ("-f nut", ".mkv", "nut"),
    ],
)
def test_container_is_known_by_option_or_extension(options: str, extension: str, muxer: str) -> None:
    assert target_muxer(profile(options), extension) == muxer


@pytest.mark.parametrize(
    ("muxer", "codec", "verdict", "encoder"),
    [
        ("matroska", "subrip", KEEP, None),
        ("matroska", "ass", KEEP, None),
        ("matroska", "webvtt", KEEP, None),
        ("matroska", "hdmv_pgs_subtitle", KEEP, None),
        ("matroska", "mov_text", CONVERT, "srt"),
        ("matroska", "eia_608", CONVERT, "srt"),
        ("matroska", "dvb_teletext", DROP, None),
        ("mp4", "mov_text", KEEP, None),
        ("mp4", "dvd_subtitle", KEEP, None),
        ("mp4", "subrip", CONVERT, "mov_text"),
        ("mp4", "hdmv_pgs_subtitle", DROP, None),
        ("mp4", "dvb_subtitle", DROP, None),
        ("mov", "ass", CONVERT, "mov_text"),
        ("mov", "dvd_subtitle", DROP, None),
        ("webm", "subrip", CONVERT, "webvtt"),
        ("webm", "dvd_subtitle", DROP, None),
        ("mpegts", "dvb_subtitle", KEEP, None),
        ("mpegts", "subrip", DROP, None),
        ("avi", "xsub", KEEP, None),
        ("avi", "ass", DROP, None),
        ("", "mov_text", KEEP, None),
    ],
)
def test_copied_subtitle(muxer: str, codec: str, verdict: Verdict, encoder: str | None) -> None:
    decision = decide(subtitle(codec), muxer)

    assert (decision.verdict, decision.codec) == (verdict, encoder)


@pytest.mark.parametrize(
    ("options", "codec", "verdict", "encoder"),
    [
        pytest.param("", "subrip", CONVERT, "mov_text", id="no option"),
        pytest.param("", "mov_text", KEEP, "copy", id="no option, held"),
        pytest.param("-c copy", "subrip", CONVERT, "mov_text", id="copy of everything gives way"),
        pytest.param("-scodec copy", "subrip", CONVERT, "mov_text", id="old spelling"),
        pytest.param("-c:s ttml", "subrip", KEEP, None, id="encoder wins"),
        pytest.param("-c:s mov_text", "dvb_subtitle", DROP, None, id="text from pictures is impossible"),
        pytest.param("-c:s dvdsub", "subrip", CONVERT, "mov_text", id="pictures from text are impossible"),
        pytest.param("-c:s:0 copy", "subrip", KEEP, None, id="this subtitle"),
        pytest.param("-c:s:1 copy", "subrip", CONVERT, "mov_text", id="another subtitle"),
        pytest.param("-c:1 copy", "dvb_subtitle", KEEP, None, id="this stream"),
        pytest.param("-c:s:m:language:eng copy", "subrip", KEEP, None, id="chosen by language"),
        pytest.param("-c:s:0 copy -c:s copy", "subrip", CONVERT, "mov_text", id="the last option counts"),
        pytest.param("-c:v copy -c:a copy", "subrip", CONVERT, "mov_text", id="other kinds do not count"),
    ],
)
def test_options_decide_on_a_subtitle_for_mp4(options: str, codec: str, verdict: Verdict, encoder: str | None) -> None:
    decision = decide(subtitle(codec), "mp4", options)

    assert (decision.verdict, decision.codec) == (verdict, encoder)


@pytest.mark.parametrize(
    ("muxer", "codec", "channels", "encoder"),
    [
        ("matroska", "truehd", 8, None),
        ("matroska", "pcm_bluray", 6, "flac"),
        ("mp4", "eac3", 6, None),
        ("mp4", "flac", 2, "copy"),
        ("mp4", "pcm_s24le", 2, "aac"),
        ("mov", "pcm_s24le", 2, None),
        ("webm", "opus", 6, None),
        ("webm", "aac", 2, "libopus"),
        ("webm", "ac3", 6, "libvorbis"),
        ("avi", "opus", 2, "ac3"),
        ("mpegts", "flac", 2, "ac3"),
        ("", "pcm_bluray", 2, None),
    ],
)
def test_copied_audio(muxer: str, codec: str, channels: int, encoder: str | None) -> None:
    assert decide(Stream(1, StreamKind.AUDIO, codec, channels=channels), muxer).codec == encoder


@pytest.mark.parametrize("options", ["", "-c:a aac", "-c:a:0 copy"])
def test_audio_that_is_not_copied_by_a_rule_is_left_to_the_options(options: str) -> None:
    decision = decide(Stream(1, StreamKind.AUDIO, "truehd"), "webm", options)

    assert (decision.verdict, decision.codec) == (KEEP, None)


@pytest.mark.parametrize(
    ("muxer", "codec", "verdict", "encoder"),
    [
        ("matroska", "png", KEEP, None),
        ("matroska", "gif", DROP, None),
        ("mp4", "mjpeg", KEEP, "copy"),
        ("mov", "png", DROP, None),
        ("webm", "png", DROP, None),
        ("", "png", KEEP, "copy"),
    ],
)
def test_cover_art(muxer: str, codec: str, verdict: Verdict, encoder: str | None) -> None:
    decision = decide(Stream(1, StreamKind.VIDEO, codec, attached_picture=True), muxer, "-c:v libx265")

    assert (decision.verdict, decision.codec) == (verdict, encoder)


@pytest.mark.parametrize(
    ("stream", "options", "reason"),
    [
        (Stream(1, StreamKind.DATA, codec_tag="tmcd"), "", "data 1 (tmcd) is dropped: players do not need it"),
        (Stream(1, StreamKind.DATA, "timed_id3"), "-c copy", "data 1 (timed_id3) is dropped: players do not need it"),
        (
            Stream(1, StreamKind.AUDIO, codec_tag="abcd"),
            "",
            "audio 1 (abcd) is dropped: ffmpeg does not know its codec",
        ),
        (subtitle("subrip"), "-sn", "subtitle 1 (subrip, eng) is dropped: -sn is among the options"),
        (Stream(1, StreamKind.AUDIO, "aac"), "-an", "audio 1 (aac) is dropped: -an is among the options"),
        (
            subtitle("hdmv_pgs_subtitle"),
            "-c:s copy",
            "subtitle 1 (hdmv_pgs_subtitle, eng) is dropped: mp4 cannot hold it",
        ),
        (
            Stream(1, StreamKind.VIDEO, "gif", attached_picture=True),
            "",
            "cover art 1 (gif) is dropped: mp4 cannot hold it",
        ),
        (
            Stream(1, StreamKind.ATTACHMENT, "ttf", filename="a.ttf"),
            "",
            "attachment 1 (a.ttf) is dropped: mp4 cannot hold it",
        ),
    ],
    ids=lambda value: value.codec or value.codec_tag if isinstance(value, Stream) else None,
)
def test_dropped_stream_has_a_reason(stream: Stream, options: str, reason: str) -> None:
    decision = decide(stream, "mp4", options)

    assert (decision.verdict, decision.reason) == (DROP, reason)


def test_conversion_has_a_reason() -> None:
    reason = "subtitle 1 (subrip, eng) is converted with mov_text: mp4 cannot hold it"

    assert decide(subtitle("subrip"), "mp4").reason == reason


def test_attachment_without_a_name_is_dropped_as_matroska_refuses_it() -> None:
    assert decide(Stream(1, StreamKind.ATTACHMENT, "ttf", mimetype="font/ttf"), "matroska").verdict is DROP


@pytest.mark.parametrize("muxer", [*MUXERS, ""])
def test_film_is_always_kept(muxer: str) -> None:
    plan = plan_streams(media(VIDEO), profile("-c:v libx265"), muxer)

    assert plan.kept == (StreamDecision(VIDEO, KEEP),)


@pytest.mark.parametrize("options", ["-map 0:v", "-filter_complex [0:v]null", "-lavfi [0:v]null"])
def test_users_choice_of_streams_leaves_the_plan_empty(options: str) -> None:
    plan = plan_streams(media(VIDEO), profile(options), "mp4")

    assert (plan.mapped, plan.decisions) == (False, ())


def test_automap_off_leaves_the_plan_empty() -> None:
    assert not plan_streams(media(VIDEO), profile(automap=False), "mp4").mapped


def test_dropped_streams_do_not_count_in_stream_numbers() -> None:
    streams = (VIDEO, subtitle("hdmv_pgs_subtitle"), Stream(2, StreamKind.SUBTITLE, "ass"))

    plan = plan_streams(media(*streams), profile("-c:s copy -c:s:0 mov_text"), "mp4")

    assert [each.verdict for each in plan.decisions] == [KEEP, KEEP, CONVERT]


def test_language_selection_does_not_count_on_sound_of_an_unknown_codec() -> None:
    streams = (VIDEO, Stream(1, StreamKind.AUDIO, "", "eng"), Stream(2, StreamKind.AUDIO, "aac", "jpn"))

    plan = plan_streams(media(*streams), profile("-c:a copy", audio=LanguageSelection(include=("eng",))), "mp4")

    assert [each.stream.index for each in plan.kept] == [0, 2]


def test_default_of_a_subtitle_that_the_container_cannot_hold_moves_too() -> None:
    streams = (
        VIDEO,
        Stream(1, StreamKind.SUBTITLE, "hdmv_pgs_subtitle", "eng", default=True),
        Stream(2, StreamKind.SUBTITLE, "subrip", "eng"),
    )

    plan = plan_streams(media(*streams), profile("-c:s copy"), "mp4")

    assert [each.default for each in plan.decisions] == [None, None, True]
