"""Follows the progress of one ffmpeg: tells of it, and sees when it stalls or does not compress. Stops nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.progress import Measure, ProgressReader, Snapshot, measure
from pytranscoder.encode.threshold import is_hopeless, why_rejected
from pytranscoder.errors import StalledError
from pytranscoder.hosts.transport import Supervised
from pytranscoder.jobs.events import Event, Progress


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of an encode: its last words, and why it need not go on, if so."""

    last: Snapshot | None
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches the encode of one attempt. `clock` returns Unix seconds."""

    planned: PlannedJob
    job: int
    attempt: str
    host: str
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    stall_after_s: float

    async def follow(self, ffmpeg: Supervised) -> Watched:
        """Follows until ffmpeg has ended or turns out not to compress; raises StalledError."""
        reader, last = ProgressReader(), None
        begun = self.clock()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.stall_after_s) as limit:
                async for line in ffmpeg.lines():
                    snapshot = reader.feed(line)
                    if snapshot is None:
                        continue
                    if snapshot.has_moved_since(last):
                        limit.reschedule(loop.time() + self.stall_after_s)
                    last = snapshot
                    seen = self._report(snapshot, self.clock() - begun)
                    if is_hopeless(self.planned.profile, seen):
                        when = f" at {seen.percent:.0f} % of the encode"
                        return Watched(last, why_rejected(self.planned.profile, seen.compression, when))
                await ffmpeg.wait()
        except TimeoutError as exc:
            raise StalledError(self.stall_after_s) from exc
        return Watched(last)

    def _report(self, snapshot: Snapshot, elapsed_s: float) -> Measure:
        seen = measure(self.planned.media, snapshot, elapsed_s)
        self.emit(
            Progress(
                time=self.clock(),
                job=self.job,
                attempt=self.attempt,
                host=self.host,
                percent=seen.percent,
                position_s=seen.position_s,
                speed=snapshot.speed,
                fps=snapshot.fps,
                compression=seen.compression,
                eta_s=seen.eta_s,
                output_bytes=snapshot.output_bytes,
            )
        )
        return seen
