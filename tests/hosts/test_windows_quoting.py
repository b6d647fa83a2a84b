"""Command lines of Windows, without one; `tests/windows` asks cmd.exe and a program what arrives."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.hosts.windows.quoting import InexpressibleError, command_line, program_name, set_in_cmd

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="%!"))


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("ffmpeg", "ffmpeg.exe"),
        ("C:/Programs/ffmpeg.exe", r"C:\Programs\ffmpeg.exe"),
        (r"c:\ffmpeg 7.1\FFMPEG.EXE", r"c:\ffmpeg 7.1\FFMPEG.EXE"),
        ("C:/ffmpeg-7.1", r"C:\ffmpeg-7.1.exe"),
        (r"\\nas\tools\ffmpeg.exe", r"\\nas\tools\ffmpeg.exe"),
    ],
)
def test_a_program_is_named_with_its_extension(program: str, name: str) -> None:
    assert program_name(program) == name


@pytest.mark.parametrize("program", [r"C:\tools\ffmpeg.bat", "ffmpeg.CMD"])
def test_a_batch_file_is_refused(program: str) -> None:
    with pytest.raises(InexpressibleError, match=r"is a batch file, .*; name the \.exe"):
        program_name(program)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "no"', r'"say \"no\""'),
        ("C:\\temp\\", "C:\\temp\\"),
        ("ends with \\", r'"ends with \\"'),
        (r"a\"b", r"a\\\"b"),
    ],
)
def test_a_word_is_written_as_the_c_runtime_reads_it(word: str, written: str) -> None:
    assert command_line(("ffmpeg", word)) == f'"ffmpeg.exe" {written}'


@given(PRINTABLE)
def test_no_character_keeps_its_meaning_for_cmd(text: str) -> None:
    escaped = set_in_cmd({"a": text}).removeprefix("set a=")

    assert re.sub(r"\^(.)", r"\1", escaped) == text
    assert not re.search(r'[()"<>&|]', re.sub(r"\^.", "", escaped))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("two\nlines", r"'\\n'"),
        ("Müller", r"'\\xfc'"),
        ("%PATH%", "percent signs"),
        ("wow! no!", "exclamation marks"),
    ],
)
def test_what_cmd_may_not_pass_on_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InexpressibleError, match=f"{reason} .*; let PowerShell run on that host"):
        set_in_cmd({"a": "fine", "b": text})


def test_signs_are_counted_over_all_variables() -> None:
    with pytest.raises(InexpressibleError):
        set_in_cmd({"a": "100 %", "b": "100 %"})
