"""200 runs that are killed between the start and the end of a replacement, at every step and at any moment.

After each the source or the verified output is whole under a final name; after the next start nothing else is left.
The same holds for a dozen that are killed earlier, in the encode or before.
"""

import itertools
import os
import random
import signal
import sys

import pytest

from pytranscoder.encode.replace import Step
from tests.crash.conftest import MakeScene, Scene
from tests.crash.inspection import lasting_processes, partial_files, problems_of_journal, read_packets
from tests.crash.shapes import SHAPES

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc and kills forks"),
]

# At every step of the six shapes 46, and below 24 + 84 + 48: 202 in all, 70 of them through the whole program.
RUNS_AT_ANY_MOMENT = 4
RUNS_BEFORE_THE_REPLACEMENT = 2
REPLACEMENTS_AT_ANY_MOMENT = 14
CRASHES_OF_THE_RECOVERY = {
    # Where the replacement is killed, and all the places where the recovery of it comes by.
    Step.DURABLE: (Step.LINKED, Step.SOURCE_REMOVED, Step.END_RECORDED),
    Step.LINKED: (Step.SOURCE_REMOVED, Step.END_RECORDED),
    Step.RENAMED: (Step.SOURCE_REMOVED, Step.END_RECORDED),
    Step.SOURCE_REMOVED: (Step.SOURCE_REMOVED, Step.END_RECORDED),
}


def steps_of(name: str) -> list[Step]:
    """The steps that a shape comes by: only a new name is made by a link."""
    shape = SHAPES[name]
    return [step for step in Step if step is not Step.LINKED or shape.source != shape.final]


def seed_for(name: str) -> int:
    """A seed that is new in every run of the tests, and printed when one fails."""
    seed = random.randrange(1 << 32)
    sys.stdout.write(f"{name}: seed {seed}\n")
    return seed


def require_killed(scene: Scene, status: int) -> None:
    assert os.WIFSIGNALED(status), f"ended with {status}: {scene.log}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def require_nothing_lost(scene: Scene) -> None:
    """The source as it was, or the verified output, under a final name."""
    source, final = scene.place.media / scene.shape.source, scene.place.media / scene.shape.final
    if source.exists() and source.read_bytes() == scene.films.source(scene.shape).read_bytes():
        return
    assert read_packets(final) == scene.films.packets, scene.log


def require_tidy(scene: Scene) -> None:
    """Nothing is left of the run that was killed."""
    require_nothing_lost(scene)
    assert lasting_processes(scene.place) == [], scene.log
    assert partial_files(scene.place) == [], scene.log
    assert problems_of_journal(scene.place) == [], scene.log


def require_done(scene: Scene) -> None:
    """The film is replaced, as if nothing had happened."""
    names = {path.name for path in scene.place.media.iterdir()}
    assert names == scene.shape.names_after, scene.log
    assert read_packets(scene.place.media / scene.shape.final) == scene.films.packets
    assert list(scene.place.fast.iterdir()) == []


def require_ended_by_the_next_start(scene: Scene) -> None:
    """Nothing is lost, and a further run ends the job."""
    require_nothing_lost(scene)
    assert scene.run("run") == 0, scene.log
    require_tidy(scene)
    require_done(scene)


@pytest.mark.parametrize("name", SHAPES)
def test_program_killed_at_any_step_loses_nothing_and_ends_the_job_when_started_again(
    make_scene: MakeScene, name: str
) -> None:
    for step in steps_of(name):
        scene = make_scene(name)

        require_killed(scene, scene.run("run", kill_at=step.value))

        require_ended_by_the_next_start(scene)


@pytest.mark.parametrize("name", SHAPES)
def test_program_killed_at_any_moment_loses_nothing_and_ends_the_job_when_started_again(
    make_scene: MakeScene, name: str
) -> None:
    chance = random.Random(seed_for(name))
    for _ in range(RUNS_AT_ANY_MOMENT):
        scene = make_scene(name)

        require_killed(scene, scene.run("run", kill_after_s=chance.uniform(0, 0.05), pause_s=0.003))

        require_ended_by_the_next_start(scene)


@pytest.mark.parametrize("name", SHAPES)
def test_program_killed_before_the_replacement_loses_nothing_and_ends_the_job_when_started_again(
    make_scene: MakeScene, name: str
) -> None:
    chance = random.Random(seed_for(name))
    for _ in range(RUNS_BEFORE_THE_REPLACEMENT):
        scene = make_scene(name)

        require_killed(scene, scene.run("run", kill_after_s=chance.uniform(0, 0.8), from_start=True))

        require_ended_by_the_next_start(scene)


@pytest.mark.parametrize("name", SHAPES)
def test_replacement_killed_at_any_moment_is_finished_or_undone_at_the_next_start(
    make_scene: MakeScene, name: str
) -> None:
    chance = random.Random(seed_for(name))
    for _ in range(REPLACEMENTS_AT_ANY_MOMENT):
        scene = make_scene(name)

        require_killed(scene, scene.run("replace", kill_after_s=chance.uniform(0, 0.03), pause_s=0.002))

        require_nothing_lost(scene)
        assert scene.run("recover") == 0, scene.log
        require_tidy(scene)


@pytest.mark.parametrize("name", SHAPES)
def test_recovery_killed_at_any_step_is_done_again_at_the_next_start(make_scene: MakeScene, name: str) -> None:
    crashes = itertools.chain.from_iterable(
        itertools.product([first], seconds) for first, seconds in CRASHES_OF_THE_RECOVERY.items()
    )
    for first, second in crashes:
        if first not in steps_of(name) or second not in steps_of(name):
            continue
        scene = make_scene(name)
        require_killed(scene, scene.run("replace", kill_at=first.value))

        require_killed(scene, scene.run("recover", kill_at=second.value))

        require_nothing_lost(scene)
        assert scene.run("recover") == 0, scene.log
        require_tidy(scene)
        require_done(scene)
