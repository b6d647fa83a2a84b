"""Which hosts may run what, and what becomes of jobs whose hosts are away, told as stories."""

import pytest

from pytranscoder.errors import Fault
from pytranscoder.jobs.events import Outcome
from pytranscoder.jobs.hostspec import HostSpec
from tests.jobs.samples import CANCEL, down, encoded, failed, ready, spec, succeeded, up
from tests.jobs.story import Story, begun, outcomes, reasons, stopped

NAS = spec("nas", cluster="home")
MAC = spec("mac", cluster="home")
GPU = spec("gpu", {"cuda": 2}, cluster="home", profiles=frozenset({"fast"}))


def test_a_job_waits_for_hosts_that_have_not_answered() -> None:
    story = Story(NAS, MAC, pending=True)

    assert story.tell(ready(1, cluster="home")) == []
    assert begun(story.tell(up(MAC))) == ["r-1-1@mac"]


def test_a_host_that_joins_late_gets_work() -> None:
    story = Story(NAS, MAC, pending=True)
    story.tell(up(NAS), ready(1, cluster="home"), ready(2, cluster="home"))

    assert begun(story.tell(up(MAC, time=100))) == ["r-2-1@mac"]


def test_a_job_runs_in_its_own_cluster_only() -> None:
    story = Story(NAS, spec("nas", cluster="work"))

    assert begun(story.tell(ready(1, cluster="work"))) == ["r-1-1@nas"]
    assert begun(story.tell(ready(2, cluster="work"))) == []


def test_hosts_of_one_name_in_two_clusters_are_told_apart() -> None:
    story = Story(NAS, spec("nas", cluster="work"))
    story.tell(ready(1, cluster="home"), ready(2, cluster="work"), ready(3, cluster="home"))

    assert begun(story.tell(succeeded("r-2-1", "nas"))) == []
    assert begun(story.tell(succeeded("r-1-1", "nas"))) == ["r-3-1@nas"]


def test_a_machine_in_two_clusters_never_runs_more_than_its_slots() -> None:
    story = Story(*[spec("pc", {"cuda": number}, cluster=name, machine="pc") for name, number in (("a", 2), ("b", 3))])
    jobs = [ready(number, queue="cuda", cluster=name) for number, name in enumerate("abab")]

    started = [begun(story.tell(job)) for job in jobs]

    assert started == [["r-0-1@pc"], ["r-1-1@pc"], [], []]
    assert begun(story.tell(encoded("r-1-1", "pc"))) == ["r-2-1@pc"]


def test_one_at_a_time_counts_for_a_machine_and_not_for_a_host() -> None:
    specs = [spec("pc", {"default": 2, "cuda": 2}, cluster=name, machine="pc") for name in "ab"]
    story = Story(*specs, one_at_a_time=True)
    story.tell(ready(1, cluster="a"))

    assert story.tell(ready(2, cluster="b", queue="cuda")) == []
    assert begun(story.tell(encoded("r-1-1", "pc"))) == ["r-2-1@pc"]


def test_the_profiles_of_a_host_are_kept_to() -> None:
    story = Story(GPU, spec("pc", {"cuda": 1}, cluster="home"))
    slow, fast = (
        ready(number, cluster="home", queue="cuda", profile=name) for number, name in ((1, "slow"), (2, "fast"))
    )

    assert begun(story.tell(slow)) == ["r-1-1@pc"]
    assert begun(story.tell(fast)) == ["r-2-1@gpu"]


def test_a_host_without_the_encoder_is_passed_over() -> None:
    story = Story(NAS, MAC, pending=True)
    story.tell(up(NAS, encoders=["libx264"]), up(MAC, encoders=["libx265"]))

    assert begun(story.tell(ready(1, cluster="home", encoders=("libx265",)))) == ["r-1-1@mac"]


def test_encoders_that_are_not_known_are_taken_to_be_there() -> None:
    assert begun(Story(NAS).tell(ready(1, cluster="home", encoders=("libx265",)))) == ["r-1-1@nas"]


LACKING = "ffmpeg 5.1 at /usr/bin/ffmpeg has no encoder libx266; did you mean libx265?"


@pytest.mark.parametrize(
    ("specs", "values", "reason"),
    [
        pytest.param([NAS], {"queue": "qsv"}, "host nas has no queue qsv", id="queue"),
        pytest.param([NAS, MAC], {"queue": "qsv"}, "none of nas, mac has a queue qsv", id="queue of two hosts"),
        pytest.param(
            [spec(f"pc{number}", cluster="home") for number in range(5)],
            {"queue": "qsv"},
            "none of pc0, pc1, pc2 and 2 more has a queue qsv",
            id="queue of many hosts",
        ),
        pytest.param([GPU, NAS], {"queue": "cuda"}, "host gpu does not admit the profile hevc", id="profile"),
        pytest.param([NAS], {"encoders": ("libx266",)}, f"nas: {LACKING}", id="encoder"),
        pytest.param([NAS, MAC], {"encoders": ("libx266",)}, f"nas: {LACKING} | mac: {LACKING}", id="encoders"),
        pytest.param([spec()], {"encoders": ("libx266",), "cluster": None}, LACKING, id="encoder of this machine"),
    ],
)
def test_a_job_that_nobody_may_ever_run_fails_at_once(
    specs: list[HostSpec], values: dict[str, str], reason: str
) -> None:
    story = Story(*specs, pending=True)
    story.tell(*[up(spec, encoders=["libx265", "libx264"]) for spec in specs])
    job = ready(1, **{"cluster": "home", **values})  # type: ignore[arg-type]

    actions = story.tell(job)

    assert story.scheduler.refusal(job) == reason
    assert (outcomes(actions), reasons(actions)) == ([(1, Outcome.FAILED)], [reason])


