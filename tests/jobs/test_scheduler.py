"""What the scheduler answers to what happens, told as stories. The runs are called ``r``."""

import pytest

from pytranscoder.errors import Fault
from pytranscoder.jobs.actions import FinishJob, StartAttempt, StopAttempt
from pytranscoder.jobs.events import Notice, Outcome
from tests.jobs.samples import CANCEL, encoded, failed, ready, spec, succeeded
from tests.jobs.story import Story, begun, outcomes

NO_QUEUE = "this machine has no queue cuda; give it a number of slots in `queues` of the configuration"


def test_a_ready_job_starts_on_a_free_slot() -> None:
    actions = Story(spec()).tell(ready(1))

    assert actions == [StartAttempt(1, "r-1-1", "local")]


def test_a_second_job_waits_for_the_only_slot() -> None:
    story = Story(spec())

    assert story.tell(ready(1), ready(2)) == []
    assert begun(story.tell(encoded("r-1-1"))) == ["r-2-1"]


def test_a_success_finishes_the_job() -> None:
    story = Story(spec())
    success = succeeded("r-1-1")

    actions = story.tell(ready(1), encoded("r-1-1"), success)

    assert actions == [FinishJob(1, Outcome.ENCODED, None, success)]
    assert story.scheduler.idle


@pytest.mark.parametrize("outcome", [Outcome.ENCODED, Outcome.REJECTED, Outcome.SKIPPED])
def test_the_outcome_is_the_one_of_the_attempt(outcome: Outcome) -> None:
    actions = Story(spec()).tell(ready(1), succeeded("r-1-1", outcome=outcome))

    assert outcomes(actions) == [(1, outcome)]


def test_a_job_whose_queue_no_host_has_fails_at_once() -> None:
    actions = Story(spec()).tell(ready(1, queue="cuda"))

    assert actions == [FinishJob(1, Outcome.FAILED, NO_QUEUE)]


def test_queues_run_side_by_side() -> None:
    story = Story(spec(slots={"default": 1, "cuda": 2}))

    started = [begun(story.tell(ready(job, queue=queue))) for job, queue in enumerate(["cuda"] * 3 + ["default"])]

    assert started == [["r-0-1"], ["r-1-1"], [], ["r-3-1"]]


@pytest.mark.parametrize(
    ("slots", "order"),
    [
        pytest.param({"default": 1}, ["r-2-1", "r-3-1", "r-4-1"], id="one slot: in the given order"),
        pytest.param({"default": 2}, ["r-3-1", "r-2-1", "r-4-1"], id="several slots: longest first"),
    ],
)
def test_the_order_depends_on_the_number_of_slots(slots: dict[str, int], order: list[str]) -> None:
    story = Story(spec(slots=slots))
    blockers = [ready(100 + number, work=99) for number in range(slots["default"])]
    story.tell(*blockers, ready(2, work=5), ready(3, work=9), ready(4, work=1))

    seen = ["r-100-1"]
    while len(seen) <= len(order):
        seen += begun(story.tell(succeeded(seen[-1])))

    assert seen[1:] == order


def test_one_at_a_time_leaves_the_other_queue_alone() -> None:
    story = Story(spec(slots={"default": 1, "cuda": 2}), one_at_a_time=True)

    assert story.tell(ready(1), ready(2, queue="cuda")) == []
    assert begun(story.tell(encoded("r-1-1"))) == ["r-2-1"]


def test_one_at_a_time_keeps_the_given_order() -> None:
    story = Story(spec(slots={"default": 4}), one_at_a_time=True)
    story.tell(ready(1), ready(2, work=1), ready(3, work=9))

    assert begun(story.tell(succeeded("r-1-1"))) == ["r-2-1"]


def test_outputs_that_wait_to_be_published_hold_up_encoding() -> None:
    story = Story(spec())
    story.tell(*[ready(job) for job in (1, 2, 3)])

    assert begun(story.tell(encoded("r-1-1"))) == ["r-2-1"]
    assert begun(story.tell(encoded("r-2-1"))) == []
    assert begun(story.tell(succeeded("r-1-1"))) == ["r-3-1"]


def test_a_fault_of_the_file_is_final_on_the_only_host() -> None:
    failure = failed("r-1-1")

    actions = Story(spec()).tell(ready(1), failure)

    assert actions == [FinishJob(1, Outcome.FAILED, "it broke", failure)]


def test_a_fault_of_the_file_is_tried_once_more_on_another_host() -> None:
    story = Story(spec("a"), spec("b"), spec("c"))
    story.tell(ready(1))

    assert story.tell(failed("r-1-1", "a")) == [StartAttempt(1, "r-1-2", "b")]
    assert outcomes(story.tell(failed("r-1-2", "b"))) == [(1, Outcome.FAILED)]


