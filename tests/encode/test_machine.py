import pytest

from pytranscoder.encode.machine import Machine


@pytest.mark.parametrize(
    ("bandwidths", "expected_s"),
    [([None, None], 0.0), ([50.0, None], 2.0), ([None, 50.0, 100.0], 2.0)],
    ids=["no limit", "one limit", "smallest limit"],
)
def test_hosts_that_are_one_machine_share_the_smallest_bandwidth(
    bandwidths: list[float | None], expected_s: float
) -> None:
    up, _ = Machine(bandwidths).limiters

    up.delay_s(100, now=1000.0)

    assert up.delay_s(1, now=1000.0) == pytest.approx(expected_s, abs=0.11)


def test_directions_do_not_share_a_bandwidth() -> None:
    up, down = Machine([50.0]).limiters

    up.delay_s(100, now=1000.0)

    assert down.delay_s(1, now=1000.0) == 0.0


def test_a_directory_has_one_account() -> None:
    machine = Machine([None])

    assert machine.loans("/work/run") is machine.loans("/work/run")
    assert machine.loans("/work/run") is not machine.loans("/other/run")
