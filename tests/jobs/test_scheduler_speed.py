"""Hosts of different speed: a job goes where it ends earliest, told as stories."""

from tests.jobs.samples import down, encoded, progressed, ready, spec, started, succeeded
from tests.jobs.story import Story, begun

FAST = spec("fast", cluster="home")
SLOW = spec("slow", cluster="home")


def race(*, slowness: float = 4.0) -> Story:
    """Each host has done a job of 100: the fast one in 100 s, the slow one in so many times as long."""
    story = Story(FAST, SLOW)
    story.tell(ready(1, cluster="home", work=100), ready(2, cluster="home", work=100))
    story.tell(started("r-1-1", 1, time=0), started("r-2-1", 2, time=0))
    story.tell(encoded("r-1-1", "fast", time=100), succeeded("r-1-1", "fast", time=100))
    end = 100 * slowness
    story.tell(encoded("r-2-1", "slow", time=end), succeeded("r-2-1", "slow", time=end))
    return story


def test_hosts_that_are_new_all_get_a_job() -> None:
    story = Story(FAST, SLOW)

    assert begun(story.tell(ready(1, cluster="home"))) == ["r-1-1@fast"]
    assert begun(story.tell(ready(2, cluster="home"))) == ["r-2-1@slow"]


def test_the_faster_of_two_idle_hosts_is_taken() -> None:
    story = race(slowness=0.25)

    assert begun(story.tell(ready(3, cluster="home", work=100, time=500))) == ["r-3-1@slow"]


def test_a_slow_host_stays_idle_rather_than_end_last() -> None:
    story = race()

    assert begun(story.tell(ready(3, cluster="home", work=100, time=500))) == ["r-3-1@fast"]
    assert begun(story.tell(ready(4, cluster="home", work=100, time=500))) == []
    assert begun(story.tell(encoded("r-3-1", "fast", time=600))) == ["r-4-1@fast"]


def test_a_slow_host_takes_what_it_ends_earlier_than_the_busy_fast_one() -> None:
    story = race()
    story.tell(ready(3, cluster="home", work=100, time=500))

    assert begun(story.tell(ready(4, cluster="home", work=20, time=500))) == ["r-4-1@slow"]


def test_jobs_ahead_of_one_count_when_it_waits_for_the_fast_host() -> None:
    story = race()
    story.tell(*[ready(number, cluster="home", work=100, time=500) for number in (3, 4, 5, 6)])

    assert begun(story.tell(ready(7, cluster="home", work=100, time=500))) == ["r-7-1@slow"]


def test_the_slow_host_is_taken_when_the_fast_one_goes_away() -> None:
    story = race()
    story.tell(*[ready(number, cluster="home", work=100, time=500) for number in (3, 4)])

    assert begun(story.tell(down(FAST, time=510))) == ["r-4-1@slow"]


def test_the_slow_host_is_taken_when_the_fast_one_turns_out_to_be_slow() -> None:
    story = race()
    story.tell(*[ready(number, cluster="home", work=100, time=500) for number in (3, 4)])
    story.tell(started("r-3-1", 3, time=500))

    assert begun(story.tell(progressed("r-3-1", 6, time=590))) == ["r-4-1@slow"]


def test_a_first_encode_tells_its_speed_before_it_has_ended() -> None:
    story = Story(FAST, SLOW)
    story.tell(*[ready(number, cluster="home", work=100) for number in (1, 2)])
    story.tell(started("r-1-1", 1, time=0), started("r-2-1", 2, time=0), progressed("r-2-1", 10, time=90))
    story.tell(encoded("r-1-1", "fast", time=100), succeeded("r-1-1", "fast", time=100), ready(3, cluster="home"))

    assert begun(story.tell(ready(4, cluster="home", work=1, time=100))) == []
