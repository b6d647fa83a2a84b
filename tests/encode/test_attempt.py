"""An attempt in one process with a real ffmpeg; `tests/end_to_end` and `tests/crash` have the whole program."""

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from pytranscoder.encode.attempt import Attempt, Host, Tools
from pytranscoder.encode.replace import Checkpoint, Step
from pytranscoder.encode.staging import InPlace
from pytranscoder.hosts.ffmpeg import Ffmpeg
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.jobs.events import AttemptFailed, AttemptSucceeded, Outcome
from pytranscoder.media.prober import Prober
from tests.clips import FFMPEG, Clips
from tests.encode.samples import RUN, Shelf, task

MakeAttempt = Callable[[Checkpoint], Attempt]


class Pause:
    """A step at which a replacement waits until it may go on."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()
        self.over = threading.Event()

    def __call__(self, step: Step) -> None:
        """Wait here."""
        if step is self._step:
            self._loop.call_soon_threadsafe(self.reached.set)
            self.over.wait()


@pytest.fixture
async def make_attempt(shelf: Shelf, clips: Clips) -> AsyncIterator[MakeAttempt]:
    source = shelf.films / "Film.mp4"
    shutil.copy(clips.timecode(), source)
    async with Prober() as prober:
        film = task(await prober.probe(source))
        host = Host(LocalTransport("local"), InPlace(shelf.journal, RUN, None), Ffmpeg(FFMPEG, "", frozenset()))

        def make(checkpoint: Checkpoint) -> Attempt:
            tools = Tools(RUN, shelf.journal, prober, shelf.journal.record, time.time, 30.0, checkpoint)
            return Attempt(film, 1, f"{RUN}-1-1", host, tools)

        yield make


async def cancel_twice_at(step: Step, make_attempt: MakeAttempt) -> AttemptSucceeded | AttemptFailed:
    pause = Pause(step)
    work = asyncio.ensure_future(make_attempt(pause).run())
    await pause.reached.wait()
    for _ in range(2):
        work.cancel()
        await asyncio.sleep(0)
    pause.over.set()
    return await work


@pytest.mark.parametrize("step", [Step.DURABLE, Step.LINKED, Step.SOURCE_REMOVED])
async def test_replacement_past_stopping_is_finished_however_often_it_is_cancelled(
    shelf: Shelf, make_attempt: MakeAttempt, step: Step
) -> None:
    ended = await cancel_twice_at(step, make_attempt)

    assert isinstance(ended, AttemptSucceeded)
    assert ended.outcome is Outcome.ENCODED
    assert [path.name for path in shelf.films.iterdir()] == ["Film.mkv"]


async def test_source_that_another_run_has_claimed_is_left_to_it(shelf: Shelf, make_attempt: MakeAttempt) -> None:
    shelf.journal.claim(shelf.films / "Film.mp4", RUN)

    ended = await make_attempt(lambda _: None).run()

    assert isinstance(ended, AttemptSucceeded)
    assert (ended.outcome, ended.settled) == (Outcome.SKIPPED, False)
    assert [path.name for path in shelf.films.iterdir()] == ["Film.mp4"]
