"""100 jobs on five hosts and this machine while hosts, cables and processes are killed at random, from a printed seed.

One of the hosts has an agent.
PTC_CHAOS_SEED, PTC_CHAOS_JOBS and PTC_CHAOS_SECONDS set other seeds, more jobs and a longer time.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.cluster.aftermath import (
    Film,
    Record,
    look_into,
    lost_of,
    read_queue,
    wrong_at_the_end,
    wrong_with_film,
    wrong_with_folder,
    wrong_with_host,
    wrong_with_run,
)
from tests.cluster.chaos import Chaos
from tests.cluster.chaos_manager import TELL_TASKS
from tests.crash.inspection import problems_of_journal
from tests.crash.shapes import Place as Folders
from tests.end_to_end.command import PROFILES, Event, Place, left_running
from tests.lab.host import AGENT
from tests.lab.lab import Lab

JOBS = int(os.environ.get("PTC_CHAOS_JOBS", "100"))
SECONDS = float(os.environ.get("PTC_CHAOS_SECONDS", "20"))
LOOKS_EVERY_S = 0.05
STOPS_EVERY_S = 4.0
STOPS_WITHIN_S = 12.0
ENDS_WITHIN_S = 90.0

RULES = """\
rules:
  too large:
    profile: large
    criteria:
      path: rejected/
  all:
    profile: small
