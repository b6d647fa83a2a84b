"""The seam between the program and a machine: how commands run there. Knows no host in particular.

Every transport passes the same tests, `tests/hosts/test_conformance.py`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Captured:
    """What a short command said. `exit_status` is negative when a signal ended it."""

    exit_status: int
    stdout: str
    stderr: str


class Supervised(Protocol):
    """A running command that ends with its owner, whatever happens to either."""

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of its standard error so far, oldest first."""

    def lines(self) -> AsyncIterator[str]:
        """Yields the lines of its standard output until it closes them."""

    async def wait(self) -> int:
        """Waits for the end and returns the exit status; negative when a signal ended it."""


class Transport(Protocol):
    """A way to run commands on one host."""

    @property
    def host(self) -> str:
        """The name of the host."""

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        """Runs a short command to its end.

        Raises HostError when it cannot be started or does not end in time; it is stopped then.
        """

    def supervise(self, argv: Sequence[str], partial: str) -> AbstractAsyncContextManager[Supervised]:
        """Runs a long command that writes the file `partial`.

        Leaving the context stops what still runs, with all its children. `partial` is removed unless the command
        exits with status 0; also when this program is killed. Raises HostError when the command cannot be started.
        """
