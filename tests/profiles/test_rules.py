from dataclasses import replace
from pathlib import Path

import pytest

from pytranscoder.media.model import Identity, Media, Stream, StreamKind
from pytranscoder.profiles.criteria import CRITERIA, CriterionError, parse_criterion
from pytranscoder.profiles.facts import Facts
from pytranscoder.profiles.rules import SKIP, Match, Rule, choose_rule

DAY_S = 86_400
NOW = 1_700_000_000.0

PICTURE = Stream(0, StreamKind.VIDEO, "h264", width=1920, height=1080, fps=24000 / 1001, pix_fmt="yuv420p", bit_depth=8)
ENGLISH = Stream(1, StreamKind.AUDIO, "aac", language="eng")
JAPANESE = Stream(2, StreamKind.AUDIO, "ac3", language="jpn")
SUBTITLE = Stream(3, StreamKind.SUBTITLE, "subrip", language="eng")
COVER = Stream(4, StreamKind.VIDEO, "mjpeg", attached_picture=True, width=600, height=600)


def facts(
    *streams: Stream,
    path: str = "/films/A film (2001).mkv",
    container: str = "matroska,webm",
    duration_s: float | None = 31 * 60,
    size_bytes: int = 2_500_000_000,
    age_s: float = 3.5 * DAY_S,
) -> Facts:
    identity = Identity(size_bytes, mtime_ns=int((NOW - age_s) * 1e9), device=1, inode=1)
    return Facts(Media(Path(path), identity, container, duration_s, streams), NOW)


FILM = facts(PICTURE, ENGLISH, JAPANESE, SUBTITLE, COVER)
SOUND = facts(ENGLISH, COVER, duration_s=None)


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        (1080, True),
        ("1080", True),
        ("1080.0", True),
        (1080.0, True),
        (720, False),
        ("<1081", True),
        ("<1080", False),
        ("<=1080", True),
        (">1079", True),
        (" > 1080 ", False),
        (">=1080", True),
        ("1080-2160", True),
        ("720 - 1080", True),
        ("720-1079", False),
        ("!1080", False),
        ("!720", True),
        ("!<1080", True),
        ("! >1080", True),
        ("!720-1080", False),
    ],
)
def test_numbers_are_compared(value: object, matches: bool) -> None:
    assert parse_criterion("res_height", value).matches(FILM) is matches


@pytest.mark.parametrize(
    ("duration_s", "value", "matches"),
    [
        (31 * 60 - 1, "<31", True),
        (31 * 60 - 0.6, "<31", True),
        (31 * 60 - 0.4, "<31", False),
        (31 * 60, "<31", False),
        (31 * 60 + 0.4, ">31", False),
        (31 * 60 + 1, ">31", True),
        (31 * 60 + 0.4, 31, True),
        (31 * 60 + 1, 31, False),
        (31 * 60 + 1, "!31", True),
        (45 * 60 + 0.3, "31-45", True),
        (45 * 60 + 1, "31-45", False),
        (90, 1.5, True),
    ],
)
def test_runtime_is_compared_to_the_second(duration_s: float, value: object, matches: bool) -> None:
    assert parse_criterion("runtime", value).matches(facts(PICTURE, duration_s=duration_s)) is matches


@pytest.mark.parametrize("name", ["filesize_mb", "source_size"])
@pytest.mark.parametrize(
    ("size_bytes", "value", "matches"),
    [
        (2_499_999_999, "<2500", True),
        (2_500_000_000, "<2500", False),
        (2_500_000_000, ">2500", False),
        (2_500_000_001, ">2500", True),
        (2_500_000_000, 2500, True),
        (2_500_999_999, 2500, True),
        (2_501_000_000, 2500, False),
        (2_500_000_000, "700-2500", True),
    ],
)
def test_size_is_compared_to_the_byte_in_decimal_megabytes(
    name: str, size_bytes: int, value: object, matches: bool
) -> None:
    assert parse_criterion(name, value).matches(facts(PICTURE, size_bytes=size_bytes)) is matches


@pytest.mark.parametrize(
    ("fps", "value", "matches"),
    [
        (24000 / 1001, 23.976, True),
        (24000 / 1001, 23.98, True),
        (24000 / 1001, 24, False),
        (25.0, 25, True),
        (30000 / 1001, "24-29.97", True),
        (30000 / 1001, ">29.97", False),
        (30000 / 1001, "<30", True),
    ],
)
def test_fps_is_compared_to_the_hundredth(fps: float, value: object, matches: bool) -> None:
    assert parse_criterion("fps", value).matches(facts(replace(PICTURE, fps=fps))) is matches


