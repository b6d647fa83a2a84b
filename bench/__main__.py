"""Runs the measurements by name, or all, and prints a line for each; exit status 1 when a target is missed."""

import argparse
import sys

from bench import footprint, live, mounted, shares, simulation, start, streaming, throughput, transfer, version
from bench.result import HEADINGS, report_line, table_row

_MEASUREMENTS = {
    "version": version.measure,
    "start": start.measure,
    "throughput": throughput.measure,
    "footprint": footprint.measure,
    "mounted": mounted.measure,
    "streaming": streaming.measure,
    "shares": shares.measure,
    "live": live.measure,
    "transfer": transfer.measure,
    "simulation": simulation.measure,
}


def main() -> int:
    """Measure what the command line asks for and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the program against its targets.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(_MEASUREMENTS)}; all if none")
    parser.add_argument("--runs", type=int, default=5, help="how often each is run (default 5); medians are shown")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(_MEASUREMENTS)
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    print(table_row(*HEADINGS))
    missed = False
    for name in arguments.names or _MEASUREMENTS:
        for result in _MEASUREMENTS[name](arguments.runs):
            print(report_line(result), flush=True)
            missed |= not result.is_met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
