"""Which view of a run its user gets: board, plain lines, dry run or JSON lines. Shows nothing itself."""

import os
from typing import TextIO

from pytranscoder.ui.board import Board
from pytranscoder.ui.dry_run import DryRun
from pytranscoder.ui.json_lines import JsonLines
from pytranscoder.ui.observer import Screen
from pytranscoder.ui.output import Output
from pytranscoder.ui.plain import Plain


def make_screen(
    *,
    json: bool,
    dry_run: bool,
    verbose: bool,
    color: bool | None,
    stdout: TextIO,
    stderr: TextIO,
) -> Screen:
    """The screen for these options and this stdout; it prints a summary itself when the run has finished.

    `color` None leaves it to the terminal and to NO_COLOR; a value, as from `colorize`, overrides both.
    """
    output = Output(stdout)
    if json:
        return JsonLines(output, Output(stderr), verbose=verbose)
    if dry_run:
        return DryRun(output, verbose=verbose)
    if output.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        return Board(output, verbose=verbose, color=color)
    return Plain(output, verbose=verbose)
