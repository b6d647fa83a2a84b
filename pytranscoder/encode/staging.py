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
    """Where the files of one attempt at `media` are: `source` and `output` for ffmpeg, as the host spells them.

    `fetched` is the output on this machine once it is here, `partial` its name beside the final one. `covers` has
    the files for the cover art that is extracted first, by stream index.
    """

    attempt: str
    media: Path
    source: str
    output: str
    fetched: Path
    partial: Path
    covers: Mapping[int, str] = field(default_factory=dict)


class Staging(Protocol):
    """A way for media to reach a host."""

    def stage(self, planned: PlannedJob, job: int, attempt: str, /) -> AbstractAsyncContextManager[Staged]:
        """Makes the source reachable; leaving the context removes all that was made for the attempt.

        Raises ReplaceError when the output could not be put in place later; MediaError when the source
        cannot be read or has changed, HostError when it does not get there.
        """

    async def fetch(self, staged: Staged, job: int, said_bytes: int | None, /) -> None:
        """Brings the whole output to this machine; the host is not needed afterwards.

        `said_bytes` is what ffmpeg said of its size at the end, None when it did not. Raises VerifyError or HostError
        when not all arrives that the host had, ReplaceError when it cannot be written here.
        """


class InPlace:
    """The host works on our own files; outputs are made beside the final name, or on fast local storage."""

    def __init__(self, journal: Journal, run: str, fls_path: Path | None) -> None:
        self._journal = journal
        self._run = run
        self._fls_path = fls_path

    @asynccontextmanager
    async def stage(self, planned: PlannedJob, _job: int, attempt: str) -> AsyncIterator[Staged]:
        """Reserves the partial names, so that a folder that cannot be written is known before the encode."""
        staged = in_place_names(planned, attempt, self._fls_path)
        with ExitStack() as stack:
            for path in dict.fromkeys((staged.partial, staged.fetched, *map(Path, staged.covers.values()))):
                stack.enter_context(reserved(path, self._journal, self._run))
            yield staged

    async def fetch(self, _staged: Staged, _job: int, _said_bytes: int | None) -> None:
        """Does nothing: the output is here already."""


def in_place_names(planned: PlannedJob, attempt: str, fls_path: Path | None) -> Staged:
    """Returns the names for a host that works on our own files."""
    partial = planned.partial(planned.final.parent, attempt)
    output = planned.partial(fls_path, attempt) if fls_path else partial
    return Staged(
        attempt=attempt,
        media=planned.media.path,
        source=str(planned.media.path),
        output=str(output),
        fetched=output,
        partial=partial,
        covers={index: str(path) for index, path in cover_paths(planned, output).items()},
    )


def cover_paths(planned: PlannedJob, output: Path) -> dict[int, Path]:
    """Returns the names beside an output for the cover art that is extracted first, by stream index."""
    return {stream.index: output.with_suffix(f".{stream.index}") for stream in planned.covers}


@contextmanager
def reserved(path: Path, journal: Journal, run: str) -> Iterator[None]:
    """Makes an empty partial file, and removes whatever has its name at the end.

    Raises ReplaceError when it cannot be made.
    """
    journal.note_partial(path, run)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as exc:
        journal.forget_partial(path)
        raise explain(exc, path.parent) from exc
    try:
        yield
    finally:
        with suppress(OSError):  # what cannot be removed now stays noted, and is removed at a later start
            path.unlink(missing_ok=True)
            journal.forget_partial(path)