def test_a_fault_of_the_host_goes_from_host_to_host() -> None:
    story = Story(spec("a"), spec("b"), spec("c"))
    story.tell(ready(1))

    assert story.tell(failed("r-1-1", "a", Fault.HOST)) == [StartAttempt(1, "r-1-2", "b")]
    assert story.tell(failed("r-1-2", "b", Fault.HOST)) == [StartAttempt(1, "r-1-3", "c")]
    assert outcomes(story.tell(failed("r-1-3", "c", Fault.HOST))) == [(1, Outcome.FAILED)]


def test_a_host_may_try_again_when_the_failure_says_so_but_not_for_ever() -> None:
    story = Story(spec())
    story.tell(ready(1))

    for attempt, next_attempt in (("r-1-1", "r-1-2"), ("r-1-2", "r-1-3")):
        assert begun(story.tell(failed(attempt, fault=Fault.HOST, retry_here=True))) == [next_attempt]
    assert outcomes(story.tell(failed("r-1-3", fault=Fault.HOST, retry_here=True))) == [(1, Outcome.FAILED)]


def test_a_lack_of_capacity_takes_a_slot_and_puts_the_job_back_under_a_new_id() -> None:
    story = Story(spec(slots={"default": 2}))
    story.tell(ready(1), ready(2))

    assert story.tell(failed("r-2-1", fault=Fault.HOST, no_capacity=True, retry_here=True)) == []
    assert story.tell(ready(3)) == []
    assert begun(story.tell(succeeded("r-1-1"))) == ["r-2-2"]


def test_lacks_of_capacity_do_not_count_as_tries() -> None:
    story = Story(spec(slots={"default": 4}))
    story.tell(*[ready(job) for job in (1, 2, 3, 4)])
    for attempt in ("r-4-1", "r-3-1"):
        story.tell(failed(attempt, fault=Fault.HOST, no_capacity=True, retry_here=True))

    story.tell(succeeded("r-1-1"), succeeded("r-2-1"))
    actions = story.tell(failed("r-3-2", fault=Fault.HOST, retry_here=True))

    assert [attempt for attempt in begun(actions) if attempt.startswith("r-3")] == ["r-3-3"]


def test_an_encoder_without_any_session_fails_the_job_in_the_end() -> None:
    story = Story(spec())
    story.tell(ready(1))
    lacks = [failed(f"r-1-{number}", fault=Fault.HOST, no_capacity=True, retry_here=True) for number in (1, 2, 3)]

    assert outcomes(story.tell(*lacks)) == [(1, Outcome.FAILED)]


def test_the_result_of_an_attempt_that_is_no_longer_the_jobs_is_thrown_away() -> None:
    story = Story(spec("a"), spec("b"))
    story.tell(ready(1), failed("r-1-1", "a", Fault.HOST))

    assert story.tell(succeeded("r-1-1", "a")) == []
    assert outcomes(story.tell(succeeded("r-1-2", "b"))) == [(1, Outcome.ENCODED)]
    assert story.tell(failed("r-1-2", "b")) == []


def test_cancelling_stops_what_runs_and_cancels_what_waits() -> None:
    story = Story(spec())
    story.tell(ready(1), ready(2))

    actions = story.tell(CANCEL)

    assert actions == [StopAttempt(1, "r-1-1"), FinishJob(2, Outcome.CANCELLED, "interrupted")]


def test_a_stopped_attempt_ends_its_job_as_cancelled() -> None:
    story = Story(spec("a"), spec("b"))
    story.tell(ready(1), CANCEL)

    actions = story.tell(failed("r-1-1", "a", Fault.HOST))

    assert outcomes(actions) == [(1, Outcome.CANCELLED)]


def test_an_attempt_that_was_past_stopping_is_a_success() -> None:
    story = Story(spec())
    story.tell(ready(1), encoded("r-1-1"), CANCEL)

    assert outcomes(story.tell(succeeded("r-1-1"))) == [(1, Outcome.ENCODED)]


def test_a_job_that_is_ready_after_the_cancellation_is_cancelled() -> None:
    actions = Story(spec()).tell(CANCEL, ready(1))

    assert outcomes(actions) == [(1, Outcome.CANCELLED)]


def test_events_that_are_no_matter_of_the_scheduler_lead_to_nothing() -> None:
    assert Story(spec()).tell(Notice(time=0, level="info", text="hello")) == []


def test_a_job_stays_with_the_slots_of_its_host() -> None:
    story = Story(spec("a"), spec("b"))
    actions = [story.tell(ready(1)), story.tell(ready(2))]

    hosts = [action.host for some in actions for action in some if isinstance(action, StartAttempt)]

    assert sorted(hosts) == ["a", "b"]