def test_a_waiting_job_fails_when_the_last_host_turns_out_to_lack_its_encoder() -> None:
    story = Story(NAS, MAC, pending=True)
    story.tell(ready(1, cluster="home", encoders=("libx266",)), up(NAS, encoders=["libx265"]))

    (reason,) = reasons(story.tell(up(MAC, encoders=["aac"])))

    assert reason == f"nas: {LACKING} | mac: ffmpeg 5.1 at /usr/bin/ffmpeg has no encoder libx266"


def test_a_cluster_without_any_usable_host_cancels_its_jobs() -> None:
    story = Story(NAS, MAC, pending=True)
    story.tell(ready(1, cluster="home"), down(NAS))

    actions = [*story.tell(down(MAC)), *story.tell(ready(2, cluster="home"))]

    assert outcomes(actions) == [(1, Outcome.CANCELLED), (2, Outcome.CANCELLED)]
    assert reasons(actions) == ["no usable host"] * 2
    assert story.scheduler.unusable == {"home"}


def test_an_unusable_cluster_leaves_the_other_alone() -> None:
    story = Story(NAS, spec("pc", cluster="work"), pending=True)
    story.tell(down(NAS), up(spec("pc", cluster="work")))

    assert begun(story.tell(ready(1, cluster="work"))) == ["r-1-1@pc"]
    assert story.scheduler.unusable == {"home"}


def test_a_host_that_comes_up_after_all_makes_its_cluster_usable() -> None:
    story = Story(NAS, pending=True)
    story.tell(down(NAS), up(NAS, time=60))

    assert begun(story.tell(ready(1, cluster="home"))) == ["r-1-1@nas"]
    assert story.scheduler.unusable == frozenset()


def test_a_host_that_went_away_gets_nothing_until_it_is_back() -> None:
    story = Story(NAS)
    story.tell(down(NAS))

    assert story.tell(ready(1, cluster="home")) == []
    assert begun(story.tell(up(NAS, time=60))) == ["r-1-1@nas"]


def test_a_host_that_is_ready_again_keeps_what_runs_there() -> None:
    story = Story(NAS)
    story.tell(ready(1, cluster="home"), ready(2, cluster="home"))

    assert story.tell(up(NAS)) == []
    assert outcomes(story.tell(succeeded("r-1-1", "nas"))) == [(1, Outcome.ENCODED)]


def test_stranded_jobs_fail_when_patience_is_over() -> None:
    story = Story(NAS, patience_s=100)
    story.tell(down(NAS), ready(1, cluster="home"))

    assert story.tell(down(NAS, time=60)) == []
    actions = story.tell(down(NAS, time=120))

    assert reasons(actions) == ["no usable host: nas: connection refused"]
    assert outcomes(actions) == [(1, Outcome.FAILED)]


def test_a_host_that_was_back_for_a_moment_starts_the_wait_anew() -> None:
    story = Story(NAS, patience_s=100)
    story.tell(ready(9, cluster="home"), ready(1, cluster="home"), down(NAS), up(NAS, time=90))

    assert story.tell(down(NAS, time=95), down(NAS, time=155)) == []


def test_jobs_that_another_host_may_take_are_not_stranded() -> None:
    story = Story(NAS, MAC, patience_s=100)
    story.tell(*[ready(number, cluster="home") for number in (1, 2, 3)])

    assert story.tell(down(NAS), down(NAS, time=500)) == []


def test_a_host_that_is_gone_for_good_is_not_waited_for() -> None:
    story = Story(NAS)
    story.tell(down(NAS, retry_in_s=None))

    assert reasons(story.tell(ready(1, cluster="home"))) == ["no usable host: nas: connection refused"]


def test_lost_in_mid_encode_back_again_and_cancelled_meanwhile() -> None:
    story = Story(NAS)
    story.tell(ready(1, cluster="home"), down(NAS), up(NAS, time=60))

    assert stopped(story.tell(CANCEL)) == ["r-1-1"]
    assert outcomes(story.tell(failed("r-1-1", "nas", Fault.HOST, retry_here=True))) == [(1, Outcome.CANCELLED)]
    assert story.scheduler.idle


def test_lost_in_mid_encode_returns_its_job_to_another_host() -> None:
    story = Story(NAS, MAC)
    story.tell(ready(1, cluster="home"), down(NAS))

    assert begun(story.tell(failed("r-1-1", "nas", Fault.HOST, retry_here=True))) == ["r-1-2@mac"]


def test_candidates_are_the_hosts_that_are_up_and_may_run_it() -> None:
    story = Story(NAS, MAC, GPU)
    story.tell(down(NAS))

    assert story.scheduler.candidates(ready(1, cluster="home")) == [MAC]
    assert story.scheduler.candidates(ready(1, cluster="home", queue="qsv")) == []