@pytest.mark.parametrize(
    ("name", "value", "matches"),
    [
        ("res_width", 1920, True),
        ("bit_depth", 8, True),
        ("bit_depth", "!8", False),
        ("bitrate_kbps", 10752, True),
        ("bitrate_kbps", ">10753", False),
        ("age_days", 3, True),
        ("age_days", 4, False),
        ("age_days", ">3", True),
        ("vcodec", "h264", True),
        ("vcodec", "H264", True),
        ("vcodec", "x264", True),
        ("vcodec", "avc", True),
        ("vcodec", "!h265", True),
        ("vcodec", "mjpeg", False),
        ("acodec", "ac3", True),
        ("acodec", "!ac3", False),
        ("acodec", "!dts", True),
        ("scodec", "srt", True),
        ("scodec", "ass", False),
        ("audio_lang", "jpn", True),
        ("audio_lang", "!jpn", False),
        ("audio_lang", "!fre", True),
        ("pix_fmt", "yuv420p", True),
        ("pix_fmt", "!yuv420p", False),
        ("hdr", False, True),
        ("hdr", "yes", False),
    ],
)
def test_criteria_look_at_their_part_of_the_media(name: str, value: object, matches: bool) -> None:
    assert parse_criterion(name, value).matches(FILM) is matches


@pytest.mark.parametrize(
    ("stream", "is_hdr"),
    [
        pytest.param(replace(PICTURE, color_transfer="smpte2084"), True, id="pq"),
        pytest.param(replace(PICTURE, color_transfer="arib-std-b67"), True, id="hlg"),
        pytest.param(replace(PICTURE, dolby_vision=True), True, id="dolby-vision"),
        pytest.param(replace(PICTURE, color_transfer="bt709"), False, id="sdr"),
    ],
)
def test_hdr_is_told_by_the_transfer_or_dolby_vision(stream: Stream, is_hdr: bool) -> None:
    assert parse_criterion("hdr", True).matches(facts(stream)) is is_hdr
    assert parse_criterion("hdr", "no").matches(facts(stream)) is not is_hdr


@pytest.mark.parametrize(
    ("demuxer", "path", "value", "matches"),
    [
        ("matroska,webm", "/a.mkv", "mkv", True),
        ("matroska,webm", "/a.mkv", "matroska", True),
        ("matroska,webm", "/a.mkv", "webm", False),
        ("matroska,webm", "/a.webm", "webm", True),
        ("mov,mp4,m4a,3gp,3g2,mj2", "/a.MP4", "mp4", True),
        ("mov,mp4,m4a,3gp,3g2,mj2", "/a.mp4", "!mov", True),
        ("mov,mp4,m4a,3gp,3g2,mj2", "/a.m4v", "mp4", True),
        ("mov,mp4,m4a,3gp,3g2,mj2", "/named-wrongly.mkv", "mp4", True),
        ("mov,mp4,m4a,3gp,3g2,mj2", "/named-wrongly.mkv", "mkv", False),
        ("mpegts", "/a.m2ts", "ts", True),
        ("avi", "/a", "avi", True),
    ],
)
def test_container_is_what_the_demuxer_says_and_the_suffix_narrows(
    demuxer: str, path: str, value: str, matches: bool
) -> None:
    media = facts(PICTURE, container=demuxer, path=path)
    assert parse_criterion("container", value).matches(media) is matches


@pytest.mark.parametrize(
    ("value", "matches"), [("film", True), ("^/films/", True), ("^film", False), (2001, True), ("!film", False)]
)
def test_path_is_searched_with_a_regular_expression(value: object, matches: bool) -> None:
    assert parse_criterion("path", value).matches(FILM) is matches


@pytest.mark.parametrize(
    ("name", "value", "matches"),
    [
        pytest.param("vcodec", ["mpeg2video", "h264"], True, id="one-holds"),
        pytest.param("vcodec", ["mpeg2video", "vc1"], False, id="none-holds"),
        pytest.param("vcodec", ["!hevc", "!av1"], True, id="all-negated-hold"),
        pytest.param("vcodec", ["!hevc", "!h264"], False, id="a-negated-one-does-not-hold"),
        pytest.param("res_height", [">700", "!1080"], False, id="mixed-excluded"),
        pytest.param("res_height", [">700", "!720"], True, id="mixed-not-excluded"),
        pytest.param("res_height", [">2000", "!720"], False, id="mixed-not-wanted"),
        pytest.param("runtime", ["<10", "30-40"], True, id="numbers"),
        pytest.param("path", ["series", "films"], True, id="expressions"),
        pytest.param("hdr", [True, False], True, id="yes-or-no"),
    ],
)
def test_alternatives_match_when_one_wanted_and_all_negated_hold(name: str, value: list[object], matches: bool) -> None:
    assert parse_criterion(name, value).matches(FILM) is matches


@pytest.mark.parametrize("name", ["runtime", "fps", "res_height", "res_width", "bitrate_kbps", "bit_depth"])
@pytest.mark.parametrize("value", [1, "<1", ">1", "0-9999", "!1", "!<1"])
def test_an_unknown_number_matches_nothing(name: str, value: object) -> None:
    assert not parse_criterion(name, value).matches(SOUND)


