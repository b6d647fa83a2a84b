"""An agent as a process of its own, as the command line starts it: ``agent_process.py OPTION...``."""

import sys

from pytranscoder.agent.command import run_agent
from pytranscoder.arguments import parse
from pytranscoder.errors import TranscoderError


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(run_agent(parse(["agent", *sys.argv[1:]]).agent, say))
    except TranscoderError as exc:
        sys.stderr.write(f"{exc}\n")
        sys.exit(2)
