import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytranscoder.ui.shell import shell_command

words_of_bytes = st.binary(max_size=30).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
plain_words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), max_size=30)


def words_seen_by(shell: str, argv: Sequence[str], encoding: str = "utf-8") -> list[str]:
    script = f"printf '%s\\0' {shell_command(argv, encoding)}"
    # The environment of this process decides how a shell reads what is not ASCII, so it gets none.
    done = subprocess.run(
        [shell, "-c", script.encode("utf-8", "surrogateescape")], capture_output=True, check=True, env={}
    )
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@settings(max_examples=40, deadline=None)
@given(st.lists(words_of_bytes | plain_words, min_size=20, max_size=40))
def test_bash_reads_back_every_word(argv: list[str]) -> None:
    assert words_seen_by("bash", argv) == argv


@settings(max_examples=20, deadline=None)
@given(st.lists(plain_words, min_size=20, max_size=40))
def test_dash_reads_back_printable_words(argv: list[str]) -> None:
    assert words_seen_by("dash", argv) == argv


@settings(max_examples=20, deadline=None)
@given(st.lists(plain_words, min_size=20, max_size=40))
def test_ascii_terminal_gets_words_that_bash_reads_back(argv: list[str]) -> None:
    assert words_seen_by("bash", argv, encoding="ascii") == argv
    assert shell_command(argv, "ascii").isascii()


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("Film.mp4", "Film.mp4"),
        ("", "''"),
        ("$(touch x)", "'$(touch x)'"),
        ("it's", "'it'\"'\"'s'"),
        ("é.mp4", "'é.mp4'"),
        ("a\nb", "$'a\\012b'"),
        ("it's\udcff1\\", "$'it\\'s\\3771\\\\'"),
    ],
)
def test_a_word_is_quoted_only_as_far_as_needed(word: str, quoted: str) -> None:
    assert shell_command([word]) == quoted
