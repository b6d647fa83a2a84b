"""From the files of an order to planned jobs: finds, numbers and plans them while others encode.

Ends the jobs that never become ready. Decides nothing about hosts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.encode.choose import Chooser, PlannedJob, Skip
from pytranscoder.encode.planner import Found, Plan, Planner, QueuedJob, find_files
from pytranscoder.errors import printable
from pytranscoder.jobs.events import Event, JobFinished, JobQueued, Notice, Outcome
from pytranscoder.jobs.pruner import QueuePruner
from pytranscoder.jobs.sources import Request, Source
from pytranscoder.media.prober import Prober


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the intake hands over: events, jobs that are planned, jobs that have ended before."""

    emit: Callable[[Event], None]
    ready: Callable[[int, PlannedJob], None]
    ended: Callable[[JobFinished], None]


class Intake:
    """The jobs of an order until they are planned. With `dry_run` nothing is settled."""

    def __init__(self, chooser: Chooser, pruner: QueuePruner, desk: Desk, *, dry_run: bool) -> None:
        self._chooser = chooser
        self._pruner = pruner
        self._desk = desk
        self._dry_run = dry_run
        self._numbers: dict[Path, int] = {}
        self._clusters: dict[int, str | None] = {}
        self._twice: set[tuple[str | None, str | None]] = set()
        self._queued: dict[int, Found] = {}
        self._work: list[asyncio.Task[None]] = []
        self.found = asyncio.Event()
        self.closed = False

    @property
    def is_done(self) -> bool:
        """Whether every file of the order has become a planned job or has ended."""
        return self.closed and not self._queued

    async def run(self, requests: Sequence[Request], prober: Prober, gate: Callable[[], Awaitable[object]]) -> None:
        """Takes in all files; none is planned before `gate` has returned.

        Raises UsageError when a list of files cannot be read.
        """
        queue: asyncio.Queue[QueuedJob | None] = asyncio.Queue()
        planner = Planner(self._chooser, prober, time.time)
        try:
            async with asyncio.TaskGroup() as group:
                self._work = [
                    group.create_task(self._find(requests, queue)),
                    group.create_task(self._plan(planner, queue, gate)),
                ]
        finally:
            self.closed = True

    def cancel(self, reason: str) -> None:
        """Stops and ends what is not planned yet."""
        for task in self._work:
            task.cancel()
        queued, self._queued = self._queued, {}
        for number, found in queued.items():
            self._end(number, found, Outcome.CANCELLED, reason)

    async def _find(self, requests: Sequence[Request], queue: "asyncio.Queue[QueuedJob | None]") -> None:
        await find_files(requests, lambda found: self._take(found, queue))
        self.found.set()
        self._pruner.complete()
        queue.put_nowait(None)

    def _take(self, found: Found, queue: "asyncio.Queue[QueuedJob | None]") -> None:
        source = found.source
        is_new = source.path not in self._numbers
        number = self._numbers.setdefault(source.path, len(self._numbers) + 1)
        self._pruner.expect(number, source)
        if is_new:
            self._queued[number] = found
            self._clusters[number] = source.cluster
            self._desk.emit(
                JobQueued(
                    time=time.time(),
                    job=number,
                    media=source.path,
                    source_bytes=found.size_bytes,
                    cluster=source.cluster,
                )
            )
            queue.put_nowait(QueuedJob(number, found))
        elif self._clusters[number] != source.cluster:
            self._tell_twice(source, self._clusters[number])

    def _tell_twice(self, source: Source, first: str | None) -> None:
        if (first, source.cluster) in self._twice:
            return
        self._twice.add((first, source.cluster))
        where = f"in cluster {first}" if first else "on this machine"
        text = f"{printable(source.path)} was named before and is encoded {where}, as is all that is named twice"
        self._desk.emit(Notice(time=time.time(), level="warning", text=text))

    async def _plan(
        self, planner: Planner, queue: "asyncio.Queue[QueuedJob | None]", gate: Callable[[], Awaitable[object]]
    ) -> None:
        await gate()
        await planner.plan(queue, self._take_plan)

    def _take_plan(self, job: QueuedJob, plan: Plan) -> None:
        found = self._queued.pop(job.number)
        if isinstance(plan, PlannedJob):
            self._desk.ready(job.number, plan)
        elif isinstance(plan, Skip):
            self._end(job.number, found, Outcome.SKIPPED, plan.reason, plan.rule)
        else:
            self._end(job.number, found, Outcome.FAILED, str(plan))

    def _end(self, number: int, found: Found, outcome: Outcome, reason: str, rule: str | None = None) -> None:
        self._desk.ended(
            JobFinished(
                time=time.time(),
                job=number,
                media=found.source.path,
                outcome=outcome,
                settled=outcome is Outcome.SKIPPED and not self._dry_run,
                cluster=found.source.cluster,
                source_bytes=found.size_bytes,
                rule=rule,
                reason=reason,
            )
        )
