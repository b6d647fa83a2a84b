"""Runs a command on a terminal that nobody looks at, so that the board is drawn."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def run_on_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    """Lend the process id of the command; it is stopped at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    program = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    reader = threading.Thread(target=_drain, args=(ours,))
    reader.start()
    try:
        yield program.pid
    finally:
        program.terminate()
        program.wait()
        reader.join()
        os.close(ours)


def _drain(terminal: int) -> None:
    with suppress(OSError):  # that is how the end of the other side is told
        while os.read(terminal, 65536):
            pass
