from dataclasses import replace

import pytest

from pytranscoder.encode.verify import longest_frame_s, require_ends, require_streams, require_whole, tolerance_s
from pytranscoder.errors import DamagedMediaError, VerifyError
from pytranscoder.media.model import Ends, Stream, StreamKind
from pytranscoder.profiles.command import ExpectedStreams
from tests.encode.samples import media

BOTH = frozenset({StreamKind.VIDEO, StreamKind.AUDIO})
VIDEO = Stream(0, StreamKind.VIDEO, "hevc")
AUDIO = Stream(1, StreamKind.AUDIO, "aac")
SUBTITLE = Stream(2, StreamKind.SUBTITLE, "subrip")
FONT = Stream(3, StreamKind.ATTACHMENT, "ttf")
COVER = Stream(4, StreamKind.VIDEO, "png", attached_picture=True)
ALL = ExpectedStreams(video=1, audio=1, subtitle=1, attachment=1, attached_pictures=1)


def ends(video_s: float | None = 60.0, audio_s: float | None = 60.0, *, complete: bool = True) -> Ends:
    return Ends(60.0, max(video_s or 0, audio_s or 0), video_s, audio_s, complete)


CUT_AT_THE_START = replace(ends(), lead_s=2.0)


@pytest.mark.parametrize(("duration_s", "expected"), [(0, 0.5), (60, 0.5), (500, 0.5), (5400, 5.4)])
def test_tolerance_is_half_a_second_or_a_thousandth(duration_s: float, expected: float) -> None:
    assert tolerance_s(duration_s) == pytest.approx(expected)


def test_whole_source_passes() -> None:
    require_whole(media(), ends())


@pytest.mark.parametrize(
    ("duration_s", "says"), [(60.0, r"its header says 60\.0 s"), (None, "reading it fails")], ids=["header", "none"]
)
def test_source_that_ends_early_is_damaged_and_the_remedy_is_named(duration_s: float | None, says: str) -> None:
    with pytest.raises(DamagedMediaError, match=rf"packets end at 30\.0 s, {says}; `accept_damaged: yes`"):
        require_whole(media(duration_s=duration_s), ends(30, 30, complete=False))


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        pytest.param((VIDEO, AUDIO, SUBTITLE, FONT, COVER), ALL, id="all"),
        pytest.param((VIDEO, AUDIO, AUDIO), ExpectedStreams(video=1, audio=1), id="more than expected"),
        pytest.param((AUDIO,), ExpectedStreams(), id="nothing is known"),
    ],
)
def test_output_with_all_streams_passes(streams: tuple[Stream, ...], expected: ExpectedStreams) -> None:
    require_streams(media(streams=streams), expected)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (VIDEO, "0 video streams, 1 were"),
        (AUDIO, "0 audio streams, 1 were"),
        (SUBTITLE, "0 subtitle streams, 1 were"),
        (FONT, "0 attachment streams, 1 were"),
        (COVER, "0 cover art streams, 1 were"),
    ],
    ids=["video", "audio", "subtitle", "font", "cover"],
)
def test_output_without_a_stream_that_was_meant_to_be_kept_fails(missing: Stream, reason: str) -> None:
    streams = tuple(stream for stream in (VIDEO, AUDIO, SUBTITLE, FONT, COVER) if stream is not missing)

    with pytest.raises(VerifyError, match=reason):
        require_streams(media(streams=streams), ALL)


def test_output_without_any_stream_fails() -> None:
    with pytest.raises(VerifyError, match="no streams"):
        require_streams(media(streams=()), ExpectedStreams())


@pytest.mark.parametrize(
    ("source", "output", "expected_s", "whole"),
    [
        pytest.param(ends(), ends(), 60.0, BOTH, id="the same"),
        pytest.param(ends(), ends(59.51, 60.49), 60.0, BOTH, id="within half a second"),
        pytest.param(ends(5400, 5400), ends(5395, 5400), 5400.0, BOTH, id="within a thousandth"),
        pytest.param(ends(60, 55), ends(60, 55), 60.0, BOTH, id="sound ends early in both"),
        pytest.param(ends(60, 55), ends(60, 30), 60.0, {StreamKind.VIDEO}, id="the longer sound was dropped"),
        pytest.param(ends(60, None), ends(60, 60), 60.0, BOTH, id="sound was added"),
        pytest.param(ends(), ends(10, 10), 10.0, BOTH, id="cut by the profile"),
        pytest.param(ends(), ends(1, 1), None, BOTH, id="nothing can be expected"),
        pytest.param(CUT_AT_THE_START, ends(62, 62), 60.0, BOTH, id="later by what an edit list hid"),
        pytest.param(CUT_AT_THE_START, ends(), 60.0, BOTH, id="what an edit list hid is gone"),
    ],
)
def test_output_that_ends_where_it_should_passes(
    source: Ends, output: Ends, expected_s: float | None, whole: frozenset[StreamKind]
) -> None:
    require_ends(source, output, expected_s, whole)


@pytest.mark.parametrize(
    ("output", "expected_s", "reason"),
    [
        pytest.param(ends(30, 30, complete=False), 60.0, r"truncated: its packets end at 30\.0 s", id="cut off"),
        pytest.param(ends(30, 30, complete=False), None, "truncated", id="cut off, length unknown"),
        pytest.param(ends(59.4, 60), 60.0, r"picture ends at 59\.4 s, it should at 60\.0 s", id="picture short"),
        pytest.param(ends(60, 30), 60.0, r"sound ends at 30\.0 s", id="sound short"),
        pytest.param(ends(60.6, 60), 60.0, "picture ends", id="picture long"),
        pytest.param(ends(8, 8), 10.0, r"output ends at 8\.0 s, it should at 10\.0 s", id="short of the cut"),
        pytest.param(ends(60, 60), 10.0, "output ends", id="not cut"),
    ],
)
def test_output_that_ends_elsewhere_fails(output: Ends, expected_s: float | None, reason: str) -> None:
    with pytest.raises(VerifyError, match=reason):
        require_ends(ends(), output, expected_s, BOTH)


@pytest.mark.parametrize("output", [ends(59, 59), ends(62.6, 62.6)], ids=["short", "longer than what was hidden"])
def test_edit_list_does_not_excuse_any_other_end(output: Ends) -> None:
    with pytest.raises(VerifyError, match="picture ends"):
        require_ends(CUT_AT_THE_START, output, 60.0, BOTH)


def test_slow_film_may_end_a_picture_early() -> None:
    slow = media(streams=(Stream(0, StreamKind.VIDEO, "h264", fps=0.5),))

    require_ends(ends(), ends(58, 58), 60.0, BOTH, longest_frame_s(slow, media()))

    with pytest.raises(VerifyError):
        require_ends(ends(), ends(57, 57), 60.0, BOTH, longest_frame_s(slow, media()))


def test_film_without_a_known_rate_excuses_nothing() -> None:
    assert longest_frame_s(media(streams=(Stream(0, StreamKind.VIDEO, "h264"),))) == 0
