"""What follows from faults in a cluster: rests, other hosts, and failures in the end, told as stories."""

import pytest

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import AttemptFailed, Outcome
from pytranscoder.jobs.hostspec import HostSpec
from tests.jobs.samples import CANCEL, down, failed, ready, spec, succeeded, up
from tests.jobs.story import Story, begun, outcomes, reasons, rests, stopped

NAS = spec("nas", cluster="home")
MAC = spec("mac", cluster="home")


def lost(attempt: str, host: str = "nas", *, time: float = 3) -> AttemptFailed:
    return failed(attempt, host, Fault.HOST, retry_here=True, time=time)


def story_of(jobs: int, *specs: HostSpec) -> Story:
    """Jobs 1, 2 and so on, the longest first, in cluster home."""
    story = Story(*specs)
    story.tell(*[ready(number, cluster="home", work=100 - number) for number in range(1, jobs + 1)])
    return story


def test_a_final_failure_is_not_tried_again() -> None:
    story = story_of(1, NAS, MAC)

    assert outcomes(story.tell(failed("r-1-1", "nas", Fault.HOST, retry_here=True, final=True))) == [
        (1, Outcome.FAILED)
    ]


def test_a_host_that_fails_rests_and_the_others_take_its_job() -> None:
    story = story_of(1, NAS, MAC)

    actions = story.tell(lost("r-1-1"))

    assert (rests(actions), begun(actions)) == ([("nas", 10)], ["r-1-2@mac"])


def test_a_job_comes_back_to_its_only_host_after_the_rest() -> None:
    story = story_of(1, NAS)

    assert begun(story.tell(lost("r-1-1"))) == []
    assert begun(story.tell(up(NAS, time=13))) == ["r-1-2@nas"]


def test_the_pauses_of_a_host_double_up_to_ten_minutes() -> None:
    story = story_of(20, NAS)
    running, pauses = "r-1-1", []
    for _ in range(9):
        pauses += rests(story.tell(lost(running)))
        running = begun(story.tell(up(NAS)))[0].partition("@")[0]

    assert [pause for _, pause in pauses] == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_a_success_forgets_earlier_failures() -> None:
    story = story_of(3, NAS)
    story.tell(lost("r-1-1"), up(NAS), succeeded("r-1-2", "nas"))

    assert rests(story.tell(lost("r-2-1"))) == [("nas", 10)]


def test_one_cut_cable_is_one_rest() -> None:
    story = story_of(2, spec("nas", {"default": 2}, cluster="home"))

    assert rests(story.tell(lost("r-1-1"))) == [("nas", 10)]
    assert rests(story.tell(lost("r-2-1"))) == []


def test_a_host_that_is_known_to_be_away_does_not_rest_besides() -> None:
    story = story_of(1, NAS, MAC)
    story.tell(down(NAS))

    assert rests(story.tell(lost("r-1-1"))) == []


def test_a_host_does_not_rest_after_the_cancellation() -> None:
    story = story_of(1, NAS, MAC)
    story.tell(CANCEL)

    assert rests(story.tell(lost("r-1-1"))) == []


def test_this_machine_never_rests() -> None:
    story = Story(spec())
    story.tell(ready(1))

    actions = story.tell(lost("r-1-1", "local"))

    assert (rests(actions), begun(actions)) == ([], ["r-1-2"])


def test_a_job_that_strands_on_a_resting_host_waits_for_it() -> None:
    story = Story(NAS, MAC, patience_s=100)
    story.tell(ready(1, cluster="home"), ready(2, cluster="home"), down(MAC), lost("r-1-1"))

    assert story.tell(down(MAC, time=500)) == []


def test_a_host_in_trouble_gets_its_job_back_after_the_rest_when_there_is_no_other() -> None:
    story = story_of(1, NAS)

    actions = story.tell(failed("r-1-1", "nas", Fault.HOST))

    assert (rests(actions), begun(actions), outcomes(actions)) == ([("nas", 10)], [], [])
    assert begun(story.tell(up(NAS, time=13))) == ["r-1-2@nas"]


