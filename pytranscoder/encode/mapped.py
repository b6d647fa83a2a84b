"""The staging of hosts that see our files on a share, under names of their own. Copies nothing, starts no encode."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.staging import Staged, cover_paths, reserved
from pytranscoder.errors import VerifyError, printable
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.jobs.journal import Journal

SETTLE_S = 10.0
LOOK_AGAIN_S = 0.2


class Mapped:
    """The host works on our files by its own names for them; outputs are made beside the final name.

    `settle_s` is how long the end of a file that the host wrote may take to be seen on this machine.
    """

    def __init__(self, journal: Journal, run: str, mapping: PathMapping, settle_s: float = SETTLE_S) -> None:
        self._journal = journal
        self._run = run
        self._mapping = mapping
        self._settle_s = settle_s

    @asynccontextmanager
    async def stage(self, planned: PlannedJob, _job: int, attempt: str) -> AsyncIterator[Staged]:
        """Makes sure that the folder can be written, and notes the names; the files are the host's to make."""
        staged = mapped_names(planned, attempt, self._mapping)
        with ExitStack() as stack:
            for path in (staged.partial, *cover_paths(planned, staged.partial).values()):
                stack.enter_context(reserved(path, self._journal, self._run))
                path.unlink()  # the host may be another user there, who could not write a file of ours
            yield staged

    async def fetch(self, staged: Staged, _job: int, said_bytes: int | None) -> None:
        """Waits until the output is seen here as large as ffmpeg said, which was exact in all containers measured."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settle_s
        while True:
            seen_bytes = await asyncio.to_thread(_look, staged.fetched)
            if seen_bytes is not None and said_bytes in (None, seen_bytes):
                return
            if loop.time() >= until:
                raise VerifyError(_difference(staged.fetched, seen_bytes, said_bytes))
            await asyncio.sleep(LOOK_AGAIN_S)


def mapped_names(planned: PlannedJob, attempt: str, mapping: PathMapping) -> Staged:
    """Returns the names for a host that sees our files under names of its own."""
    partial = planned.partial(planned.final.parent, attempt)
    return Staged(
        attempt=attempt,
        media=planned.media.path,
        source=mapping.theirs(planned.media.path),
        output=mapping.theirs(partial),
        fetched=partial,
        partial=partial,
        covers={index: mapping.theirs(path) for index, path in cover_paths(planned, partial).items()},
    )


def _look(path: Path) -> int | None:
    """Returns the size of a file that another machine wrote; None when it is not there."""
    # Network file systems remember attributes, and names that were not there, for up to a minute; they ask the server
    # when a folder or a file is opened (close-to-open consistency, nfs(5)).
    try:
        with suppress(PermissionError), os.scandir(path.parent), path.open("rb"):
            pass
        return path.stat().st_size
    except OSError:
        return None


def _difference(path: Path, seen_bytes: int | None, said_bytes: int | None) -> str:
    if seen_bytes is None:
        return f"the output cannot be seen here as {printable(path)}; check `path-substitutions`"
    return f"ffmpeg wrote {said_bytes} bytes, {seen_bytes} are seen here"
