"""The seam between the program and a machine: how commands run there. Knows no host in particular.

Every transport passes the same tests, `tests/hosts/test_conformance.py`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
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

        Raises HostError when it cannot be started or does not end in time; it is stopped then. LostError when the
        connection breaks.
        """

    def supervise(self, argv: Sequence[str], partial: str) -> AbstractAsyncContextManager[Supervised]:
        """Runs a long command that writes the file `partial`.

        Leaving the context stops what still runs, with all its children. `partial` is removed unless the command
        exits with status 0; also when this program is killed. When the connection breaks, `lines` and `wait` raise
        LostError, and the command ends by itself. Raises HostError when the command cannot be started.
        """


class Files(Protocol):
    """The files of one host, by paths as the host spells them; undecodable bytes as surrogates (PEP 383).

    A broken connection is made again and a transfer goes on where it stopped; LostError when that takes too long.
    """

    async def make_directory(self, path: str) -> None:
        """Makes a directory that only its owner may enter, and those above it that are missing.

        Raises HostError, SpaceError when the disk is full.
        """

    async def remove_tree(self, path: str) -> None:
        """Removes a directory with all that is in it, or a file; nothing there is no trouble. Follows no links."""

    async def names(self, directory: str) -> list[str]:
        """Returns the names in a directory; none when it is not there."""

    async def size_bytes(self, path: str, *, patiently: bool = False) -> int | None:
        """Returns the size of a file; None when it is not there.

        `patiently` waits for a host that is away as long as a transfer would; else a short trouble is an error too.
        """

    async def free_bytes(self, directory: str) -> int | None:
        """Returns the room that its file system has for us; None when the host does not say."""

    async def upload(self, ours: Path, theirs: str, report: Callable[[int], None]) -> None:
        """Copies a file to the host and checks its size there; `report` gets the bytes done, often.

        Raises TransferError, SpaceError, LostError; OSError when our file cannot be read, SourceChangedError when its
        size changes meanwhile.
        """

    async def fetch(self, theirs: str, ours: Path, report: Callable[[int], None]) -> None:
        """Copies a file from the host over `ours`, which may exist, and checks its size.

        Raises TransferError, LostError; OSError when our file cannot be written.
        """