def test_a_host_in_trouble_does_not_get_its_job_back_while_another_may_take_it() -> None:
    story = story_of(2, NAS, MAC)
    story.tell(failed("r-1-1", "nas", Fault.HOST))

    assert begun(story.tell(up(NAS, time=13))) == []
    assert begun(story.tell(succeeded("r-2-1", "mac"))) == ["r-1-2@mac"]


def test_a_host_in_trouble_gets_its_job_back_when_the_other_is_lost() -> None:
    story = story_of(2, NAS, MAC)
    story.tell(failed("r-1-1", "nas", Fault.HOST), up(NAS, time=13))

    assert begun(story.tell(down(MAC, time=14))) == ["r-1-2@nas"]


def test_hosts_in_trouble_get_a_job_back_up_to_three_attempts_in_all() -> None:
    story = story_of(1, NAS, MAC)
    story.tell(failed("r-1-1", "nas", Fault.HOST), failed("r-1-2", "mac", Fault.HOST))

    assert begun(story.tell(up(MAC, time=13))) == ["r-1-3@mac"]
    assert outcomes(story.tell(failed("r-1-3", "mac", Fault.HOST))) == [(1, Outcome.FAILED)]


def test_a_file_that_failed_on_a_host_does_not_come_back_with_those_in_trouble() -> None:
    story = story_of(1, NAS, MAC)
    story.tell(failed("r-1-1", "nas"), failed("r-1-2", "mac", Fault.HOST))

    assert begun(story.tell(up(NAS, time=13))) == []
    assert begun(story.tell(up(MAC, time=13))) == ["r-1-3@mac"]


def test_a_film_that_fits_only_on_the_last_of_many_hosts_is_encoded_there() -> None:
    hosts = [spec(name, cluster="home") for name in ("a", "b", "c", "d")]
    story = story_of(1, *hosts)

    tries = [story.tell(failed(f"r-1-{n}", name, Fault.HOST, unfit=True)) for n, name in enumerate("abc", start=1)]

    assert [begun(actions) for actions in tries] == [["r-1-2@b"], ["r-1-3@c"], ["r-1-4@d"]]
    assert [rests(actions) for actions in tries] == [[], [], []]


def test_when_patience_is_over_a_host_that_has_no_room_is_named() -> None:
    story = Story(NAS, MAC, patience_s=100)
    story.tell(down(MAC), ready(1, cluster="home"), failed("r-1-1", "nas", Fault.HOST, unfit=True))

    assert reasons(story.tell(down(MAC, time=200))) == ["it broke"]


def test_a_film_that_fits_nowhere_fails_and_the_next_one_begins() -> None:
    story = story_of(2, NAS)

    actions = story.tell(failed("r-1-1", "nas", Fault.HOST, unfit=True))

    assert (outcomes(actions), begun(actions)) == ([(1, Outcome.FAILED)], ["r-2-1@nas"])


def test_this_machine_alone_does_not_try_again_what_it_cannot_do() -> None:
    story = Story(spec())
    story.tell(ready(1))

    assert outcomes(story.tell(failed("r-1-1", "local", Fault.HOST))) == [(1, Outcome.FAILED)]


@pytest.mark.parametrize("fault", list(Fault))
def test_a_job_waits_for_another_host_that_is_away(fault: Fault) -> None:
    story = Story(NAS, MAC, patience_s=100)
    story.tell(down(MAC), ready(1, cluster="home"))

    assert outcomes(story.tell(failed("r-1-1", "nas", fault))) == []
    assert begun(story.tell(up(MAC, time=60))) == ["r-1-2@mac"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault.FILE, "it broke", id="the file has been seen to fail"),
        pytest.param(
            Fault.HOST,
            "no usable host: nas: connection refused | mac: connection refused",
            id="nothing is known of the file",
        ),
    ],
)
def test_when_patience_is_over_the_reason_is_what_is_known(fault: Fault, reason: str) -> None:
    story = Story(NAS, MAC, patience_s=100)
    story.tell(down(MAC), ready(1, cluster="home"), failed("r-1-1", "nas", fault), down(NAS))

    assert reasons(story.tell(down(MAC, time=200))) == [reason]


