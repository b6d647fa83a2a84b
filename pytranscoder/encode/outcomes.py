"""From planned jobs and scheduler verdicts to the events that tell of them. Decides nothing."""

from collections import Counter
from dataclasses import dataclass, field

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.replace import require_free
from pytranscoder.errors import ReplaceError
from pytranscoder.jobs.actions import FinishJob
from pytranscoder.jobs.events import (
    AttemptSucceeded,
    JobFinished,
    JobReady,
    Outcome,
    Planned,
    RunFinished,
    RunStarted,
)

DONE = (Outcome.ENCODED, Outcome.SKIPPED, Outcome.REJECTED)


@dataclass(slots=True)
class Totals:
    """What the last event of a run counts."""

    jobs: Counter[Outcome] = field(default_factory=Counter)
    source_bytes: int = 0
    output_bytes: int = 0

    def add(self, event: JobFinished) -> None:
        """Counts one job."""
        self.jobs[event.outcome] += 1
        if event.outcome is Outcome.ENCODED:
            self.source_bytes += event.source_bytes
            self.output_bytes += event.output_bytes or 0

    def finished(self, started: RunStarted, now: float, *, interrupted: bool, no_host: bool) -> RunFinished:
        """Returns the last event of a run.

        A cluster whose jobs were given up had no host, also if one came later: unless the user interrupts, nothing else
        is cancelled.
        """
        return RunFinished(
            time=now,
            run=started.run,
            seconds=now - started.time,
            encoded=self.jobs[Outcome.ENCODED],
            skipped=self.jobs[Outcome.SKIPPED],
            rejected=self.jobs[Outcome.REJECTED],
            failed=self.jobs[Outcome.FAILED],
            cancelled=self.jobs[Outcome.CANCELLED],
            source_bytes=self.source_bytes,
            output_bytes=self.output_bytes,
            interrupted=interrupted,
            no_host=no_host or (self.jobs[Outcome.CANCELLED] > 0 and not interrupted),
        )


def ready_event(job: int, planned: PlannedJob, now: float) -> JobReady:
    """Says that a job waits for a slot."""
    return JobReady(
        time=now,
        job=job,
        media=planned.media.path,
        profile=planned.profile.name,
        queue=planned.profile.queue,
        work=planned.work,
        duration_s=planned.media.duration_s,
        source_bytes=planned.media.size_bytes,
        rule=planned.rule,
        cluster=planned.source.cluster,
        encoders=tuple(sorted(planned.encoders)),
    )


def planned_event(
    job: int, planned: PlannedJob, host: str, host_type: str, argv: tuple[str, ...], now: float
) -> Planned:
    """Says what a dry run would do; also that the final name is taken, which would fail the job."""
    notes = planned.notes
    try:
        require_free(planned.final, planned.media.path)
    except ReplaceError as exc:
        notes += (str(exc),)
    return Planned(
        time=now,
        job=job,
        media=planned.media.path,
        host=host,
        host_type=host_type,
        cluster=planned.source.cluster,
        profile=planned.profile.name,
        queue=planned.profile.queue,
        argv=argv,
        output=planned.final,
        rule=planned.rule,
        why=planned.why,
        notes=notes,
    )


def finished_event(verdict: FinishJob, planned: PlannedJob, now: float) -> JobFinished:
    """Says how a job has ended, with what its last attempt knows."""
    last = verdict.last
    made = last if isinstance(last, AttemptSucceeded) else None
    return JobFinished(
        time=now,
        job=verdict.job,
        media=planned.media.path,
        outcome=verdict.outcome,
        settled=verdict.outcome in DONE and (made is None or made.settled),
        host=last.host if last else None,
        cluster=planned.source.cluster,
        profile=planned.profile.name,
        rule=planned.rule,
        attempt=last.attempt if last else None,
        seconds=last.seconds if last else 0.0,
        source_bytes=planned.media.size_bytes,
        output_bytes=made.output_bytes if made else None,
        output=made.output if made else None,
        reason=verdict.reason,
        notes=made.notes if made else (),
    )


def failed_event(job: int, planned: PlannedJob, reason: str, now: float) -> JobFinished:
    """Says that a planned job has failed before any attempt."""
    return finished_event(FinishJob(job, Outcome.FAILED, reason), planned, now)
