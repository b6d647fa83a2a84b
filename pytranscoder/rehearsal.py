"""A dry run: which host would get each job, with which command. Starts nothing and touches no file."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.copied import copied_names
from pytranscoder.encode.mapped import mapped_names
from pytranscoder.encode.outcomes import failed_event, planned_event, ready_event
from pytranscoder.encode.staging import Staged, in_place_names
from pytranscoder.fleet import Fleet
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.jobs.events import Event, JobFinished, JobReady, Notice
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.jobs.scheduler import Scheduler


@dataclass(slots=True)
class Rehearsal:
    """Gives out jobs as a run would whose hosts are all equally fast."""

    run: str
    fls_path: Path | None
    fleet: Fleet
    scheduler: Scheduler
    emit: Callable[[Event], None]
    end: Callable[[JobFinished], None]
    tell_lacks: Callable[[JobReady], None]
    _load: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    _folders: dict[tuple[str | None, Path], Path] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def take(self, number: int, planned: PlannedJob) -> None:
        """Says which host would get a job, or why none may."""
        ready = ready_event(number, planned, time.time())
        self._folders.setdefault((ready.cluster, planned.media.path.parent), planned.media.path)
        self.tell_lacks(ready)
        candidates = self.scheduler.candidates(ready)
        if not candidates:
            reason = self.scheduler.refusal(ready) or self.scheduler.absence(ready)
            self.end(failed_event(number, planned, reason, time.time()))
            return
        spec = min(candidates, key=lambda each: self._load[each.key] / each.slots[ready.queue])
        self._load[spec.key] += round(ready.work)
        self.emit(self._event(number, planned, spec))

    async def end_with_warnings(self) -> None:
        """Warns of files that a host would not see, or whose folders it may not write to."""
        for cluster in {cluster: None for cluster, _ in self._folders}:
            media = [path for (its_cluster, _), path in self._folders.items() if its_cluster == cluster]
            for host, reason in await self.fleet.unusable(cluster, media):
                self._warn(host, reason)

    def _event(self, number: int, planned: PlannedJob, spec: HostSpec) -> Event:
        definition, ffmpeg = self.fleet.definition(spec.key), self.fleet.ffmpeg(spec.key)
        staged = self._names(definition, planned, f"{self.run}-{number}-1")
        argv = planned.argv(ffmpeg.path if ffmpeg else "ffmpeg", staged.source, staged.output, staged.covers)
        return planned_event(number, planned, spec.name, definition.type.value, argv, time.time())

    def _names(self, definition: HostDefinition, planned: PlannedJob, attempt: str) -> Staged:
        if definition.type is HostType.LOCAL:
            return in_place_names(planned, attempt, self.fls_path)
        if definition.is_copied_to:
            return copied_names(planned, attempt, self.run, definition.copies_to)
        return mapped_names(planned, attempt, PathMapping(definition.path_substitutions))

    def _warn(self, host: str, text: str) -> None:
        if (host, text) not in self._told:
            self._told.add((host, text))
            self.emit(Notice(time=time.time(), level="warning", text=f"host {host}: {text}"))
