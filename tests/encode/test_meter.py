from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytranscoder.encode.meter import Meter
from pytranscoder.jobs.events import Direction, Event, Transfer

BEGUN = Transfer(
    time=100.0,
    job=1,
    attempt="r-1-1",
    media=Path("/films/Film.mkv"),
    host="nas",
    cluster="home",
    direction=Direction.UPLOAD,
    done_bytes=0,
    total_bytes=1000,
)


def told(*reports: tuple[float, int], finish: float | None = None) -> list[Event]:
    """The events of a copy of which so many bytes were done at these times."""
    events: list[Event] = []
    times: Iterator[float] = iter([time for time, _ in reports] + ([] if finish is None else [finish]))
    meter = Meter(BEGUN, events.append, lambda: next(times))
    for _, done in reports:
        meter.report(done)
    if finish is not None:
        meter.finish()
    return events


def test_copy_begins_with_nothing_and_ends_with_all() -> None:
    assert told(finish=104.0) == [BEGUN, replace(BEGUN, time=104.0, done_bytes=1000, bytes_per_s=250.0, eta_s=0.0)]


def test_rate_and_time_to_go_are_told() -> None:
    assert told((102.0, 200))[1] == replace(BEGUN, time=102.0, done_bytes=200, bytes_per_s=100.0, eta_s=8.0)


@pytest.mark.parametrize(
    ("reports", "count"),
    [
        pytest.param([(100.1, 1), (100.5, 2), (100.9, 3)], 0, id="within a second"),
        pytest.param([(101.0, 1), (101.5, 2), (102.1, 3)], 2, id="one a second"),
        pytest.param([(101.0, 1000)], 0, id="all is told at the end"),
        pytest.param([(40.0, 1), (41.0, 2)], 2, id="clock set back"),
    ],
)
def test_events_come_at_a_pace(reports: list[tuple[float, int]], count: int) -> None:
    assert len(told(*reports)) == 1 + count


def test_rate_is_that_of_the_last_seconds() -> None:
    slow = [(100.0 + n, n) for n in range(1, 11)]
    fast = [(110.0 + n, 10 + 100 * n) for n in range(1, 7)]

    last = told(*slow, *fast)[-1]

    assert isinstance(last, Transfer)
    assert last.bytes_per_s == pytest.approx(100.0)


@pytest.mark.parametrize("reports", [[(101.0, 0)], [(101.0, 500), (102.0, 100)]], ids=["none yet", "begun anew"])
def test_rate_that_is_not_known_is_not_told(reports: list[tuple[float, int]]) -> None:
    last = told(*reports)[-1]

    assert isinstance(last, Transfer)
    assert last.bytes_per_s is None or last.bytes_per_s > 0