@pytest.mark.parametrize(("name", "value"), [("vcodec", "h264"), ("pix_fmt", "yuv420p"), ("scodec", "subrip")])
def test_without_such_a_stream_only_the_negated_name_matches(name: str, value: str) -> None:
    assert not parse_criterion(name, value).matches(SOUND)
    assert parse_criterion(name, f"!{value}").matches(SOUND)


def test_without_video_hdr_is_neither() -> None:
    assert not parse_criterion("hdr", True).matches(SOUND)
    assert not parse_criterion("hdr", False).matches(SOUND)


def test_audio_without_a_language_is_undefined() -> None:
    assert parse_criterion("audio_lang", "und").matches(facts(Stream(0, StreamKind.AUDIO, "aac")))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vcodex", "h264", "unknown criterion 'vcodex'; did you mean 'vcodec'?"),
        ("zzz", "1", "unknown criterion 'zzz'; known: acodec, age_days, "),
        ("runtime", "half an hour", "expected a number such as 30, .* found 'half an hour'"),
        ("runtime", "30min", "found '30min'"),
        ("runtime", "<", "found '<'"),
        ("runtime", "", "found ''"),
        ("runtime", None, "found nothing"),
        ("runtime", True, "found the bare word 'yes'"),
        ("runtime", float("nan"), "found 'nan'"),
        ("runtime", "__import__('os')", "expected a number"),
        ("runtime", "60-30", "nothing is in the range 60-30; write 30-60"),
        ("runtime", [], "list of alternatives is empty"),
        ("runtime", ["<3", "x"], "found 'x'"),
        ("runtime", {"a": 1}, "found {'a': 1}"),
        ("vcodec", "h264, hevc", "expected one name, found 'h264, hevc'; write alternatives as a list"),
        ("vcodec", "!", "expected one name"),
        ("vcodec", [["h264"]], r"found \['h264'\]"),
        ("audio_lang", False, "found the bare word 'no'; put it in quotes"),
        ("hdr", "maybe", "expected yes or no, found 'maybe'"),
        ("hdr", 1, "expected yes or no, found 1"),
        ("path", "(", r"'\(' is not a regular expression: missing \)"),
    ],
)
def test_a_criterion_that_cannot_be_read_says_what_was_expected(name: str, value: object, message: str) -> None:
    with pytest.raises(CriterionError, match=message):
        parse_criterion(name, value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("runtime", "< 31", "< 31"),
        ("runtime", 31, "31"),
        ("hdr", True, "yes"),
        ("vcodec", ["h264", "!hevc"], "[h264, !hevc]"),
    ],
)
def test_a_criterion_keeps_what_the_user_wrote(name: str, value: object, text: str) -> None:
    assert parse_criterion(name, value).text == text


@pytest.mark.parametrize(
    ("name", "value", "observed"),
    [
        ("vcodec", "h264", "vcodec is h264"),
        ("runtime", "<40", "runtime is 31"),
        ("fps", "<40", "fps is 23.976"),
        ("filesize_mb", ">1", "filesize_mb is 2500"),
        ("audio_lang", "eng", "audio_lang is eng, jpn"),
        ("path", ".", "path is /films/A film (2001).mkv"),
    ],
)
def test_a_criterion_tells_what_it_observed(name: str, value: object, observed: str) -> None:
    assert parse_criterion(name, value).observed(FILM) == observed


def test_a_stream_that_is_missing_is_observed_as_none() -> None:
    assert parse_criterion("scodec", "!ass").observed(SOUND) == "scodec is none"


def test_every_criterion_is_described() -> None:
    assert all(kind.description for kind in CRITERIA.values())


def test_the_first_rule_that_matches_wins_and_says_why() -> None:
    compact = Rule("compact", SKIP, (parse_criterion("vcodec", "hevc"),))
    short = Rule("short", "fast", (parse_criterion("vcodec", "h264"), parse_criterion("runtime", "<40")))
    rest = Rule("rest", "slow")
    assert choose_rule([compact, short, rest], FILM) == Match(short, "vcodec is h264, runtime is 31")


def test_all_criteria_of_a_rule_must_hold() -> None:
    rule = Rule("short", "fast", (parse_criterion("vcodec", "h264"), parse_criterion("runtime", "<31")))
    assert choose_rule([rule], FILM) is None


def test_a_rule_without_criteria_matches_everything() -> None:
    rule = Rule("rest", "slow")
    assert choose_rule([rule], SOUND) == Match(rule, "it matches everything")


def test_a_rule_that_skips_is_told_by_its_profile() -> None:
    assert Rule("done", SKIP).skips
    assert not Rule("rest", "slow").skips
