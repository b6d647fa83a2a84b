"""The limiter and the window: no clock, no waiting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.hosts.rate import (
    CATCH_UP_S,
    LEAST_WINDOW_BYTES,
    MOST_RESERVE_BYTES,
    MOST_WINDOW_BYTES,
    Limiter,
    Window,
)

MB = 1_000_000


@pytest.mark.parametrize(
    ("asked", "delays"),
    [
        pytest.param([(100, 0.0)], [0.0], id="the first goes at once"),
        pytest.param([(100, 0.0), (100, 0.0), (100, 0.0)], [0.0, 0.9, 1.9], id="the others wait for those before"),
        pytest.param([(100, 0.0), (100, 1.0)], [0.0, 0.0], id="who comes later has waited already"),
        pytest.param([(100, 0.0), (100, 0.95)], [0.0, 0.0], id="a little may be caught up with"),
        pytest.param([(100, 0.0), (100, 9.0), (100, 9.0)], [0.0, 0.0, 0.9], id="a long pause is not"),
        pytest.param([(500, 0.0), (1, 1.0)], [0.0, 3.9], id="a large one counts for its size"),
        pytest.param([(0, 0.0), (0, 0.0)], [0.0, 0.0], id="nothing takes no time"),
    ],
)
def test_bytes_wait_for_those_before_them(asked: list[tuple[int, float]], delays: list[float]) -> None:
    limiter = Limiter(100.0)

    assert [limiter.delay_s(count, now) for count, now in asked] == pytest.approx(delays)


def test_without_a_limit_nothing_waits() -> None:
    limiter = Limiter(None)

    assert [limiter.delay_s(10**12, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 2)), min_size=1))
def test_the_rate_is_kept_whatever_is_asked(asked: list[tuple[int, float]]) -> None:
    limiter, now, moved = Limiter(1000.0), 0.0, 0

    for count, pause_s in asked:
        now += pause_s
        moves_at = now + limiter.delay_s(count, now)
        assert moved <= 1000.0 * (moves_at + CATCH_UP_S) + 1e-6
        moved += count


@pytest.mark.parametrize(
    ("bytes_per_s", "round_trip_s", "expected"),
    [
        pytest.param(0.03 * MB, 0.01, LEAST_WINDOW_BYTES, id="very slow link"),
        pytest.param(2 * MB, 0.0, 2 * MB, id="slow link: a second"),
        pytest.param(300 * MB, 0.0, MOST_RESERVE_BYTES, id="fast link without delay"),
        pytest.param(100 * MB, 0.02, MOST_RESERVE_BYTES + 4 * MB, id="fast link with delay: two round trips"),
        pytest.param(400 * MB, 0.1, MOST_WINDOW_BYTES, id="very fast link with much delay"),
        pytest.param(3 * MB, 9.0, 6 * MB, id="a round trip that is a disk waking up"),
    ],
)
def test_the_window_fits_the_link(bytes_per_s: float, round_trip_s: float, expected: int) -> None:
    window = Window(round_trip_s, now=0.0)

    for second in range(1, 15):
        window.arrived(int(bytes_per_s), now=float(second))

    assert window.size_bytes == pytest.approx(expected, rel=0.001)


def test_the_window_begins_small() -> None:
    assert Window(0.1, now=0.0).size_bytes == LEAST_WINDOW_BYTES


def test_first_bytes_that_only_fill_a_buffer_do_not_open_the_window_wide() -> None:
    window = Window(0.01, now=0.0)
    window.arrived(32_000, now=0.03)  # a MB/s, as it seems

    for tick in range(1, 20):
        window.arrived(10_000, now=0.03 + tick * 0.25)

    assert window.size_bytes == LEAST_WINDOW_BYTES


def test_the_window_is_open_within_a_fifth_of_a_second_on_a_fast_link() -> None:
    window, now = Window(0.0005, now=0.0), 0.0

    while now < 0.2:
        now += 0.005
        window.arrived(500_000, now)

    assert window.size_bytes >= MOST_RESERVE_BYTES


def test_the_window_grows_to_a_megabyte_on_a_line_that_others_have_filled() -> None:
    window, now = Window(2.0, now=0.0), 0.0

    for _ in range(20):
        now += 2.0
        window.arrived(window.size_bytes, now)

    assert window.size_bytes >= 1 << 20


@pytest.mark.parametrize("round_trip_s", [0.001, 0.02, 0.2, 0.5])
def test_the_window_grows_until_a_link_with_delay_is_full(round_trip_s: float) -> None:
    window, link_bytes_per_s, now = Window(round_trip_s, now=0.0), 20 * MB, 0.0

    for _ in range(100):
        now += 0.5
        window.arrived(int(min(link_bytes_per_s, window.size_bytes / round_trip_s) * 0.5), now)

    assert window.size_bytes >= link_bytes_per_s * round_trip_s
