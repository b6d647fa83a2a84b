"""An attempt in one process with a real ffmpeg; `tests/end_to_end` and `tests/crash` have the whole program."""

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from pytranscoder.encode.attempt import Attempt, Host, Tools
from pytranscoder.encode.mapped import Mapped
from pytranscoder.encode.replace import Checkpoint, Step, identify, pass_by
from pytranscoder.encode.staging import InPlace
from pytranscoder.hosts.definition import PathSubstitution
from pytranscoder.hosts.ffmpeg import Ffmpeg
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.jobs.events import AttemptFailed, AttemptSucceeded, Outcome
from pytranscoder.media.prober import Prober
from pytranscoder.profiles.definition import ProfileDefinition
from tests.clips import FFMPEG, Clips
from tests.encode.samples import MKV, RUN, SAME, Shelf, planned_job


class Prepare(Protocol):
    """Puts a clip on the shelf and makes an attempt at it."""

    async def __call__(
        self, clip: Path, definition: ProfileDefinition, checkpoint: Checkpoint = pass_by
    ) -> Attempt: ...


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
async def prober() -> AsyncIterator[Prober]:
    async with Prober() as prober:
        yield prober


@pytest.fixture
def prepare(shelf: Shelf, prober: Prober) -> Prepare:
    async def prepare_attempt(clip: Path, definition: ProfileDefinition, checkpoint: Checkpoint = pass_by) -> Attempt:
        source = shelf.films / f"Film{clip.suffix}"
        shutil.copy(clip, source)
        film = planned_job(await prober.probe(source), definition)
        host = Host(LocalTransport("local"), InPlace(shelf.journal, RUN, None), Ffmpeg(FFMPEG, "", frozenset()))
        tools = Tools(
            RUN,
            shelf.journal,
            prober,
            shelf.journal.record,
            time.time,
            30.0,
            host.transport,
            lambda: FFMPEG,
            checkpoint,
        )
        return Attempt(film, 1, f"{RUN}-1-1", host, tools)

    return prepare_attempt


async def cancel_twice_at(pause: Pause, attempt: Attempt) -> AttemptSucceeded | AttemptFailed:
    work = asyncio.ensure_future(attempt.run())
    await pause.reached.wait()
    for _ in range(2):
        work.cancel()
        await asyncio.sleep(0)
    pause.over.set()
    return await work


@pytest.mark.parametrize("step", [Step.DURABLE, Step.LINKED, Step.SOURCE_REMOVED])
async def test_replacement_past_stopping_is_finished_however_often_it_is_cancelled(
    shelf: Shelf, clips: Clips, prepare: Prepare, step: Step
) -> None:
    pause = Pause(step)

    ended = await cancel_twice_at(pause, await prepare(clips.timecode(), MKV, pause))

    assert isinstance(ended, AttemptSucceeded)
    assert ended.outcome is Outcome.ENCODED
    assert [path.name for path in shelf.films.iterdir()] == ["Film.mkv"]


async def test_cover_art_is_extracted_and_kept(shelf: Shelf, clips: Clips, prober: Prober, prepare: Prepare) -> None:
    attempt = await prepare(clips.rich(), SAME)

    ended = await attempt.run()

    assert isinstance(ended, AttemptSucceeded), ended
    assert [path.name for path in shelf.films.iterdir()] == ["Film.mkv"]
    media = await prober.probe(shelf.films / "Film.mkv")
    assert any(stream.attached_picture for stream in media.streams)


async def test_source_that_another_run_has_claimed_is_left_to_it(shelf: Shelf, clips: Clips, prepare: Prepare) -> None:
    attempt = await prepare(clips.timecode(), MKV)
    shelf.journal.claim(shelf.films / "Film.mp4", RUN)

    ended = await attempt.run()

    assert isinstance(ended, AttemptSucceeded)
    assert (ended.outcome, ended.settled) == (Outcome.SKIPPED, False)
    assert [path.name for path in shelf.films.iterdir()] == ["Film.mp4"]


async def test_mounted_host_works_on_our_files_by_its_own_names(
    shelf: Shelf, clips: Clips, prober: Prober, tmp_path: Path
) -> None:
    (tmp_path / "mnt").symlink_to(shelf.films)
    source = shelf.films / "it's $(a) film.mkv"
    shutil.copy(clips.rich(), source)
    mapping = PathMapping([PathSubstitution(str(shelf.films), str(tmp_path / "mnt"))])
    host = Host(LocalTransport("nas"), Mapped(shelf.journal, RUN, mapping), Ffmpeg(FFMPEG, "", frozenset()))
    local = LocalTransport("local")
    tools = Tools(RUN, shelf.journal, prober, shelf.journal.record, time.time, 30.0, local, lambda: FFMPEG)
    film = planned_job(await prober.probe(source), SAME)

    ended = await Attempt(film, 1, f"{RUN}-1-1", host, tools).run()

    assert isinstance(ended, AttemptSucceeded), ended
    assert [path.name for path in shelf.films.iterdir()] == [source.name]
    assert identify(source).size_bytes == ended.output_bytes
