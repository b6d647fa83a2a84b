from collections.abc import Sequence

import pytest

from pytranscoder.jobs.events import (
    CancelRequested,
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    Notice,
    Outcome,
    RunStarted,
)
from pytranscoder.ui.narrator import SKIPS_TOLD, Narrator, Told, verdict
from tests.ui.samples import (
    CLUSTER,
    attempt_failed,
    finished,
    host_ready,
    host_unavailable,
    started,
    transfer,
)


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
        (
            host_ready("nas", free_bytes=120_300_000_000),
            "host nas: streaming, ffmpeg 7.1 (/usr/bin/ffmpeg), slots: cuda 2, default 1, 120.3 GB free",
        ),
        (Notice(time=0.0, level="detail", text="because"), "because"),
    ],
    ids=["command", "failed attempt", "host", "host of a cluster", "notice"],
)
def test_details_are_told_only_when_verbose(event: Event, text: str) -> None:
    assert texts(told(event, verbose=True)) == [text]
    assert not texts(told(event))


def test_host_that_cannot_work_is_a_warning() -> None:
    (notice,) = told(HostUnavailable(time=5.0, host="nas", reason="no ffmpeg"))

    assert notice == Notice(time=5.0, level="warning", text="host nas: no ffmpeg")


@pytest.mark.parametrize(
    ("retry_in_s", "when"), [(60.0, "tried again in 0:01:00"), (None, "not tried again")], ids=["again", "never"]
)
def test_host_of_a_cluster_is_told_with_when_it_is_tried_again(retry_in_s: float | None, when: str) -> None:
    assert texts(told(host_unavailable("nas", retry_in_s=retry_in_s))) == [f"host nas: connection refused ({when})"]


def test_no_further_try_is_promised_when_the_last_host_of_a_cluster_cannot_be_used() -> None:
    run = RunStarted(time=0, run="r", version="1", hosts=((CLUSTER, "nas"), (CLUSTER, "mac")))

    items = told(run, host_unavailable("nas"), host_unavailable("mac"))

    assert texts(items) == [
        "host nas: connection refused (tried again in 0:01:00)",
        "host mac: connection refused",
    ]


def test_host_that_was_lost_is_tried_again_also_when_it_is_the_only_one() -> None:
    run = RunStarted(time=0, run="r", version="1", hosts=((CLUSTER, "nas"),))

    *_, last = texts(told(run, host_ready("nas"), host_unavailable("nas")))

    assert last == "host nas: connection refused (tried again in 0:01:00)"


def test_what_stands_against_a_host_is_told_once_until_it_changes() -> None:
    reasons = ["refused", "refused", "refused", "timed out", "timed out", "refused"]

    items = told(*(host_unavailable("nas", reason, retry_in_s=None) for reason in reasons))

    assert [text.split()[2] for text in texts(items)] == ["refused", "timed", "refused"]


def test_host_that_works_again_is_back() -> None:
    items = told(host_ready("nas"), host_unavailable("nas"), host_ready("nas"), host_ready("nas"))

    assert texts(items)[1:] == ["host nas is back"]


def test_same_trouble_is_told_again_when_the_host_was_back() -> None:
    assert len(texts(told(host_unavailable("nas"), host_ready("nas"), host_unavailable("nas")))) == 3


@pytest.mark.parametrize(
    ("reason", "after"),
    [
        ("ffmpeg exited with status 1", "nas: ffmpeg exited with status 1"),
        ("host nas: connection lost", "host nas: connection lost"),
    ],
    ids=["of the file", "of the host"],
)
@pytest.mark.parametrize(
    "again", [started(1, host="mac", cluster=CLUSTER), transfer(1, 0, host="mac")], ids=["encode", "upload"]
)
def test_second_attempt_in_a_cluster_says_where_the_first_was(reason: str, after: str, again: Event) -> None:
    items = told(attempt_failed(1, reason, cluster=CLUSTER), again)

    assert texts(items) == [f"Film 1.mp4: tried again on mac after: {after}"]


def test_job_that_is_moved_to_another_host_has_not_failed() -> None:
    items = told(attempt_failed(1, "stopped", stopped=True, cluster=CLUSTER), started(1, host="mac", cluster=CLUSTER))

    assert texts(items) == ["Film 1.mp4: given to mac instead of nas"]


def test_job_that_waited_on_a_host_which_is_back_is_no_news() -> None:
    items = told(attempt_failed(1, "stopped", stopped=True, cluster=CLUSTER), transfer(1, 0, host="nas"))

    assert texts(items) == []


def test_stopping_is_told() -> None:
    assert texts(told(CancelRequested(time=1.0))) == ["stopping"]


@pytest.mark.parametrize(
    ("reason", "text"),
    [("has no video", "failed on nas: has no video"), ("host nas: disk is full", "failed: host nas: disk is full")],
)
def test_verdict_names_the_host_once(reason: str, text: str) -> None:
    assert verdict(finished(1, Outcome.FAILED, reason=reason), "nas") == text


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
