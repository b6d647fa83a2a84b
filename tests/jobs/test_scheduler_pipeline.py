"""Hosts to which media is copied: one job for each slot is staged ahead, told as stories."""

from dataclasses import replace

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import Outcome
from tests.jobs.samples import (
    GB,
    down,
    encoded,
    failed,
    progressed,
    ready,
    spec,
    staged,
    started,
    succeeded,
    up,
    uploaded,
)
from tests.jobs.story import Story, begun, outcomes, rests, slotted, stopped

NAS = spec("nas", cluster="home", copies=True)
MAC = spec("mac", cluster="home", copies=True)


def test_a_slot_is_given_when_the_media_is_there() -> None:
    story = Story(NAS)

    assert begun(story.tell(ready(1, cluster="home"))) == ["r-1-1@nas"]
    assert slotted(story.tell(staged("r-1-1", "nas"))) == ["r-1-1"]


def test_one_job_is_staged_while_another_encodes() -> None:
    story = Story(NAS)
    story.tell(*[ready(job, cluster="home") for job in (1, 2, 3)])

    assert begun(story.tell(staged("r-1-1", "nas"))) == ["r-2-1@nas"]
    assert story.tell(staged("r-2-1", "nas")) == []
    actions = story.tell(encoded("r-1-1", "nas"))

    assert (slotted(actions), begun(actions)) == (["r-2-1"], ["r-3-1@nas"])


def test_as_much_is_staged_ahead_as_there_are_slots() -> None:
    story = Story(spec("nas", {"default": 2}, cluster="home", copies=True))

    started = [begun(story.tell(ready(job, cluster="home"))) for job in (1, 2, 3)]

    assert started == [["r-1-1@nas"], ["r-2-1@nas"], []]


def test_what_was_staged_first_gets_the_slot() -> None:
    story = Story(spec("nas", {"default": 2}, cluster="home", copies=True))
    story.tell(*[ready(job, cluster="home") for job in (1, 2, 3, 4)])
    story.tell(*[staged(f"r-{job}-1", "nas") for job in (1, 2, 4, 3)])

    assert slotted(story.tell(encoded("r-2-1", "nas"))) == ["r-4-1"]


def test_a_slow_fetch_holds_up_encoding() -> None:
    story = Story(NAS)
    story.tell(*[ready(job, cluster="home") for job in (1, 2, 3)], staged("r-1-1", "nas"), encoded("r-1-1", "nas"))
    story.tell(staged("r-2-1", "nas"), encoded("r-2-1", "nas"))

    assert slotted(story.tell(staged("r-3-1", "nas"))) == []
    assert slotted(story.tell(succeeded("r-1-1", "nas"))) == ["r-3-1"]


def test_one_at_a_time_stages_one_ahead() -> None:
    story = Story(spec("nas", {"default": 2}, cluster="home", copies=True), one_at_a_time=True)
    story.tell(*[ready(job, cluster="home") for job in (1, 2, 3)])

    assert begun(story.tell(staged("r-1-1", "nas"))) == ["r-2-1@nas"]
    assert story.tell(staged("r-2-1", "nas")) == []


def test_what_is_staged_has_the_slot_of_a_shared_machine_before_what_is_not() -> None:
    story = Story(spec("pc", cluster="a", machine="pc", copies=True), spec("pc", cluster="b", machine="pc"))
    story.tell(ready(1, cluster="a"), ready(2, cluster="b"), ready(3, cluster="b"), staged("r-1-1", "pc"))

    actions = story.tell(encoded("r-2-1", "pc"))

    assert (slotted(actions), begun(actions)) == (["r-1-1"], [])


def test_what_waits_on_a_lost_host_is_recalled_and_goes_elsewhere() -> None:
    story = Story(NAS, MAC)
    story.tell(ready(1, cluster="home"))

    assert stopped(story.tell(down(NAS))) == ["r-1-1"]
    assert begun(story.tell(failed("r-1-1", "nas", Fault.HOST))) == ["r-1-2@mac"]


def test_an_upload_to_a_lost_host_may_go_on_when_nobody_else_could_do_the_job() -> None:
    story = Story(NAS)
    story.tell(ready(1, cluster="home"))

    assert story.tell(down(NAS)) == []
    assert slotted(story.tell(up(NAS), staged("r-1-1", "nas"))) == ["r-1-1"]


def test_to_be_recalled_does_not_count_as_a_try() -> None:
    story = Story(NAS, MAC)
    story.tell(ready(1, cluster="home"))

    assert begun(story.tell(down(NAS), failed("r-1-1", "nas", Fault.HOST))) == ["r-1-2@mac"]
    assert begun(story.tell(up(NAS), down(MAC), failed("r-1-2", "mac", Fault.HOST))) == ["r-1-3@nas"]
    assert begun(story.tell(up(MAC), down(NAS), failed("r-1-3", "nas", Fault.HOST))) == ["r-1-4@mac"]


def test_media_that_arrives_after_the_recall_gets_no_slot() -> None:
    story = Story(NAS, MAC)
    story.tell(ready(1, cluster="home"), down(NAS), up(NAS))

    assert story.tell(staged("r-1-1", "nas")) == []


