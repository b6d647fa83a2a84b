"""The command: answers what needs no import at once, hands the rest to `cli`."""

import os
import sys

from pytranscoder import __version__
from pytranscoder.arguments import HELP, parse
from pytranscoder.errors import UsageError
from pytranscoder.ui.output import Output


def main() -> int:
    """Runs the command line and returns the exit status."""
    _open_standard_streams()
    try:
        arguments = parse(sys.argv[1:])
    except UsageError as exc:
        sys.stderr.write(f"pytranscoder: {exc}\n")
        return 2
    answer = {"help": HELP, "version": f"pytranscoder {__version__}\n"}.get(arguments.command)
    if answer is not None:
        output = Output(sys.stdout)
        output.write(answer)
        output.flush()
        return 0
    try:
        # Here and not above: with asyncio, pydantic and rich behind it, this import takes longer than all else.
        from pytranscoder.cli import run_command  # noqa: PLC0415
    except KeyboardInterrupt:  # a fifth of a second is long enough for a Ctrl-C
        return 130
    return run_command(arguments)


def _open_standard_streams() -> None:
    """Lets what was closed lead nowhere: the next file that is opened, a journal say, would be standard output."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for good
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for good


if __name__ == "__main__":
    sys.exit(main())
