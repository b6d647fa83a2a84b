"""The error tree is as it is drawn, and every error builds its sentence from what it carries."""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder import errors
from pytranscoder.errors import (
    CapacityError,
    ConfigError,
    DamagedMediaError,
    EncodeError,
    EncodeFailedError,
    Fault,
    FfmpegMissingError,
    HostError,
    KilledError,
    MediaError,
    Problem,
    SpaceError,
    StalledError,
    StateError,
    TranscoderError,
    UnreachableError,
    UsageError,
    VerifyError,
    first_leaf,
    printable,
)

NOT_DRAWN = {"AttemptError"}  # the common root of MediaError, HostError and EncodeError; not drawn


def drawn_tree() -> set[tuple[str, str]]:
    """Pairs of class and parent, as the docstring draws them."""
    pairs, path = set(), ["TranscoderError"]
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]+)(\w+Error)\b", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            pairs.add((match[2], path[depth - 1]))
    return pairs


def real_tree(parent: type[TranscoderError] = TranscoderError, name: str = "TranscoderError") -> set[tuple[str, str]]:
    pairs = set()
    for child in parent.__subclasses__():
        if child.__name__ in NOT_DRAWN:
            pairs |= real_tree(child, name)
        elif child.__module__ == errors.__name__:
            pairs |= {(child.__name__, name)} | real_tree(child, child.__name__)
    return pairs


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    assert drawn_tree() == real_tree()
    assert len(drawn_tree()) > 10


CLASSES = [
    value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, errors.TranscoderError)
]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_documented(error: type[TranscoderError]) -> None:
    assert error.__doc__


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UsageError("no such thing"), "no such thing"),
        (StateError("no such thing"), "no such thing"),
        (MediaError("/a\nb.mkv", "is gone"), r"/a\nb.mkv: is gone"),
        (DamagedMediaError("/\udcff.mkv", "ends early"), r"/\xff.mkv: ends early"),
        (HostError("nas", "is asleep"), "host nas: is asleep"),
        (FfmpegMissingError("nas", "no ffmpeg"), "host nas: no ffmpeg"),
        (VerifyError("too short"), "too short"),
        (StalledError(600), "no progress for 600 s, stopped"),
        (EncodeFailedError(["ffmpeg"], 1, []), "ffmpeg exited with status 1"),
        (EncodeFailedError(["ffmpeg"], 255, []), "ffmpeg exited with status 255"),
        (EncodeFailedError(["ffmpeg"], -9, []), "ffmpeg was ended by signal 9"),
        (EncodeFailedError(["ffmpeg"], 139, []), "ffmpeg was ended by signal 11"),
        (KilledError(["ffmpeg"], -9, []), "ffmpeg was ended by signal 9, stopped from outside"),
        (KilledError(["ffmpeg"], 255, ["a"]), "ffmpeg exited with status 255, stopped from outside: a"),
        (EncodeFailedError(["ffmpeg"], 1, "abcd"), "ffmpeg exited with status 1: b | c | d"),
        (
            EncodeFailedError(
                ["ffmpeg"],
                234,
                [
                    "Can't write packet with unknown timestamp",
                    "    Last message repeated 1 times",
                    "Error muxing a packet",
                    "Task finished with error code: -22 (Invalid argument)",
                    "Terminating thread with return code -22 (Invalid argument)",
                ],
            ),
            "ffmpeg exited with status 234: Can't write packet with unknown timestamp",
        ),
        (EncodeFailedError(["ffmpeg"], 1, ["Conversion failed!"]), "ffmpeg exited with status 1: Conversion failed!"),
        (EncodeFailedError(["ffmpeg"], 1, ["\x1b[31m\r"]), r"ffmpeg exited with status 1: \x1b[31m\r"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_sentence_is_built_from_the_data(error: TranscoderError, sentence: str) -> None:
    assert str(error) == sentence


def test_a_configuration_error_has_a_line_for_each_problem() -> None:
    first = Problem("a.yml", 3, "profiles.x", "unknown key cq", "did you mean crf?")
    second = Problem("a\n.yml", None, "", "is empty")

    error = ConfigError([first, second])

    assert error.problems == (first, second)
    assert str(error) == "a.yml:3: profiles.x: unknown key cq; did you mean crf?\na\\n.yml: is empty"


def test_a_failed_encode_has_its_command_ready_to_paste() -> None:
    error = EncodeFailedError(["ffmpeg", "-i", "it's $(x).mkv"], 1, [])

    assert error.command == """ffmpeg -i 'it'"'"'s $(x).mkv'"""


@pytest.mark.parametrize(
    ("error", "fault", "retry_here"),
    [
        (MediaError("a", "b"), Fault.FILE, False),
        (EncodeFailedError([], 1, []), Fault.FILE, False),
        (VerifyError("short"), Fault.FILE, False),
        (HostError("nas", "b"), Fault.HOST, False),
        (SpaceError("nas", "b"), Fault.HOST, False),
        (UnreachableError("nas", "b"), Fault.HOST, True),
        (CapacityError("nas", "b"), Fault.HOST, True),
        (StalledError(1), Fault.HOST, True),
        (KilledError([], -9, []), Fault.HOST, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_says_who_is_to_blame(error: errors.AttemptError, fault: Fault, retry_here: bool) -> None:
    assert (error.fault, error.retry_here) == (fault, retry_here)


@given(st.text(st.characters()) | st.binary().map(lambda name: name.decode(errors="surrogateescape")))
def test_printable_text_is_printable_and_on_one_line(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    shown.encode()  # strict: any stream takes it


@given(st.text().filter(str.isprintable))
def test_text_that_is_printable_stays(text: str) -> None:
    assert printable(text) == text


def test_the_first_leaf_of_a_group_is_what_ended_it() -> None:
    error = EncodeError("first")

    assert first_leaf(ExceptionGroup("outer", [ExceptionGroup("inner", [error]), ValueError()])) is error
