"""The command: answers what needs no import at once, hands the rest to `cli`."""

import sys

from pytranscoder import __version__
from pytranscoder.arguments import HELP, parse
from pytranscoder.errors import UsageError
from pytranscoder.ui.output import Output


def main() -> int:
    """Runs the command line and returns the exit status."""
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


if __name__ == "__main__":
    sys.exit(main())
