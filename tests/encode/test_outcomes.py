from pathlib import Path

import pytest

from pytranscoder.encode.outcomes import Totals
from pytranscoder.jobs.events import JobFinished, Outcome, RunStarted


@pytest.mark.parametrize(
    ("outcome", "interrupted", "no_host"),
    [
        (Outcome.CANCELLED, False, True),
        (Outcome.CANCELLED, True, False),
        (Outcome.FAILED, False, False),
    ],
    ids=["given up", "interrupted", "failed"],
)
def test_run_whose_jobs_were_given_up_had_no_host_though_one_came_later(
    outcome: Outcome, interrupted: bool, no_host: bool
) -> None:
    totals = Totals()
    totals.add(JobFinished(time=0, job=1, media=Path("/a.mkv"), outcome=outcome, settled=False, source_bytes=1))

    run = totals.finished(
        RunStarted(time=0, run="r1", version="1", dry_run=False), 1, interrupted=interrupted, no_host=False
    )

    assert run.no_host is no_host