def test_a_fault_of_the_file_is_final_when_no_other_host_may_ever_run_it() -> None:
    other = spec("gpu", {"cuda": 1}, cluster="home")
    story = story_of(1, NAS, other)

    assert outcomes(story.tell(failed("r-1-1", "nas"))) == [(1, Outcome.FAILED)]


def test_a_file_that_fails_after_a_fault_of_a_host_is_tried_on_a_third() -> None:
    story = story_of(1, NAS, MAC, spec("pc", cluster="home"))
    story.tell(failed("r-1-1", "nas", Fault.HOST))

    assert begun(story.tell(failed("r-1-2", "mac"))) == ["r-1-3@pc"]


def test_a_host_whose_every_encode_fails_does_not_eat_the_queue() -> None:
    story = story_of(40, NAS, MAC)
    eaten, running = 0, "r-1-1"
    while running:
        eaten += 1
        actions = story.tell(failed(running, "nas"))
        running = next((name.partition("@")[0] for name in begun(actions) if name.endswith("@nas")), "")

    assert (eaten, rests(actions)) == (3, [("nas", 30)])


def test_a_suspicious_host_rests_longer_each_time() -> None:
    story = story_of(40, NAS, MAC)
    story.tell(failed("r-1-1", "nas"), failed("r-3-1", "nas"), failed("r-4-1", "nas"))

    (attempt,) = begun(story.tell(up(NAS)))

    assert rests(story.tell(failed(attempt.partition("@")[0], "nas"))) == [("nas", 60)]


def test_the_last_capable_host_does_not_rest_for_files() -> None:
    story = story_of(40, NAS, MAC)
    story.tell(down(MAC), failed("r-1-1", "nas"), failed("r-3-1", "nas"))

    assert rests(story.tell(failed("r-4-1", "nas"))) == []


def test_files_that_fail_under_a_proven_host_too_are_to_blame_themselves() -> None:
    story = story_of(40, NAS, MAC)
    story.tell(succeeded("r-2-1", "mac"), failed("r-1-1", "nas"))
    story.tell(succeeded("r-3-1", "mac"), failed("r-1-2", "mac"))  # job 1 was the longest, so it came next

    actions = story.tell(failed("r-4-1", "nas")), story.tell(failed("r-5-1", "nas"))

    assert [rests(some) for some in actions] == [[], []]


def test_lacking_capacity_lowers_the_slots_of_the_whole_machine() -> None:
    story = Story(*[spec("pc", {"cuda": 2}, cluster=name, machine="pc") for name in "ab"])
    story.tell(*[ready(number, queue="cuda", cluster=name) for number, name in enumerate("ab")])

    actions = story.tell(failed("r-1-1", "pc", Fault.HOST, no_capacity=True, retry_here=True))

    assert actions == []
    assert story.tell(ready(2, queue="cuda", cluster="b")) == []


def test_an_encoder_without_any_session_makes_its_host_rest() -> None:
    story = story_of(1, NAS, MAC)

    actions = story.tell(failed("r-1-1", "nas", Fault.HOST, no_capacity=True, retry_here=True))

    assert (rests(actions), begun(actions)) == ([("nas", 10)], ["r-1-2@mac"])


def test_cancelling_stops_an_attempt_once() -> None:
    story = story_of(1, spec("nas", cluster="home", copies=True), spec("mac", cluster="home", copies=True))

    assert stopped(story.tell(down(NAS))) == ["r-1-1"]
    assert stopped(story.tell(CANCEL)) == []
