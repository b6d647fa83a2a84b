"""From the files of a command line to planned jobs, while others encode: finds, probes and chooses, in order.

Starts no encode. A library of any size goes through a window of a few probes.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pytranscoder.encode.choose import Chooser, PlannedJob, Skip
from pytranscoder.errors import AttemptError
from pytranscoder.jobs.sources import Request, Source, expand
from pytranscoder.media.prober import Prober

WINDOW = 4
BATCH = 256


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was found, with its size in bytes; 0 when it cannot be read."""

    source: Source
    size_bytes: int


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A file that has become a job."""

    number: int
    found: Found


Plan = PlannedJob | Skip | AttemptError


class Planner:
    """Plans jobs; where they may run is not its business."""

    def __init__(self, chooser: Chooser, prober: Prober, clock: Callable[[], float]) -> None:
        self._chooser = chooser
        self._prober = prober
        self._clock = clock

    async def plan(self, queued: "asyncio.Queue[QueuedJob | None]", give: Callable[[QueuedJob, Plan], None]) -> None:
        """Plans each queued job until None comes, and gives them out in their order."""
        window: asyncio.Queue[tuple[QueuedJob, asyncio.Task[Plan]] | None] = asyncio.Queue(WINDOW)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed(queued, window, group))
            while entry := await window.get():
                job, planning = entry
                give(job, await planning)

    async def _feed(
        self,
        queued: "asyncio.Queue[QueuedJob | None]",
        window: "asyncio.Queue[tuple[QueuedJob, asyncio.Task[Plan]] | None]",
        group: asyncio.TaskGroup,
    ) -> None:
        while job := await queued.get():
            await window.put((job, group.create_task(self._plan(job.found.source))))
        await window.put(None)

    async def _plan(self, source: Source) -> Plan:
        try:
            media = await self._prober.probe(source.path)
            return self._chooser.choose(source, media, self._clock())
        except AttemptError as exc:
            return exc


async def find_files(requests: Sequence[Request], take: Callable[[Found], None]) -> None:
    """Finds the files that requests mean, in a thread, as a directory on a slow share must hold up nothing.

    Raises UsageError when a list cannot be read.
    """
    files = _find(requests)
    while batch := await asyncio.to_thread(list, islice(files, BATCH)):
        for found in batch:
            take(found)


def _find(requests: Sequence[Request]) -> Iterator[Found]:
    for request in requests:
        for source in expand(request):
            yield Found(source, _size_bytes(source))


def _size_bytes(source: Source) -> int:
    try:
        return source.path.stat().st_size
    except OSError:
        return 0