def test_what_is_staged_on_a_resting_host_begins_when_it_is_back() -> None:
    story = Story(NAS)
    story.tell(ready(1, cluster="home"), ready(2, cluster="home"), staged("r-1-1", "nas"), staged("r-2-1", "nas"))

    actions = story.tell(failed("r-1-1", "nas", Fault.HOST, retry_here=True))

    assert (rests(actions), slotted(actions)) == ([("nas", 10)], [])
    assert story.tell(replace(down(NAS, time=1), rests=True)) == []
    assert slotted(story.tell(up(NAS, time=13))) == ["r-2-1"]


def test_what_is_staged_on_a_host_that_does_not_come_back_from_its_rest_is_given_up_there() -> None:
    story = Story(NAS)
    story.tell(ready(1, cluster="home"), ready(2, cluster="home"), staged("r-1-1", "nas"), staged("r-2-1", "nas"))
    story.tell(failed("r-1-1", "nas", Fault.HOST, retry_here=True), replace(down(NAS, time=1), rests=True))

    assert stopped(story.tell(down(NAS, time=13))) == ["r-2-1"]


def test_a_failed_upload_is_a_fault_of_the_host() -> None:
    story = Story(NAS, MAC)
    story.tell(ready(1, cluster="home"))

    actions = story.tell(failed("r-1-1", "nas", Fault.HOST, retry_here=True))

    assert (rests(actions), begun(actions)) == ([("nas", 10)], ["r-1-2@mac"])


def test_a_job_that_waits_behind_a_long_encode_is_recalled_for_an_idle_host() -> None:
    story = Story(NAS, MAC)
    story.tell(*[ready(job, cluster="home", work=100) for job in (1, 2, 3)])
    story.tell(staged("r-1-1", "nas"), started("r-1-1", time=1), staged("r-2-1", "mac"), started("r-2-1", 2, time=1))
    story.tell(staged("r-3-1", "nas"), progressed("r-1-1", 10, time=101), encoded("r-2-1", "mac", time=102))

    assert stopped(story.tell(progressed("r-1-1", 11, time=111))) == ["r-3-1"]
    assert begun(story.tell(failed("r-3-1", "nas", Fault.HOST, time=112))) == ["r-3-2@mac"]


def test_a_host_that_joins_late_gets_at_once_what_waits_behind_another() -> None:
    story = Story(NAS, MAC, pending=True)
    story.tell(up(NAS), *[ready(job, cluster="home", work=100) for job in (1, 2)])
    story.tell(
        staged("r-1-1", "nas"), started("r-1-1", time=1), staged("r-2-1", "nas"), progressed("r-1-1", 10, time=2)
    )

    assert stopped(story.tell(replace(up(MAC), time=3))) == ["r-2-1"]


def test_it_gets_that_as_soon_as_the_end_of_an_encode_is_foreseen() -> None:
    story = Story(NAS, MAC, pending=True)
    story.tell(up(NAS), *[ready(job, cluster="home", work=100) for job in (1, 2)])
    story.tell(staged("r-1-1", "nas"), started("r-1-1", time=1), staged("r-2-1", "nas"), replace(up(MAC), time=2))

    assert stopped(story.tell(progressed("r-1-1", 10, time=3))) == ["r-2-1"]


def test_a_job_is_recalled_once_at_most() -> None:
    story = Story(NAS, MAC)
    story.tell(*[ready(job, cluster="home", work=100) for job in (1, 2, 3)])
    story.tell(staged("r-1-1", "nas"), started("r-1-1", time=1), staged("r-2-1", "mac"), started("r-2-1", 2, time=1))
    story.tell(staged("r-3-1", "nas"), progressed("r-1-1", 10, time=101), encoded("r-2-1", "mac", time=102))
    story.tell(progressed("r-1-1", 11, time=111), failed("r-3-1", "nas", Fault.HOST, time=112))

    assert stopped(story.tell(progressed("r-1-1", 99, time=200), progressed("r-1-1", 99, time=300))) == []


def test_a_slow_link_counts_against_a_host() -> None:
    here = spec("here", cluster="home")
    story = Story(NAS, here)
    story.tell(ready(1, cluster="home", work=10), ready(2, cluster="home", work=10))
    story.tell(uploaded("r-1-1", GB, GB / 1000), staged("r-1-1", "nas"), started("r-1-1", time=1))
    story.tell(started("r-2-1", 2, time=1), encoded("r-1-1", "nas", time=11), succeeded("r-1-1", "nas", time=11))
    story.tell(progressed("r-2-1", 50, time=12))

    assert begun(story.tell(ready(3, cluster="home", work=10, time=13))) == []
    assert begun(story.tell(succeeded("r-2-1", "here", time=23))) == ["r-3-1@here"]


def test_a_first_upload_that_crawls_is_recalled_for_an_idle_host() -> None:
    story = Story(NAS, spec("here", cluster="home"))
    story.tell(ready(1, cluster="home", work=10), ready(2, cluster="home", work=10))
    story.tell(started("r-2-1", 2, time=1), encoded("r-2-1", "here", time=11), succeeded("r-2-1", "here", time=11))

    assert stopped(story.tell(uploaded("r-1-1", GB // 10, GB / 10_000, time=20))) == ["r-1-1"]
    assert begun(story.tell(failed("r-1-1", "nas", Fault.HOST, time=21))) == ["r-1-2@here"]


def test_an_attempt_that_is_recalled_too_late_is_a_success() -> None:
    story = Story(NAS)
    story.tell(ready(1, cluster="home"), down(NAS))

    assert outcomes(story.tell(succeeded("r-1-1", "nas", Outcome.SKIPPED))) == [(1, Outcome.SKIPPED)]
