"""The runner in this process, with real ffmpeg and tiny films: what it emits, in which order, and who sees it."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytranscoder.encode.choose import Policy
from pytranscoder.errors import UsageError
from pytranscoder.fleet import local_member
from pytranscoder.jobs import events
from pytranscoder.jobs.events import Event, Notice, Outcome, Progress
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.sources import Request, Selection
from pytranscoder.profiles.definition import ProfileDefinition
from pytranscoder.runner import Order, Runner
from tests.clips import FFMPEG, Clips

SMALL = ProfileDefinition(
    name="small",
    output_options_video=("-c:v libx264", "-preset ultrafast", "-crf 45"),
    output_options_audio=("-c:a copy",),
    extension=".mkv",
)
SELECTION = Selection(profile="small")
LIFE_OF_A_JOB = [
    events.JobQueued,
    events.JobReady,
    events.EncodeStarted,
    events.EncodeEnded,
    events.AttemptSucceeded,
    events.JobFinished,
]
Observe = Callable[[Event], None]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "state")
    journal.begin_run("r1", 1)
    yield journal
    journal.close()


@pytest.fixture
def film(tmp_path: Path, clips: Clips) -> Path:
    return Path(shutil.copy(clips.plain(), tmp_path / "film.mkv"))


def order(*paths: Path, ffmpeg: str = FFMPEG) -> Order:
    return Order(
        run="r1",
        requests=[Request(path, SELECTION) for path in paths],
        policy=Policy(profiles={"small": SMALL}),
        hosts=[local_member(ffmpeg, {})],
    )


async def run(order: Order, journal: Journal | None, *observers: Observe) -> list[Event]:
    """Run an order and return what was emitted."""
    seen: list[Event] = []
    await Runner(order, journal, [seen.append, *observers]).run()
    return [event for event in seen if not isinstance(event, Progress)]


def kinds(seen: Sequence[Event]) -> list[type[Event]]:
    return [type(event) for event in seen]


def outcomes(seen: Sequence[Event]) -> dict[str, Outcome]:
    return {event.media.name: event.outcome for event in seen if isinstance(event, events.JobFinished)}


def interrupt(event: Event) -> None:
    if isinstance(event, events.RunStarted):
        os.kill(os.getpid(), signal.SIGINT)


async def test_a_job_is_told_from_the_queue_to_its_end(film: Path, journal: Journal) -> None:
    seen = await run(order(film), journal)

    of_the_job = [kind for kind in kinds(seen) if kind in LIFE_OF_A_JOB]
    assert of_the_job == LIFE_OF_A_JOB
    assert outcomes(seen) == {"film.mkv": Outcome.ENCODED}


async def test_the_start_of_a_run_names_its_hosts(film: Path, journal: Journal) -> None:
    begun, *_ = await run(order(film), journal)

    assert isinstance(begun, events.RunStarted)
    assert begun.hosts == ((None, "local"),)


async def test_the_run_is_the_first_and_the_last_that_is_told(film: Path, journal: Journal) -> None:
    seen = await run(order(film), journal)

    assert (kinds(seen)[0], kinds(seen)[-1]) == (events.RunStarted, events.RunFinished)
    assert kinds(seen).index(events.HostReady) < kinds(seen).index(events.EncodeStarted)


async def test_all_observers_see_the_same_in_the_same_order(film: Path, journal: Journal) -> None:
    first: list[Event] = []
    second: list[Event] = []

    await Runner(order(film), journal, [first.append, second.append]).run()

    assert first == second


async def test_what_an_observer_causes_comes_after_what_it_saw(tmp_path: Path, journal: Journal) -> None:
    seen: list[Event] = []
    notice = Notice(time=0, level="info", text="a job has ended")

    def answer(event: Event) -> None:
        if isinstance(event, events.JobFinished):
            runner.emit(notice)

    runner = Runner(order(tmp_path / "gone.mkv"), journal, [answer, seen.append])
    await runner.run()

    assert seen[seen.index(notice) - 1] in [event for event in seen if isinstance(event, events.JobFinished)]


async def test_a_file_that_is_named_twice_is_one_job(film: Path, journal: Journal) -> None:
    seen = await run(order(film, film.parent / "." / film.name, film), journal)

    assert kinds(seen).count(events.JobQueued) == kinds(seen).count(events.JobFinished) == 1


async def test_a_file_that_is_not_there_holds_up_no_other(film: Path, journal: Journal) -> None:
    seen = await run(order(film.parent / "gone.mkv", film), journal)

    assert outcomes(seen) == {"gone.mkv": Outcome.FAILED, "film.mkv": Outcome.ENCODED}


async def test_names_that_no_file_can_have_fail_alone(film: Path, journal: Journal) -> None:
    long = film.parent / ("x" * 300 + ".mkv")

    seen = await run(order(long, film / "below.mkv", film), journal)

    assert list(outcomes(seen).values()) == [Outcome.FAILED, Outcome.FAILED, Outcome.ENCODED]


async def test_the_last_event_counts_the_outcomes(film: Path, journal: Journal) -> None:
    seen = await run(order(film, film.parent / "gone.mkv"), journal)

    last = seen[-1]
    assert isinstance(last, events.RunFinished)
    assert (last.encoded, last.failed, last.interrupted) == (1, 1, False)
    assert last.output_bytes == film.stat().st_size


async def test_the_journal_knows_what_was_told(film: Path, journal: Journal) -> None:
    await run(order(film, film.parent / "gone.mkv"), journal)

    (record,) = journal.history()
    assert (record.status, record.encoded, record.failed) == ("finished", 1, 1)
    assert (journal.claims("r1"), journal.partials("r1"), journal.replacements("r1")) == ([], [], [])


async def test_an_interruption_before_the_work_ends_the_run(film: Path, journal: Journal) -> None:
    before = film.read_bytes()

    seen = await run(order(film), journal, interrupt)

    last = seen[-1]
    assert isinstance(last, events.RunFinished)
    assert last.interrupted
    assert events.EncodeStarted not in kinds(seen)
    assert film.read_bytes() == before


async def test_an_interruption_in_mid_encode_cancels_every_job(film: Path, journal: Journal) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, events.EncodeStarted):
            os.kill(os.getpid(), signal.SIGTERM)

    other = Path(shutil.copy(film, film.with_name("other.mkv")))
    seen = await run(order(film, other), journal, stop)

    assert outcomes(seen) == {"film.mkv": Outcome.CANCELLED, "other.mkv": Outcome.CANCELLED}
    assert {path.name for path in film.parent.iterdir()} == {"film.mkv", "other.mkv", "state"}


async def test_an_attempt_that_is_stopped_before_its_first_step_ends_all_the_same(film: Path, journal: Journal) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, events.JobReady | events.HostReady) and {events.JobReady, events.HostReady} <= set(
            kinds(seen)
        ):
            runner.emit(events.CancelRequested(time=event.time))  # at once after the attempt at the job was started

    seen: list[Event] = []
    runner = Runner(order(film), journal, [seen.append, stop])
    async with asyncio.timeout(20):
        await runner.run()

    assert outcomes(seen) == {"film.mkv": Outcome.CANCELLED}


async def test_a_dry_run_tells_its_plan_and_touches_nothing(film: Path) -> None:
    before = film.read_bytes(), film.stat().st_mtime_ns, film.stat().st_ino

    seen = await run(order(film), None)

    (planned,) = [event for event in seen if isinstance(event, events.Planned)]
    assert (planned.media, planned.profile, planned.argv[0]) == (film, "small", FFMPEG)
    assert list(film.parent.iterdir()) == [film]
    assert (film.read_bytes(), film.stat().st_mtime_ns, film.stat().st_ino) == before


@pytest.mark.parametrize(("one_at_a_time", "expected"), [(False, "2"), (True, "1")])
async def test_where_there_are_many_slots_ffmpeg_tells_of_itself_less_often(
    film: Path, one_at_a_time: bool, expected: str
) -> None:
    many = replace(order(film), hosts=[local_member(FFMPEG, {"default": 40})], one_at_a_time=one_at_a_time)

    seen = await run(many, None)

    (planned,) = [event for event in seen if isinstance(event, events.Planned)]
    assert planned.argv[planned.argv.index("-stats_period") + 1] == expected


async def test_without_an_ffmpeg_nothing_is_begun(film: Path, journal: Journal) -> None:
    seen = await run(order(film, ffmpeg="/nowhere/ffmpeg"), journal)

    (unavailable,) = [event for event in seen if isinstance(event, events.HostUnavailable)]
    assert "no ffmpeg at /nowhere/ffmpeg" in unavailable.reason
    assert outcomes(seen) == {"film.mkv": Outcome.CANCELLED}
    assert isinstance(seen[-1], events.RunFinished)
    assert seen[-1].no_host


async def test_notices_of_the_order_are_told(tmp_path: Path, journal: Journal) -> None:
    notice = Notice(time=0, level="warning", text="mind this")

    seen = await run(replace(order(tmp_path / "gone.mkv"), notices=[notice]), journal)

    assert seen[1] == notice


async def test_a_run_without_files_ends_at_once(tmp_path: Path, journal: Journal) -> None:
    (tmp_path / "empty").mkdir()

    seen = await run(order(tmp_path / "empty"), journal)

    assert outcomes(seen) == {}
    assert kinds(seen)[-1] is events.RunFinished


def test_a_profile_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    request = Request(tmp_path, Selection(profile="nobody"))

    with pytest.raises(UsageError, match="nobody"):
        Runner(replace(order(), requests=[request]), None, [])


def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path, journal: Journal) -> None:
    request = Request(tmp_path / "gone.txt", SELECTION, is_list=True)
    runner = Runner(replace(order(), requests=[request]), journal, [])

    with pytest.raises(UsageError, match=r"cannot read the list .*gone\.txt"):
        asyncio.run(runner.run())
