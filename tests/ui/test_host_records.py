import pytest

from pytranscoder.jobs.events import CancelRequested, Event, Outcome, RunStarted
from pytranscoder.ui.hosts import Hosts
from tests.ui.samples import (
    CLUSTER,
    attempt_failed,
    finished,
    host_ready,
    host_unavailable,
    progress,
    queued,
    started,
    transfer,
)


def hosts_of(*events: Event) -> Hosts:
    hosts = Hosts()
    for event in events:
        hosts.handle(event)
    return hosts


def test_hosts_are_in_the_order_of_their_names_whoever_answers_first() -> None:
    hosts = hosts_of(*(host_ready(name) for name in ("pc10", "Nas", "pc2", "mac")))

    assert [record.key[1] for record in hosts.all()] == ["mac", "Nas", "pc2", "pc10"]


@pytest.mark.parametrize(
    "event",
    [host_ready("nas"), host_unavailable("nas"), started(1, host="nas", cluster=CLUSTER), transfer(1, 0)],
    ids=["ready", "unavailable", "encode", "transfer"],
)
def test_host_is_known_from_its_first_event(event: Event) -> None:
    hosts = hosts_of(event)

    assert [record.key for record in hosts.all()] == [(CLUSTER, "nas")]
    assert hosts.label(CLUSTER, "nas") == "nas"


def test_name_that_two_clusters_have_is_shown_with_the_cluster() -> None:
    hosts = hosts_of(host_ready("nas"), host_ready("nas", cluster="work"), host_ready("mac", cluster="work"))

    labels = [hosts.label(cluster, host) for cluster, host in [("home", "nas"), ("work", "nas"), ("work", "mac")]]
    assert labels == ["home/nas", "work/nas", "mac"]


def test_name_that_two_clusters_have_is_shown_so_before_both_have_answered() -> None:
    run = RunStarted(time=0, run="r", version="1", hosts=(("home", "nas"), ("work", "nas"), ("work", "mac")))
    hosts = hosts_of(run, host_ready("nas"), host_ready("mac", cluster="work"))

    assert [hosts.label("home", "nas"), hosts.label("work", "mac")] == ["home/nas", "mac"]
    assert [record.key for record in hosts.all()] == [("home", "nas"), ("work", "mac")]


def test_this_machine_beside_a_cluster_has_its_own_name() -> None:
    hosts = hosts_of(host_ready("local", cluster=None), host_ready("local"))

    assert [hosts.label(None, "local"), hosts.label(CLUSTER, "local")] == ["local", "home/local"]


def test_local_mode_names_no_host() -> None:
    hosts = hosts_of(queued(1), host_ready("local", cluster=None), started(1), progress(1, 5.0))

    assert not hosts.in_cluster
    assert hosts.label(None, "local") == ""


def test_trouble_is_over_when_the_host_is_ready() -> None:
    trouble = host_unavailable("nas")

    assert hosts_of(trouble).record(CLUSTER, "nas").trouble == trouble
    assert hosts_of(trouble, host_ready("nas")).record(CLUSTER, "nas").trouble is None


def test_encoded_jobs_count_for_their_host() -> None:
    record = hosts_of(
        *(finished(job, host="nas", cluster=CLUSTER) for job in (1, 2)),
        finished(3, Outcome.REJECTED, host="nas", cluster=CLUSTER),
        finished(4, host="mac", cluster=CLUSTER),
    ).record(CLUSTER, "nas")

    assert (record.encoded, record.source_bytes, record.seconds) == (2, 2_400_000_000, 3860.0)


@pytest.mark.parametrize(
    ("events", "failures"),
    [
        ([attempt_failed(1, cluster=CLUSTER), attempt_failed(1, cluster=CLUSTER)], 2),
        ([attempt_failed(1, cluster=CLUSTER, no_capacity=True)], 0),
        ([attempt_failed(1, cluster=CLUSTER, unfit=True)], 0),
        ([attempt_failed(1, cluster=CLUSTER, stopped=True)], 0),
        ([CancelRequested(time=0.0), attempt_failed(1, cluster=CLUSTER)], 0),
    ],
    ids=["each attempt", "no session left", "no room", "moved to another host", "stopped by the user"],
)
def test_failures_are_those_of_attempts(events: list[Event], failures: int) -> None:
    assert hosts_of(*events).record(CLUSTER, "nas").failures == failures


def test_cluster_without_usable_host_is_named() -> None:
    hosts = hosts_of(
        host_unavailable("nas"),
        host_ready("mac"),
        host_unavailable("nas", cluster="work"),
        host_unavailable("pc", cluster="work"),
    )

    assert hosts.unusable_clusters() == ["work"]


@pytest.mark.parametrize(
    ("before", "clusters"),
    [([], ["work"]), ([CancelRequested(time=0.0)], [])],
    ids=["for want of a host", "by the user"],
)
def test_cluster_whose_jobs_were_given_up_is_named_though_a_host_came_later(
    before: list[Event], clusters: list[str]
) -> None:
    given_up = finished(1, Outcome.CANCELLED, cluster="work", attempt=None)

    assert hosts_of(*before, given_up, host_ready("pc", cluster="work")).unusable_clusters() == clusters
