import pytest

from pytranscoder.jobs.events import Event, Outcome
from pytranscoder.ui.tally import Tally
from tests.ui.samples import (
    CLUSTER,
    attempt_failed,
    ended,
    finished,
    host_unavailable,
    media,
    progress,
    queued,
    ready,
    started,
    tally_of,
    transfer,
)


def test_jobs_are_known_from_the_moment_they_are_queued() -> None:
    tally = tally_of(queued(1), queued(2), queued(3), ready(2), finished(3, Outcome.SKIPPED))

    assert tally.known == 3


def test_job_that_fails_before_it_was_queued_is_known() -> None:
    assert tally_of(finished(1, Outcome.FAILED)).known == 1


def test_outcomes_are_counted() -> None:
    tally = tally_of(finished(1), finished(2, Outcome.FAILED), finished(3, Outcome.FAILED))

    assert tally.counts == {Outcome.ENCODED: 1, Outcome.FAILED: 2}


def test_bytes_are_those_of_encoded_files_only() -> None:
    tally = tally_of(finished(1), finished(2, Outcome.REJECTED, output_bytes=1))

    assert (tally.source_bytes, tally.output_bytes) == (1_200_000_000, 504_000_000)


def test_running_encode_has_its_latest_progress() -> None:
    tally = tally_of(ready(1), started(1), progress(1, 10.0), progress(1, 20.0))

    assert tally.running[1].media == media(1)
    assert tally.running[1].progress == progress(1, 20.0)


@pytest.mark.parametrize(
    "late",
    [progress(1, 90.0, attempt="earlier"), progress(2, 90.0), ended(2)],
    ids=["of an earlier attempt", "of a job that does not run", "end of a job that does not run"],
)
def test_late_news_changes_nothing(late: Event) -> None:
    tally = tally_of(ready(1), started(1), late)

    assert list(tally.running) == [1]
    assert tally.running[1].progress is None


@pytest.mark.parametrize("last", [finished(1), attempt_failed(1)], ids=["finished", "failed attempt"])
def test_slot_is_left_when_an_attempt_is_over(last: Event) -> None:
    assert not tally_of(ready(1), started(1), last).running


def test_output_is_checked_after_the_encode() -> None:
    tally = tally_of(ready(1), started(1), ended(1))

    assert not tally.running[1].is_encoding


def test_eta_of_an_encode_counts_down_between_its_reports() -> None:
    encode = tally_of(started(1), progress(1, 50.0, time=100.0, eta_s=30.0)).running[1]

    assert [encode.eta_s(100.0), encode.eta_s(110.0), encode.eta_s(200.0)] == [30.0, 20.0, 0.0]


def test_work_left_counts_unprobed_files_with_the_mean() -> None:
    tally = tally_of(queued(1), queued(2), queued(3), ready(1, work=100.0), ready(2, work=300.0))

    assert tally.work_left == 600.0


def test_work_left_sinks_with_progress() -> None:
    tally = tally_of(ready(1, work=100.0), ready(2, work=50.0), started(1), progress(1, 25.0))

    assert tally.work_left == 125.0


def running_ten_seconds(*jobs: int, waiting: int = 0) -> Tally:
    """Each of the jobs has 100 of work, of which ten seconds did 20; one more waits for each of `waiting`."""
    known = [ready(job) for job in (*jobs, *range(50, 50 + waiting))]
    return tally_of(
        *known,
        *(started(job) for job in jobs),
        *(progress(job, 20.0, time=10.0, eta_s=40.0) for job in jobs),
    )


@pytest.mark.parametrize(
    ("tally", "eta_s"),
    [
        (running_ten_seconds(1), 40.0),
        (running_ten_seconds(1, waiting=1), 90.0),
        (running_ten_seconds(1, 2), 40.0),
        (running_ten_seconds(1, 2, waiting=4), 140.0),
    ],
    ids=["one", "one and one waiting", "two side by side", "two with four waiting"],
)
def test_eta_is_work_left_at_the_measured_rate_on_the_slots_in_use(tally: Tally, eta_s: float) -> None:
    assert tally.eta_s(now=10.0) == pytest.approx(eta_s)


def test_eta_is_never_less_than_the_longest_encode_needs() -> None:
    tally = tally_of(ready(1), started(1), progress(1, 20.0, time=10.0, eta_s=500.0))

    assert tally.eta_s(now=60.0) == 450.0