"""
# How often a stand-in for ffmpeg has which temper.
GOOD_MOODS = {"slow": 40, "normal": 30, "orphan": 4, "odd_progress": 4}
BAD_MOODS = (
    *("stall", "silent", "grandchild", "no_space", "no_session", "fails_at_end", "no_end"),
    *("cut_in_time", "cut_in_bytes", "empty", "garbage", "stream_missing"),
)
MOODS = GOOD_MOODS | dict.fromkeys(BAD_MOODS, 2)

# What is printed of the manager's events.
TOLD = (
    "host_ready",
    "host_unavailable",
    "media_staged",
    "encode_started",
    "encode_ended",
    "attempt_failed",
    "job_finished",
)
TOLD_KEYS = ("host", "job", "attempt", "outcome", "reason")

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="the lab needs Linux"),
]


@dataclass(slots=True)
class Scene:
    """A lab with its films and the runs of the manager so far."""

    lab: Lab
    chaos: Chaos
    films: list[Film]
    wrong: list[str] = field(default_factory=list)
    runs: int = 0
    manager: "Manager | None" = None

    @property
    def queue_file(self) -> Path:
        """What the manager works through."""
        return self.lab.place.root / "queue.txt"

    def start(self) -> "Manager":
        """Start the manager."""
        self.runs += 1
        self.chaos.log("manager: start")
        self.manager = Manager(self.lab.place, self.queue_file, self.runs)
        return self.manager

    def kill(self) -> None:
        """End a manager that has not ended."""
        if self.manager is not None:
            self.manager.process.kill()
            self.manager.process.wait()

    def await_start(self, manager: "Manager") -> None:
        """Wait until the run has begun."""
        while not manager.said("run_started"):
            assert not manager.has_ended(LOOKS_EVERY_S), manager.errors.read_text()

    def bear(self, manager: "Manager", until: float) -> None:
        """Let chaos happen until the manager ends, but not for longer."""
        while time.monotonic() < until and not manager.has_ended(LOOKS_EVERY_S):
            self.chaos.step()

    def require_end(self, manager: "Manager", within_s: float) -> None:
        """Wait for the end of a run; what it is at when it does not come is printed."""
        if not manager.has_ended(within_s):
            self.tell(manager.said())
            manager.process.send_signal(TELL_TASKS)
            manager.has_ended(1)
            pytest.fail(f"does not come to an end: {manager.errors.read_text()}")

    def tell(self, events: Iterable[Event]) -> None:
        """Take down what the manager said."""
        for event in events:
            if event["event"] in TOLD:
                told = [f"{key} {event[key]}" for key in TOLD_KEYS if event.get(key) is not None]
                self.chaos.log(f"    {event['event']}: {', '.join(told)}", event["time"])

    def note(self, manager: "Manager") -> None:
        """Take down what is wrong after a run."""
        record = manager.record(read_queue(self.queue_file))
        self.chaos.log(f"manager: ended with {record.status}, {dict(Counter(record.outcomes.values()))}")
        self.tell(record.events)
        wrong = [*wrong_with_run(record, self.films), *(lost for film in self.films for lost in lost_of(film))]
        self.wrong += [f"run {self.runs}: {what}" for what in wrong]


class Manager:
    """One run of the program."""

    def __init__(self, place: Place, queue_file: Path, number: int) -> None:
        self.output, self.errors = place.root / f"events-{number}", place.root / f"errors-{number}"
        self.before = read_queue(queue_file)
        with self.output.open("wb") as stdout, self.errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster.chaos_manager", str(queue_file)],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=Path(__file__).parents[2],
                env=place.environment,
            )

    def has_ended(self, within_s: float) -> bool:
        """Whether it ends within a time."""
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def said(self, name: str | None = None) -> list[Event]:
        """Its events so far, or those of a name."""
        lines = self.output.read_bytes().split(b"\n")[:-1]
        return [event for event in map(json.loads, lines) if name in (None, event["event"])]

    def record(self, after: list[Path]) -> Record:
        """How it ended."""
        errors = self.errors.read_text(errors="replace")
        return Record(self.process.returncode, self.said(), errors, self.before, after)


def seed_for(number: int) -> int:
    """The seed of a test, printed for when it fails."""
    seed = int(os.environ.get("PTC_CHAOS_SEED", str(number)))
    sys.stdout.write(f"seed {seed}\n")
    return seed


def configure(lab: Lab, behaviour: str) -> None:
    """Put all hosts in one cluster, with an ffmpeg that behaves like this."""
    alpha, beta, gamma, delta, epsilon = lab.hosts.values()
    for host in lab.hosts.values():
        host.ffmpeg_stand_in(behaviour)
    cluster = alpha.streaming(queues={"default": 2})
    cluster |= beta.streaming(queues={"default": 2}, bandwidth="40K")
    cluster |= gamma.mounted(queues={"default": 2})
    cluster |= delta.mounted()
    cluster |= epsilon.streaming(queues={"default": 2})
    cluster |= lab.local("here", ffmpeg=str(lab.place.fake_ffmpeg(behaviour)))
    lab.configure({"home": cluster}, PROFILES + RULES, stall_after="5s")


def make_films(lab: Lab, film: Path, jobs: int) -> list[Film]:
    """Make the sources: most can be encoded, some save nothing, one is damaged."""
    films = [add_film(lab, film, f"{number:03} it's a film.mp4", "encoded") for number in range(jobs * 9 // 10)]
    films += [add_film(lab, film, f"rejected/{number}.mp4", "rejected") for number in range(jobs - len(films) - 1)]
    whole = make_clip(lab.place.root / "whole.mp4", size="64x48", output=["-movflags", "+faststart"])
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) * 2 // 3])
    return [*films, add_film(lab, whole, "damaged.mp4", "failed")]


def add_film(lab: Lab, clip: Path, name: str, outcome: str) -> Film:
    source = lab.place.add(clip, name)
    return Film(source, clip.read_bytes(), look_into(clip), outcome)


def set_moods(scene: Scene) -> None:
    """Tell each stand-in for ffmpeg how to behave in its next encodes."""
    for diary in (*(host.diary for host in scene.chaos.hosts), scene.lab.place.diary):
        moods = scene.chaos.chance.choices(list(MOODS), list(MOODS.values()), k=JOBS)
        Path(f"{diary}.moods").write_text("\n".join(moods))


def make_scene(lab: Lab, film: Path, seed: int) -> Scene:
    lab.host("alpha")
    lab.host("beta", user="media", login_shell="fish")
    (lab.place.media / "rejected").mkdir()
    (lab.place.media / "rejected").chmod(0o777)
    for host in (lab.host("gamma", user="media", login_shell="dash"), lab.host("delta", login_shell="busybox")):
        host.share(lab.place.media)
    lab.host("epsilon", login_shell=AGENT)
    scene = Scene(lab, Chaos(seed, list(lab.hosts.values()), lab.place), make_films(lab, film, JOBS))
    set_moods(scene)
    configure(lab, "moody")
    scene.queue_file.write_text("".join(f"{film.source}\n" for film in scene.films))
    return scene


def live_through(scene: Scene, stop_by: signal.Signals | None) -> None:
    """Let the manager work in the midst of chaos, stopped and started again now and then, and to its end in peace."""
    until = time.monotonic() + SECONDS
    while True:
        manager = scene.start()
        scene.await_start(manager)
        pause_s = scene.chaos.chance.uniform(0, 2 * STOPS_EVERY_S) if stop_by else SECONDS
        scene.bear(manager, min(until, time.monotonic() + pause_s))
        if stop_by is None or manager.has_ended(0) or time.monotonic() >= until:
            break
        scene.chaos.log(f"manager: {stop_by.name}")
        manager.process.send_signal(stop_by)
        scene.bear(manager, time.monotonic() + STOPS_WITHIN_S)
        scene.require_end(manager, 0)
        scene.note(manager)
    scene.chaos.mend_all()
    scene.require_end(manager, ENDS_WITHIN_S)
    scene.note(manager)


def run_in_peace(scene: Scene, film: Path) -> None:
    """Let the manager do what is left, and be at work until it has met all hosts once more."""
    scene.films.append(add_film(scene.lab, film, "last.mp4", "encoded"))
    with scene.queue_file.open("a") as queue:
        queue.write(f"{scene.films[-1].source}\n")
    configure(scene.lab, "gate")
    manager = scene.start()
    while {event["host"] for event in manager.said("host_ready")} != {*scene.lab.hosts, "here"}:
        assert not manager.has_ended(LOOKS_EVERY_S), manager.errors.read_text()
    for finish in (scene.lab.place.let_finish, *(host.let_finish for host in scene.chaos.hosts)):
        finish()
    scene.require_end(manager, ENDS_WITHIN_S)
    scene.note(manager)


def wrong_in_the_end(scene: Scene) -> list[str]:
    place, films = scene.lab.place, scene.films
    return [
        *scene.wrong,
        *(wrong for host in scene.chaos.hosts for wrong in wrong_with_host(host)),
        *(wrong for film in films for wrong in (*wrong_with_film(film), *wrong_at_the_end(film))),
        *wrong_with_folder(place.media, films),
        *(f"{path} is in the queue file" for path in read_queue(scene.queue_file) if path.name != "damaged.mp4"),
        *problems_of_journal(Folders(place.root)),
        *left_running(place, 5),
    ]


@pytest.mark.parametrize(
    ("number", "stop_by"), [(1, None), (2, signal.SIGKILL), (3, signal.SIGINT)], ids=["left alone", "killed", "Ctrl-C"]
)
def test_chaos_loses_no_film_and_no_job_and_leaves_nothing(
    lab: Lab, film: Path, number: int, stop_by: signal.Signals | None
) -> None:
    scene = make_scene(lab, film, seed_for(number))

    try:
        live_through(scene, stop_by)
        run_in_peace(scene, film)
    finally:
        scene.chaos.print_log()
        scene.kill()

    wrong = wrong_in_the_end(scene)
    assert not wrong, "\n".join(wrong)
