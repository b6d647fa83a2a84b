"""How media reaches a host and comes back. In place: the host works on our own files. Starts no encode."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.replace import explain
from pytranscoder.jobs.journal import Journal


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the files of one attempt are: `source` and `output` for ffmpeg, as the host spells them.

    `fetched` is the output on this machine once it is here, `partial` its name beside the final one. `covers` has
    the files for the cover art that is extracted first, by stream index.
    """

    source: str
    output: str
    fetched: Path
    partial: Path
    covers: Mapping[int, str] = field(default_factory=dict)


class Staging(Protocol):
    """A way for media to reach a host."""

    def stage(self, planned: PlannedJob, attempt: str) -> AbstractAsyncContextManager[Staged]:
        """Makes the source reachable; leaving the context removes all that was made for the attempt.

        Raises ReplaceError or SpaceError when the output could not be put in place later.
        """

    async def fetch(self, staged: Staged) -> None:
        """Brings the output to this machine; the host is not needed afterwards."""


class InPlace:
    """The host works on our own files; outputs are made beside the final name, or on fast local storage."""

    def __init__(self, journal: Journal, run: str, fls_path: Path | None) -> None:
        self._journal = journal
        self._run = run
        self._fls_path = fls_path

    @asynccontextmanager
    async def stage(self, planned: PlannedJob, attempt: str) -> AsyncIterator[Staged]:
        """Reserves the partial names, so that a folder that cannot be written is known before the encode."""
        partial = planned.partial(planned.final.parent, attempt)
        output = planned.partial(self._fls_path, attempt) if self._fls_path else partial
        covers = {stream.index: output.with_suffix(f".{stream.index}") for stream in planned.covers}
        with ExitStack() as stack:
            for path in dict.fromkeys((partial, output, *covers.values())):
                stack.enter_context(self._reserved(path))
            named = {index: str(path) for index, path in covers.items()}
            yield Staged(str(planned.media.path), str(output), output, partial, named)

    async def fetch(self, staged: Staged) -> None:
        """Does nothing: the output is here already."""

    @contextmanager
    def _reserved(self, path: Path) -> Iterator[None]:
        self._journal.note_partial(path, self._run)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as exc:
            self._journal.forget_partial(path)
            raise explain(exc, path.parent) from exc
        try:
            yield
        finally:
            with suppress(OSError):  # what cannot be removed now stays noted, and is removed at a later start
                path.unlink(missing_ok=True)
                self._journal.forget_partial(path)
