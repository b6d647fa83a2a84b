"""The names of outputs, also for stems that leave no room."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.jobs.partial import NAME_MAX_BYTES, final_path, partial_name, split_extension

ATTEMPT = "deadbeef-12345-3"
ODD = st.text(st.sampled_from("a. \n'🎬é字\udcff"), min_size=1, max_size=300)
BYTES = st.binary(min_size=1, max_size=NAME_MAX_BYTES).map(os.fsdecode)
NAMES = (ODD | BYTES).map(lambda name: name.replace("/", "_").replace("\0", "_"))


@given(NAMES)
def test_a_partial_name_fits_into_a_file_system(final: str) -> None:
    assert len(os.fsencode(partial_name(final, ATTEMPT))) <= NAME_MAX_BYTES


@given(NAMES)
def test_a_partial_name_keeps_the_extension(final: str) -> None:
    assert partial_name(final, ATTEMPT).endswith(split_extension(final)[1])


@given(NAMES)
def test_two_attempts_never_share_a_name(final: str) -> None:
    assert partial_name(final, "r-1-1") != partial_name(final, "r-1-2")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=200))
def test_a_stem_is_cut_at_a_character(final: str) -> None:
    partial_name(final, ATTEMPT).encode()  # strict: half a character would not be UTF-8


def test_a_partial_name_is_hidden_and_tells_its_attempt() -> None:
    assert partial_name("film.mkv", "ab12-3-1") == ".film.ptc-ab12-3-1.mkv"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("film.mp4", "film.mkv"),
        ("film", "film.mkv"),
        ("Mr. Robot", "Mr. Robot.mkv"),
        ("film.", "film..mkv"),
        ("a.tar.mp4", "a.tar.mkv"),
        (".hidden.mp4", ".hidden.mkv"),
        (".mp4", ".mp4.mkv"),
        ("S01E01.a longer word", "S01E01.a longer word.mkv"),
        ("film.MP4", "film.mkv"),
    ],
)
def test_a_final_name_has_the_extension_of_the_profile(name: str, expected: str) -> None:
    assert final_path(Path("/films", name), ".mkv") == Path("/films", expected)


@pytest.mark.parametrize(
    ("name", "infix", "suffix", "expected"),
    [
        ("film.mp4", "", "", "film.mp4"),
        ("film.mp4", ".hevc", "", "film.hevc.mp4"),
        ("film.mp4", "", ".tmp", "film.mp4.tmp"),
        ("Mr. Robot", ".hevc", "", "Mr. Robot.hevc"),
    ],
)
def test_without_an_extension_of_the_profile_the_own_one_stays(
    name: str, infix: str, suffix: str, expected: str
) -> None:
    assert final_path(Path("/films", name), None, infix=infix, suffix=suffix) == Path("/films", expected)
