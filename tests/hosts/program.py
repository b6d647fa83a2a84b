"""A program that does what its arguments say, step by step. Its own process, and imports little, to start fast.

``out:TEXT`` and ``err:TEXT`` print a line, ``outflood:N`` and ``errflood:N`` N kilobytes of them; ``write:PATH`` makes
a file; ``hold:PATH`` locks one until this process and all its children are gone; ``parent`` prints the parent's process
id; ``deaf`` ignores TERM; ``child`` starts a child that hangs, ``deaf-child`` one that ignores TERM; ``hang``,
``exit:N``, ``signal:N``, and ``orphan``, which leaves a child behind, end the program.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable

LINE = b"x" * 99 + b"\n"


def main() -> None:
    for step in sys.argv[1:]:
        verb, _, value = step.partition(":")
        STEPS[verb](value)


def write(path: str) -> None:
    with open(path, "xb") as file:  # noqa: PTH123  # pathlib would triple the time to start
        file.write(b"half a film")


def hold(path: str) -> None:
    lock = os.open(path, os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)


def flood(stream: int, kilobytes: str) -> None:
    for _ in range(int(kilobytes)):
        os.write(stream, LINE * 10)


def child(_: str) -> None:
    if os.fork() == 0:
        hang("")


def deaf_child(_: str) -> None:
    if os.fork() == 0:
        deaf("")
        hang("")


def deaf(_: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def orphan(_: str) -> None:
    child("")
    os._exit(0)


def hang(_: str) -> None:
    while True:
        time.sleep(60)


STEPS: dict[str, Callable[[str], object]] = {
    "out": lambda text: os.write(1, os.fsencode(text) + b"\n"),
    "err": lambda text: os.write(2, os.fsencode(text) + b"\n"),
    "outflood": lambda kilobytes: flood(1, kilobytes),
    "errflood": lambda kilobytes: flood(2, kilobytes),
    "write": write,
    "hold": hold,
    "deaf": deaf,
    "deaf-child": deaf_child,
    "child": child,
    "orphan": orphan,
    "parent": lambda _: os.write(1, b"%d\n" % os.getppid()),
    "hang": hang,
    "exit": lambda status: os._exit(int(status)),
    "signal": lambda number: os.kill(os.getpid(), int(number)),
}

if __name__ == "__main__":
    main()