@pytest.mark.parametrize(
    "events",
    [
        [],
        [queued(1), ready(1)],
        [ready(1), started(1), progress(1, 1.0, time=1.0)],
        [ready(1), started(1), progress(1, None, time=60.0)],
    ],
    ids=["nothing", "nothing runs", "only just begun", "no percentage"],
)
def test_eta_is_unknown_until_there_is_something_to_go_on(events: list[Event]) -> None:
    assert tally_of(*events).eta_s(now=60.0) is None


def test_eta_goes_on_between_two_encodes() -> None:
    tally = tally_of(ready(1), ready(2), started(1), finished(1, time=10.0))
    assert tally.eta_s(now=10.0) is None

    tally = tally_of(ready(1), ready(2), started(1), ended(1, time=10.0), finished(1, time=12.0))
    assert tally.eta_s(now=12.0) == pytest.approx(10.0)


def test_clock_that_is_set_back_does_no_harm() -> None:
    tally = tally_of(
        ready(1),
        started(1, time=1000.0),
        progress(1, 10.0, time=1010.0),
        progress(1, 10.0, time=500.0),
        progress(1, 20.0, time=510.0, eta_s=None),
    )

    assert tally.eta_s(now=510.0) == pytest.approx(80.0)


def ten_seconds_on(host: str, job: int, percent: float, cluster: str = CLUSTER) -> list[Event]:
    """A job of 100 of work of which a host did so many percent in its first ten seconds."""
    known = ready(job, cluster=cluster)
    begun = started(job, host=host, cluster=cluster)
    return [known, begun, progress(job, percent, host=host, time=10.0, eta_s=None)]


def waiting(number: int, cluster: str = CLUSTER) -> list[Event]:
    return [ready(100 + job, time=10.0, cluster=cluster) for job in range(number)]


FAST, SLOW = ten_seconds_on("fast", 1, 40.0), ten_seconds_on("slow", 2, 10.0)


@pytest.mark.parametrize(
    ("events", "eta_s"),
    [
        ([*FAST[:2], *SLOW[:2], FAST[2], SLOW[2], *waiting(4)], 110.0),
        ([*FAST[:2], *SLOW[:2], FAST[2], SLOW[2], attempt_failed(1, host="fast", time=10.0)], 190.0),
        ([*FAST, ready(3, time=10.0, cluster=CLUSTER), started(3, host="new", time=10.0, cluster=CLUSTER)], 20.0),
    ],
    ids=["rates add up", "only of hosts at work", "a host that was not measured counts with the mean"],
)
def test_eta_of_a_cluster_is_by_the_rate_of_each_host(events: list[Event], eta_s: float) -> None:
    assert tally_of(*events).eta_s(now=10.0) == pytest.approx(eta_s)


def test_eta_waits_for_the_slower_of_two_clusters() -> None:
    home, work = ten_seconds_on("nas", 1, 20.0, "home"), ten_seconds_on("nas", 2, 50.0, "work")

    tally = tally_of(*home[:2], *work[:2], home[2], work[2], *waiting(3, "work"))

    assert tally.eta_s(now=10.0) == pytest.approx(70.0)


def test_eta_is_unknown_while_all_hosts_of_a_cluster_are_down() -> None:
    lost = [attempt_failed(1, host="fast", time=10.0, cluster=CLUSTER), host_unavailable("fast", time=10.0)]

    assert tally_of(*FAST).eta_s(now=10.0) is not None
    assert tally_of(*FAST, *lost).eta_s(now=10.0) is None


def test_first_upload_is_no_part_of_the_rate_but_waiting_for_a_later_one_is() -> None:
    upload = [ready(1, cluster=CLUSTER), transfer(1, 0), started(1, host="nas", time=90.0, cluster=CLUSTER)]
    encoded = [*upload, ended(1, time=100.0), *waiting(1)]
    later = [transfer(2, 0, time=100.0), progress(9, 1.0, time=110.0)]

    assert tally_of(*encoded).work_left == 100.0
    assert tally_of(*encoded).eta_s(now=100.0) == pytest.approx(10.0)
    assert tally_of(*encoded, *later).eta_s(now=110.0) == pytest.approx(20.0)


def test_attempt_that_takes_over_ends_the_one_before() -> None:
    tally = tally_of(ready(1), started(1), started(1, attempt="a2"), progress(1, 5.0))

    assert tally.running[1].attempt == "a2"
    assert tally.running[1].progress is None
