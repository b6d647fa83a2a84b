import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pytranscoder.ui import format as formats


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567_890, "1.2 GB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (4_000_000_000_000_000_000, "4000.0 PB"),
    ],
)
def test_size_has_one_decimal_in_decimal_units(count: int, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "short", "full"),
    [
        (-1.0, "0:00", "0:00:00"),
        (42.4, "0:42", "0:00:42"),
        (59.6, "1:00", "0:01:00"),
        (1930, "32:10", "0:32:10"),
        (3723, "1:02:03", "1:02:03"),
        (360_000, "100:00:00", "100:00:00"),
    ],
)
def test_duration_has_hours_where_there_are_any(seconds: float, short: str, full: str) -> None:
    assert (formats.duration(seconds), formats.full_duration(seconds)) == (short, full)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(100, 42, "−58 %"), (100, 104, "+4 %"), (1000, 1001, "0 %"), (0, 5, "")],
)
def test_change_has_a_sign(before: int, after: int, text: str) -> None:
    assert formats.change(before, after) == text


def test_shrinkage_names_both_sizes() -> None:
    assert formats.shrinkage(1_200_000_000, 500_000_000) == "1.2 GB → 500.0 MB (−58 %)"


@pytest.mark.parametrize(("value", "text"), [(0.934, "0.93x"), (3.14, "3.1x"), (99.94, "99.9x"), (1234.0, "1234x")])
def test_speed_fits_five_cells(value: float, text: str) -> None:
    assert formats.speed(value) == text


@pytest.mark.parametrize(
    ("name", "cells", "short"),
    [
        ("Film.mp4", 8, "Film.mp4"),
        ("A Long Film S01E02.mp4", 13, "A Long…02.mp4"),
        ("東京物語の長い名前.mkv", 12, "東京物….mkv"),
        ("Film.mp4", 2, "Fi"),
        ("Film.mp4", 0, ""),
    ],
)
def test_shorten_leaves_out_the_middle(name: str, cells: int, short: str) -> None:
    assert formats.shorten(name, cells) == short


@pytest.mark.parametrize(
    ("cells", "short"),
    [(18, "connection refused"), (12, "connection…"), (13, "connection r…"), (1, "…"), (0, "")],
)
def test_clip_leaves_out_the_end(cells: int, short: str) -> None:
    assert formats.clip("connection refused", cells) == short


def test_rate_is_bytes_in_a_second() -> None:
    assert formats.rate(11_240_000.4) == "11.2 MB/s"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), st.integers(0, 30))
def test_shorten_never_exceeds_its_cells(name: str, cells: int) -> None:
    assert cell_len(formats.shorten(name, cells)) <= cells


@pytest.mark.parametrize("name", ["a", "東京物語の長い名前", "🎬🎬🎬🎬🎬🎬🎬", "❤️❤️❤️❤️❤️❤️❤️"])
def test_left_column_is_as_wide_as_asked(name: str) -> None:
    assert cell_len(formats.left(name, 9)) == 9


def test_right_column_is_filled_from_the_left() -> None:
    assert formats.right("3 %", 5) == "  3 %"


def test_shortened_episodes_of_a_season_stay_apart() -> None:
    names = [f"Some Very Long Show Name S01E0{n} - The Title (2020) [1080p].mp4" for n in (1, 2)]
    short = [formats.shorten(name, 28) for name in names]
    assert short == ["Some Very…S01E01 - The Titl…", "Some Very…S01E02 - The Titl…"]
