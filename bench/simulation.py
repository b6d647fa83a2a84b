"""What the scheduler costs with many jobs on many hosts that fail and go away at random, in simulated time."""

import multiprocessing
import random
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from bench.result import Result
from pytranscoder.jobs.actions import Action
from pytranscoder.jobs.events import Event
from tests.jobs.samples import ready, spec
from tests.jobs.world import Machinery, Mishaps, World

JOBS = 100_000
HOSTS = 500
# As fast as files are probed on a machine with two cores.
READY_PER_S = 315
CPU_LIMIT_S = 60
MEMORY_LIMIT_MB = 400
MISHAPS = Mishaps(host=0.02, file=0.03, capacity=0.01, upload=0.01, loss_every_s=20, broken=frozenset({"h7"}))


def measure(runs: int) -> Iterator[Result]:  # noqa: ARG001  # one run, which takes minutes
    """Run it in a process of its own, so that its memory can be told."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        cpu_s, peak_mb = pool.submit(simulate).result()
    name = f"{JOBS} jobs, {HOSTS} hosts"
    yield Result(f"{name}, CPU", cpu_s, "s", CPU_LIMIT_S, is_absolute=True)
    yield Result(f"{name}, peak", peak_mb, "MB", MEMORY_LIMIT_MB, is_absolute=True)


def simulate() -> tuple[float, float]:
    """Seconds of CPU in the scheduler, and the peak memory in MB of all, the simulated world too."""
    chance = random.Random(1)  # noqa: S311  # it makes no secrets
    hosts = [
        Machinery(
            spec(
                f"h{number}", {"default": 1, "cuda": chance.choice((1, 2, 3))}, cluster="home", copies=number % 2 == 0
            ),
            speed=chance.choice((0.25, 0.5, 1, 2)),
            joins_at=chance.choice((0, 0, 0, 600)),
        )
        for number in range(HOSTS)
    ]
    jobs = [
        ready(
            job,
            time=job / READY_PER_S,
            work=chance.uniform(10, 600),
            queue=chance.choice(("default", "cuda")),
            profile=chance.choice(("hevc", "av1", "fast")),
            cluster="home",
        )
        for job in range(1, JOBS + 1)
    ]
    world = World(hosts, jobs, mishaps=MISHAPS, is_checked=False)
    stopwatch = world.tell_scheduler = _Stopwatch(world)
    world.run()
    return stopwatch.cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _Stopwatch:
    """The world's scheduler, with its time taken."""

    def __init__(self, world: World) -> None:
        self._scheduler = world.scheduler
        self.cpu_s = 0.0

    def __call__(self, event: Event, now: float) -> list[Action]:
        begun = time.process_time()
        actions = self._scheduler.handle(event, now)
        self.cpu_s += time.process_time() - begun
        return actions
