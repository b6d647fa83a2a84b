"""How tests start, freeze and cut the relay of `relay.py`."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Relay:
    """A link to a port of this machine. Cutting it ends its connections; a frozen one still takes bytes."""

    port: int
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def cut(self) -> None:
        self.process.kill()


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("relay.py")), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Relay(int(process.stdout.readline()), process)
        finally:
            process.kill()
