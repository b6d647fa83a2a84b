import io
import os
import pty
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCSWINSZ
from threading import Condition

import pytest

from pytranscoder.ui.board import Board
from pytranscoder.ui.dry_run import DryRun
from pytranscoder.ui.json_lines import JsonLines
from pytranscoder.ui.output import Output
from pytranscoder.ui.plain import Plain
from pytranscoder.ui.screen import make_screen
from tests.ui.samples import finished, progress, queued, ready, started

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
END_OF_FRAME = "\x1b[?2026l"

RUN = """
import sys
from pathlib import Path
from pytranscoder.jobs.events import *
from pytranscoder.ui.screen import make_screen
from tests.ui.samples import *

color = {"None": None, "True": True, "False": False}[sys.argv[1]]
with make_screen(json=False, dry_run=False, verbose=False, color=color, stdout=sys.stdout, stderr=sys.stderr) as screen:
    failed = finished(2, Outcome.FAILED, reason="no [red]end")
    for event in (queued(1), queued(2), ready(1), started(1), progress(1, 40.0), failed):
        screen.handle(event)
    if "fail" in sys.argv:
        raise SystemExit("it broke")
    screen.handle(finished(1))
    screen.handle(run_finished(encoded=1, failed=1))
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class WatchedTerminal(Terminal):
    """A terminal that lets one wait for what is on it."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = Condition()

    def flush(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, is_there: Callable[[str], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: is_there(self.getvalue()), 20)


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the tests run: on a dumb terminal nothing is drawn."""
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize(
    ("options", "stdout", "kind"),
    [
        ({"json": True}, Terminal(), JsonLines),
        ({"json": True, "dry_run": True}, io.StringIO(), JsonLines),
        ({"dry_run": True}, Terminal(), DryRun),
        ({}, Terminal(), Board),
        ({}, io.StringIO(), Plain),
    ],
    ids=["json", "json dry run", "dry run", "terminal", "pipe"],
)
def test_screen_is_chosen_by_options_and_terminal(options: dict[str, bool], stdout: io.StringIO, kind: type) -> None:
    values = {"json": False, "dry_run": False, "verbose": False} | options

    assert isinstance(make_screen(**values, color=None, stdout=stdout, stderr=io.StringIO()), kind)


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")

    screen = make_screen(json=False, dry_run=False, verbose=False, color=None, stdout=Terminal(), stderr=Terminal())

    assert isinstance(screen, Plain)


def drawn(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """All that a run writes to a terminal of 80 columns and 24 lines."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    child = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean | {"TERM": "xterm-256color", "PYTHONUTF8": "1"} | dict(environment or {}),
    )
    os.close(theirs)
    text = b""
    with child, suppress(OSError):  # Linux says EIO when the last writer has gone
        while chunk := os.read(ours, 65536):
            text += chunk
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def test_board_is_drawn_and_followed_by_the_summary() -> None:
    text = drawn("None")

    board, _, summary = text.rpartition(SHOW_CURSOR)
    assert "2 of 2 done, 0 running" in board
    assert "1 encoded, 1 failed in 1:02:03" in summary
    assert "/films/Film 2.mp4: no [red]end" in summary


def test_start_of_an_encode_leaves_no_blank_line_above_the_board() -> None:
    stdout = Terminal()
    with Board(Output(stdout)) as board:
        board.handle(started(1))

    visible = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]|\r", "", stdout.getvalue())
    assert visible.lstrip(" ").startswith("Film 1.mp4")


def test_frame_in_which_a_job_is_told_to_be_over_counts_it() -> None:
    stdout = WatchedTerminal()
    with Board(Output(stdout)) as board:
        for event in (queued(1), queued(2), ready(1), started(1), progress(1, 40.0)):
            board.handle(event)
        stdout.wait_until(lambda text: "0 of 2 done" in text)

        board.handle(finished(1))

        stdout.wait_until(lambda text: END_OF_FRAME in text.partition("✓")[2])
        frame = stdout.getvalue().partition("✓")[2].partition(END_OF_FRAME)[0]
    assert "1 of 2 done" in frame.rpartition("Film 1.mp4")[2]
    assert "40 %" not in frame


@pytest.mark.parametrize("arguments", [["None"], ["None", "fail"]], ids=["at the end", "after an exception"])
def test_cursor_is_shown_again(arguments: list[str]) -> None:
    text = drawn(*arguments)

    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR) >= 0


def test_what_had_finished_is_printed_before_an_exception() -> None:
    assert "Film 2.mp4  failed: no [red]end" in drawn("None", "fail").partition("it broke")[0]


@pytest.mark.parametrize(
    ("color", "environment", "is_green"),
    [
        ("None", {}, True),
        ("None", {"NO_COLOR": "1"}, False),
        ("False", {}, False),
        ("True", {"NO_COLOR": "1"}, True),
    ],
    ids=["default", "NO_COLOR", "colorize: no", "colorize: yes over NO_COLOR"],
)
def test_color_is_a_matter_of_configuration_and_environment(
    color: str, environment: Mapping[str, str], is_green: bool
) -> None:
    assert ("\x1b[32m" in drawn(color, environment=environment)) is is_green


def test_terminal_without_unicode_gets_ascii() -> None:
    text = drawn("None", environment={"PYTHONIOENCODING": "ascii"})

    assert text.isascii()
    assert "1.2 GB > 504.0 MB (-58 %)" in text
