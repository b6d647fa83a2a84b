import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.hosts.agents.calls import (
    AgentDialect,
    Call,
    read_call,
    read_report,
    write_call,
    write_report,
)
from pytranscoder.hosts.supervisor import Patience
from tests.hosts.samples import REPORT

# What a POSIX file name may be: no NUL, undecodable bytes as surrogates.
WORDS = st.text(st.characters(exclude_characters="\0"), max_size=40)


@given(argv=st.lists(WORDS, min_size=1, max_size=5), partial=WORDS)
def test_any_words_reach_an_agent(argv: list[str], partial: str) -> None:
    call = Call(tuple(argv), partial, "abc123", 30.0, 1.0)

    line = write_call(call)

    assert (read_call(line), line.count(b"\n"), line.isascii()) == (call, 1, True)


def test_a_dialect_says_how_long_an_agent_waits_for_the_manager() -> None:
    opening = AgentDialect().opening(["ffmpeg", "-version"], "", "abc", Patience(silence_s=12, grace_s=3))

    assert read_call(opening) == Call(("ffmpeg", "-version"), "", "abc", 12.0, 3.0)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"argv": "ffmpeg", "partial": "", "token": "a", "silence_s": 1, "grace_s": 1}',
        b'{"argv": [], "partial": "", "token": "a", "silence_s": 1, "grace_s": 1}',
        b'{"argv": ["a\\u0000b"], "partial": "", "token": "a", "silence_s": 1, "grace_s": 1}',
        b'{"argv": ["a"], "partial": "", "token": "a b", "silence_s": 1, "grace_s": 1}',
        b'{"argv": ["a"], "partial": "", "token": "a", "silence_s": true, "grace_s": 1}',
        b'{"argv": ["a"], "partial": "", "token": "a", "silence_s": 1, "grace_s": 1e9}',
        b'{"argv": ["a"], "partial": "", "token": "a", "silence_s": NaN, "grace_s": 1}',
        pytest.param(b"[" * 100_000, id="too deep"),
    ],
)
def test_a_line_that_is_no_call_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_call(line)


def test_a_report_arrives_as_it_was_sent() -> None:
    assert read_report(write_report(REPORT)) == REPORT


def test_what_a_later_agent_says_besides_is_left_out() -> None:
    assert read_report(write_report(REPORT)[:-1] + ', "humidity": 3}') == REPORT


def report_with(**changes: object) -> str:
    """The line of a report in which some values are others."""
    return json.dumps({**asdict(REPORT), **changes})


def test_disk_whose_room_is_not_known_is_no_trouble() -> None:
    assert read_report(report_with(free_bytes=None)).free_bytes is None


@pytest.mark.parametrize("line", ["", "{}", '{"encoders": 3}', "no json", '"\udcff', "[" * 100_000])
def test_what_is_no_report_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_report(line)


@pytest.mark.parametrize("name", ["cores", "slots", "free_bytes"])
@pytest.mark.parametrize("value", ["x", [], {}, True, 1.0, -1, 1 << 63, math.inf, math.nan], ids=repr)
def test_number_of_a_report_is_one(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        read_report(report_with(**{name: value}))


@pytest.mark.parametrize("name", ["version", "os", "ffmpeg", "ffmpeg_version", "working_dir", "confinement"])
@pytest.mark.parametrize("value", [3, None, True, ["x"], "x" * 4097], ids=["number", "null", "bool", "list", "long"])
def test_text_of_a_report_is_one(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        read_report(report_with(**{name: value}))


@pytest.mark.parametrize("name", ["cores", "slots", "version", "os", "ffmpeg", "ffmpeg_version", "working_dir"])
def test_report_says_everything(name: str) -> None:
    values = asdict(REPORT)
    del values[name]

    with pytest.raises(ValueError, match=name):
        read_report(json.dumps(values))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoders", "aac"),
        ("encoders", {"aac": 1}),
        ("encoders", [1]),
        ("encoders", ["aac"] * 4097),
        ("shares", None),
        ("shares", {"path": "/"}),
        ("shares", ["/media"]),
        ("shares", [{"path": 3, "writable": True}]),
        ("shares", [{"path": "/media", "writable": "no"}]),
        ("shares", [{"path": "/media"}]),
        ("shares", [{"path": "/media", "writable": True}] * 4097),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_list_of_a_report_is_one(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"no (list|text|folders)"):
        read_report(report_with(**{name: value}))
