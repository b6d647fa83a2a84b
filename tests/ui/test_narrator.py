from collections.abc import Sequence

import pytest

from pytranscoder.jobs.events import Event, HostReady, HostUnavailable, JobFinished, Notice, Outcome
from pytranscoder.ui.narrator import SKIPS_TOLD, Narrator, Told, verdict
from tests.ui.samples import attempt_failed, finished, started


def told(*events: Event, verbose: bool = False) -> list[Told]:
    narrator = Narrator(verbose=verbose)
    return [item for event in events for item in narrator.tell(event)]


def texts(items: Sequence[Told]) -> list[str]:
    return [item.text for item in items if isinstance(item, Notice)]


def test_thousands_of_skipped_files_are_not_named() -> None:
    items = told(*(finished(job, Outcome.SKIPPED) for job in range(1000)))

    assert sum(isinstance(item, JobFinished) for item in items) == SKIPS_TOLD
    assert texts(items) == ["more files are skipped; -v names them all"]


def test_skipped_files_are_all_named_when_verbose() -> None:
    assert len(told(*(finished(job, Outcome.SKIPPED) for job in range(1000)), verbose=True)) == 1000


def test_jobs_cancelled_before_they_began_are_not_named() -> None:
    begun, waiting = finished(1, Outcome.CANCELLED), finished(2, Outcome.CANCELLED, attempt=None)

    assert told(begun, waiting) == [begun]


def test_reason_of_a_failed_attempt_is_told_when_it_is_tried_again() -> None:
    items = told(started(1), attempt_failed(1, "host nas: lost"), started(1, attempt="a2"))

    assert texts(items) == ["Film 1.mp4: tried again after: host nas: lost"]


def test_reason_of_the_last_attempt_is_not_told_twice() -> None:
    assert not texts(told(started(1), attempt_failed(1), finished(1, Outcome.FAILED, reason="host nas: lost")))


def test_each_note_of_a_job_is_told_once() -> None:
    items = told(started(1, notes=("no fonts",)), finished(1, notes=("no fonts", "hard links")))

    assert texts(items) == ["Film 1.mp4: no fonts", "Film 1.mp4: hard links"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (started(1), "ffmpeg -i '/films/Film 1.mp4' out.mkv"),
        (attempt_failed(1, detail="line 1\nline 2"), "line 1\nline 2"),
        (
            HostReady(time=0.0, host="local", ffmpeg="/bin/ffmpeg", ffmpeg_version="7.1", slots={"cuda": 2, "qsv": 1}),
            "host local: ffmpeg 7.1 (/bin/ffmpeg), slots: cuda 2, qsv 1",
        ),
        (Notice(time=0.0, level="detail", text="because"), "because"),
    ],
    ids=["command", "failed attempt", "host", "notice"],
)
def test_details_are_told_only_when_verbose(event: Event, text: str) -> None:
    assert texts(told(event, verbose=True)) == [text]
    assert not texts(told(event))


def test_host_that_cannot_work_is_a_warning() -> None:
    (notice,) = told(HostUnavailable(time=5.0, host="nas", reason="no ffmpeg"))

    assert notice == Notice(time=5.0, level="warning", text="host nas: no ffmpeg")


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (finished(1, Outcome.SKIPPED, reason="rule small: height is 480"), "skipped: rule small: height is 480"),
        (
            finished(1, Outcome.SKIPPED, reason="is being encoded by another run"),
            "skipped: is being encoded by another run",
        ),
        (finished(1, Outcome.REJECTED, reason="3 % saved"), "rejected: 3 % saved"),
        (finished(1, Outcome.CANCELLED), "cancelled"),
        (finished(1, Outcome.FAILED, reason="/films/Film 1.mp4: has no video"), "failed: has no video"),
    ],
)
def test_verdict_has_the_reason(job: JobFinished, text: str) -> None:
    assert verdict(job) == text
