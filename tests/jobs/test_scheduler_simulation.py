"""Thousands of jobs on many hosts that fail, go away and come back at random: the invariants hold after every event."""

import random
from statistics import mean

import pytest

from pytranscoder.jobs.events import JobReady, Outcome
from tests.jobs.samples import ready, spec
from tests.jobs.world import Machinery, Mishaps, World

QUEUES = ({"default": 2, "cuda": 3}, {"default": 1}, {"cuda": 2, "qsv": 1, "default": 1}, {"default": 4})
PROFILES = ("hevc", "av1", "fast")
MISHAPS = Mishaps(
    host=0.05, file=0.05, capacity=0.03, upload=0.03, unfit=0.05, loss_every_s=15, broken=frozenset({"h3"})
)


def some_hosts(rng: random.Random, count: int) -> list[Machinery]:
    """Hosts of every sort; each fourth one is in the cluster ``work`` as well."""
    hosts = []
    for number in range(count):
        machine = f"m{number}" if number % 4 == 0 else ""
        profiles = frozenset(PROFILES[:2]) if rng.random() < 0.3 else frozenset[str]()
        for cluster in ("home", "work") if machine else ("home",):
            made = spec(
                f"h{number}",
                rng.choice(QUEUES),
                cluster=cluster,
                machine=machine,
                profiles=profiles,
                copies=rng.random() < 0.5,
            )
            encoders = ("libx264", "libx265") if rng.random() < 0.5 else ("libx265", "libsvtav1", "libx264")
            joins_at = rng.choice((0, 0, 0, 5, 200))
            hosts.append(Machinery(made, rng.choice((0.25, 0.5, 1, 2)), 1e8, joins_at, encoders))
    return hosts


def some_jobs(rng: random.Random, count: int) -> list[JobReady]:
    return [
        ready(
            job,
            time=rng.random() * 100,
            work=rng.uniform(1, 60),
            queue=rng.choice(("default", "default", "cuda", "cuda", "qsv", "nobody's")),
            profile=rng.choice(PROFILES),
            cluster=rng.choice(("home", "home", "work")),
            encoders=rng.choice(((), ("libx265",), ("libsvtav1",))),
        )
        for job in range(1, count + 1)
    ]


def world(seed: int, jobs: int, hosts: int, *, one_at_a_time: bool = False, cancel_at: float | None = None) -> World:
    rng = random.Random(seed)
    return World(some_hosts(rng, hosts), some_jobs(rng, jobs), seed, MISHAPS, one_at_a_time, cancel_at=cancel_at).run()


@pytest.mark.parametrize("seed", range(6))
def test_every_job_of_a_random_run_ends_exactly_once(seed: int) -> None:
    ended = world(seed, 300, 12, one_at_a_time=seed == 5)

    assert set(ended.outcomes) == set(range(1, 301))
    assert Outcome.CANCELLED not in ended.outcomes.values()


@pytest.mark.parametrize("seed", range(4))
def test_every_job_of_a_cancelled_run_ends_exactly_once(seed: int) -> None:
    ended = world(seed, 300, 8, cancel_at=30 + 40 * seed)

    assert set(ended.outcomes) == set(range(1, 301))
    assert Outcome.CANCELLED in ended.outcomes.values()
    assert not ended.running


@pytest.mark.timeout(300)
def test_thousands_of_jobs_end_on_more_than_a_hundred_hosts() -> None:
    assert len(world(99, 2000, 100).outcomes) == 2000


@pytest.mark.parametrize("seed", range(3))
def test_most_jobs_are_encoded_in_spite_of_a_broken_host(seed: int) -> None:
    jobs = [ready(job, work=20, cluster="home") for job in range(1, 201)]
    hosts = [Machinery(spec(f"h{number}", cluster="home")) for number in range(4)]

    ended = World(hosts, jobs, seed, Mishaps(broken=frozenset({"h3"}))).run()

    assert set(ended.outcomes.values()) == {Outcome.ENCODED}


def makespan(speeds: list[float], works: list[float], *, copies: bool = False) -> float:
    """How long it takes, as a multiple of the lower bound."""
    hosts = [
        Machinery(spec(f"h{number}", cluster="home", copies=copies), speed, 1e9) for number, speed in enumerate(speeds)
    ]
    jobs = [ready(job, work=work, cluster="home") for job, work in enumerate(works, 1)]
    return World(hosts, jobs).run().last_end / max(sum(works) / sum(speeds), max(works) / max(speeds))


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize(
    ("speeds", "count", "limit"),
    [
        pytest.param([1, 0.53, 0.42, 0.25], 48, 1.05, id="48 films on hosts 1/.53/.42/.25"),
        pytest.param([1, 2, 4], 40, 1.10, id="40 clips on shares 1:2:4"),
    ],
)
def test_hosts_of_different_speed_end_together(speeds: list[float], count: int, limit: float, copies: bool) -> None:
    spans = []
    for seed in range(20):
        rng = random.Random(seed)
        spans.append(makespan(speeds, [rng.uniform(600, 6000) for _ in range(count)], copies=copies))

    print(f"mean {mean(spans):.3f}, worst {max(spans):.3f} times the lower bound")  # noqa: T201
    assert mean(spans) <= limit
