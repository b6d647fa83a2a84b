"""Attempts on a host to which media is copied: a folder of this machine, with a real ffmpeg."""

import asyncio
import errno
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path

import pytest

from pytranscoder.encode.attempt import Attempt, Host, Tools
from pytranscoder.encode.copied import Copied
from pytranscoder.errors import AttemptError, Fault, FfmpegMissingError, LostError, TransferError
from pytranscoder.hosts.ffmpeg import Ffmpeg
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.transport import Captured, Supervised
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    EncodeEnded,
    EncodeStarted,
    Event,
    MediaStaged,
    Outcome,
    Progress,
    Transfer,
)
from pytranscoder.media.prober import Prober
from pytranscoder.profiles.definition import ProfileDefinition
from tests.clips import FFMPEG, Clips
from tests.encode.fake_files import FakeFiles, Visit, refusal
from tests.encode.samples import MKV, RUN, SAME, Shelf, planned_job

SLOW = ProfileDefinition("slow", input_options="-readrate 0.01", output_options="-c copy", extension=".mkv")
DECODED = changed(MKV, verify="decode")


class NasTransport:
    """Runs the programs of the host; its connection `breaks` in mid-encode when asked to."""

    def __init__(self, host: str = "nas") -> None:
        self._local = LocalTransport(host)
        self.commands: list[tuple[str, ...]] = []
        self.breaks = False

    @property
    def host(self) -> str:
        return self._local.host

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        return await self._local.capture(argv, timeout_s)

    def supervise(self, argv: Sequence[str], partial: str) -> AbstractAsyncContextManager[Supervised]:
        self.commands.append(tuple(argv))
        return self._broken(argv, partial) if self.breaks else self._local.supervise(argv, partial)

    @asynccontextmanager
    async def _broken(self, argv: Sequence[str], partial: str) -> AsyncIterator[Supervised]:
        async with self._local.supervise(argv, partial) as ffmpeg:
            yield ffmpeg
            raise LostError(self.host, "cable pulled")


@dataclass(slots=True)
class Nas:
    """A streaming host, and what is heard of it."""

    shelf: Shelf
    work: Path
    prober: Prober
    transport: NasTransport = field(default_factory=NasTransport)
    files: FakeFiles = field(default_factory=FakeFiles)
    events: list[Event] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    ffmpeg: str = FFMPEG
    local_ffmpeg: Callable[[], str] = lambda: FFMPEG

    async def attempt(
        self, clip: Path, definition: ProfileDefinition = MKV, slot: asyncio.Event | None = None, name: str = "Film"
    ) -> Attempt:
        """Put a clip on the shelf and make an attempt at it."""
        source = self.shelf.films / f"{name}{clip.suffix}"
        shutil.copy(clip, source)
        film = planned_job(await self.prober.probe(source), definition)
        staging = Copied(
            self.shelf.journal, RUN, self.files, str(self.work), "nas", "home", self.events.append, time.time
        )
        host = Host(self.transport, staging, Ffmpeg(self.ffmpeg, "", frozenset()), "home")
        local = LocalTransport("local")
        tools = Tools(RUN, self.shelf.journal, self.prober, self._hear, time.time, 30.0, local, self.local_ffmpeg)
        return Attempt(film, 1, f"{RUN}-1-1", host, tools, slot)

    def _hear(self, event: Event) -> None:
        self.shelf.journal.record(event)
        self.events.append(event)
        self.heard.set()

    async def hear(self, kind: type[Event]) -> None:
        """Wait for the first event of a kind."""
        while not any(isinstance(event, kind) for event in self.events):
            self.heard.clear()
            await self.heard.wait()

    def kinds(self) -> list[str]:
        """The events without repetition."""
        names = [type(event).__name__ for event in self.events]
        return [name for before, name in zip([None, *names], names, strict=False) if name != before]

    def remains(self) -> list[object]:
        """What an attempt may leave nowhere: directories of attempts, partial files, claims."""
        self.shelf.journal.flush()
        hidden = [path for path in self.shelf.films.iterdir() if path.name.startswith(".")]
        journal = self.shelf.journal
        return [*self.work.glob("*/*"), *hidden, *journal.partials(RUN), *journal.claims(RUN)]


@pytest.fixture
async def nas(shelf: Shelf, tmp_path: Path) -> AsyncIterator[Nas]:
    (tmp_path / "work").mkdir()
    async with Prober() as prober:
        yield Nas(shelf, tmp_path / "work", prober)


def names(shelf: Shelf) -> list[str]:
    return [path.name for path in shelf.films.iterdir()]


@pytest.mark.parametrize("name", ["Film", "-it's $(touch x)\n`%d` \udcff"], ids=["plain", "odd"])
async def test_media_is_copied_encoded_fetched_and_put_in_place(nas: Nas, clips: Clips, name: str) -> None:
    attempt = await nas.attempt(clips.timecode(), name=name)

    ended = await attempt.run()

    assert isinstance(ended, AttemptSucceeded), ended
    assert names(nas.shelf) == [f"{name}.mkv"]
    assert (ended.host, ended.outcome, nas.remains()) == ("nas", Outcome.ENCODED, [])
    assert nas.kinds() == ["Transfer", "EncodeStarted", "Progress", "EncodeEnded", "Transfer"]


async def test_cover_art_is_extracted_on_the_host(nas: Nas, clips: Clips) -> None:
    ended = await (await nas.attempt(clips.rich(), SAME)).run()

    assert isinstance(ended, AttemptSucceeded), ended
    media = await nas.prober.probe(nas.shelf.films / "Film.mkv")
    assert any(stream.attached_picture for stream in media.streams)
    assert nas.remains() == []


async def test_host_knows_the_media_by_plain_names_only(nas: Nas, clips: Clips) -> None:
    await (await nas.attempt(clips.timecode(), name="it's a film")).run()

    (argv,) = nas.transport.commands
    folder = nas.work / f"pytranscoder-{RUN}" / "1-1"
    assert (argv[argv.index("-i") + 1], argv[-1]) == (f"{folder}/source.mp4", f"{folder}/output.mkv")


async def test_staged_media_waits_for_its_slot(nas: Nas, clips: Clips) -> None:
    slot = asyncio.Event()
    attempt = await nas.attempt(clips.timecode(), slot=slot)

    work = asyncio.ensure_future(attempt.run())
    await nas.hear(MediaStaged)
    await asyncio.wait([work], timeout=0.05)
    assert nas.transport.commands == []
    slot.set()

    assert isinstance(await work, AttemptSucceeded)


async def test_events_tell_of_the_cluster(nas: Nas, clips: Clips) -> None:
    slot = asyncio.Event()
    slot.set()
    await (await nas.attempt(clips.timecode(), slot=slot)).run()

    telling = [event for event in nas.events if isinstance(event, Transfer | MediaStaged | EncodeStarted)]
    assert {event.cluster for event in telling} == {"home"}


async def test_decoding_is_done_on_this_machine(nas: Nas, clips: Clips) -> None:
    nas.local_ffmpeg = lambda: "/bin/false"

    ended = await (await nas.attempt(clips.timecode(), DECODED)).run()

    assert isinstance(ended, AttemptFailed)
    assert ended.reason == "the output does not decode: ffmpeg exited with status 1"
    assert len(nas.transport.commands) == 1


@pytest.mark.parametrize("host", ["nas", "local"])
async def test_machine_that_cannot_decode_is_known_before_the_upload(nas: Nas, clips: Clips, host: str) -> None:
    def find() -> str:
        raise FfmpegMissingError("local", "no ffmpeg found")

    nas.transport, nas.local_ffmpeg = NasTransport(host), find

    ended = await (await nas.attempt(clips.timecode(), DECODED)).run()

    assert isinstance(ended, AttemptFailed)
    assert (ended.final, nas.events) == (True, [])


async def test_full_disk_of_this_machine_is_no_fault_of_a_host_named_local(nas: Nas, clips: Clips) -> None:
    nas.transport = NasTransport("local")
    nas.files.on["fetch"] = refusal(OSError(errno.ENOSPC, "No space left on device"))

    ended = await (await nas.attempt(clips.timecode())).run()

    assert isinstance(ended, AttemptFailed)
    assert (ended.final, "this machine has no space left for" in ended.reason) == (True, True)


@pytest.mark.parametrize("verb", ["make_directory", "upload", "fetch"])
async def test_cancelled_copy_leaves_nothing(nas: Nas, clips: Clips, verb: str) -> None:
    visit = Visit()
    nas.files.on[verb] = visit
    work = asyncio.ensure_future((await nas.attempt(clips.timecode())).run())
    await visit.begun.wait()

    await cancel(work)

    assert (nas.remains(), names(nas.shelf)) == ([], ["Film.mp4"])


@pytest.mark.parametrize("kind", [MediaStaged, Progress], ids=["waiting for a slot", "encoding"])
async def test_cancelled_attempt_leaves_nothing(nas: Nas, clips: Clips, kind: type[Event]) -> None:
    slot = asyncio.Event() if kind is MediaStaged else None
    work = asyncio.ensure_future((await nas.attempt(clips.timecode(), SLOW, slot)).run())
    await nas.hear(kind)

    await cancel(work)

    assert (nas.remains(), names(nas.shelf)) == ([], ["Film.mp4"])


async def cancel(work: asyncio.Future[AttemptSucceeded | AttemptFailed]) -> None:
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


@pytest.mark.parametrize("verb", ["make_directory", "upload", "fetch"])
@pytest.mark.parametrize("error", [LostError("nas", "cable pulled"), TransferError("nas", "no")], ids=["lost", "bad"])
async def test_copy_that_fails_is_the_fault_of_the_host(nas: Nas, clips: Clips, verb: str, error: AttemptError) -> None:
    nas.files.on[verb] = refusal(error)

    ended = await (await nas.attempt(clips.timecode())).run()

    assert isinstance(ended, AttemptFailed)
    assert (ended.fault, ended.retry_here, ended.final, ended.cluster) == (Fault.HOST, True, False, "home")
    assert (nas.remains(), names(nas.shelf)) == ([], ["Film.mp4"])


@pytest.mark.parametrize("host", ["nas", "local"])
async def test_host_that_is_lost_in_mid_encode_may_try_again(nas: Nas, clips: Clips, host: str) -> None:
    nas.transport = NasTransport(host)
    nas.transport.breaks = True

    ended = await (await nas.attempt(clips.timecode())).run()

    assert isinstance(ended, AttemptFailed)
    assert (ended.reason, ended.retry_here, ended.final) == (f"host {host}: cable pulled", True, False)
    assert (nas.remains(), names(nas.shelf)) == ([], ["Film.mp4"])


async def test_source_that_changes_while_it_is_copied_is_not_tried_again(nas: Nas, clips: Clips) -> None:
    async def change() -> None:
        (nas.shelf.films / "Film.mp4").touch()

    nas.files.on["upload"] = change

    ended = await (await nas.attempt(clips.timecode())).run()

    assert isinstance(ended, AttemptFailed)
    assert ended.final
    assert (nas.transport.commands, nas.remains(), names(nas.shelf)) == ([], [], ["Film.mp4"])


async def test_output_that_arrives_cut_never_takes_the_place_of_its_source(nas: Nas, clips: Clips) -> None:
    attempt = await nas.attempt(clips.timecode())
    before = (nas.shelf.films / "Film.mp4").read_bytes()

    async def lose() -> None:
        nas.files.lost = 1

    nas.files.on["size_bytes"] = lose  # asked before the output is fetched

    ended = await attempt.run()

    assert isinstance(ended, AttemptFailed)
    assert "bytes of the output arrived" in ended.reason
    assert (nas.shelf.films / "Film.mp4").read_bytes() == before
    assert nas.remains() == []


async def test_final_name_that_is_taken_is_known_before_the_upload(nas: Nas, clips: Clips) -> None:
    attempt = await nas.attempt(clips.timecode())
    (nas.shelf.films / "Film.mkv").write_bytes(b"another film")

    ended = await attempt.run()

    assert isinstance(ended, AttemptFailed)
    assert (ended.final, nas.events) == (True, [])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
async def test_ffmpeg_that_somebody_kills_may_be_tried_again(nas: Nas, clips: Clips, number: signal.Signals) -> None:
    wrapper, pid = nas.work / "ffmpeg", nas.work / "pid"
    wrapper.write_text(f'#!/bin/sh\necho $$ > "{pid}"\nexec "{FFMPEG}" "$@"\n')
    wrapper.chmod(0o700)
    nas.ffmpeg = str(wrapper)
    work = asyncio.ensure_future((await nas.attempt(clips.timecode(), SLOW)).run())
    await nas.hear(Progress)
    os.kill(int(pid.read_text()), number)

    ended = await work

    assert isinstance(ended, AttemptFailed)
    assert (ended.fault, ended.retry_here, ended.final) == (Fault.HOST, True, False)
    assert "stopped from outside" in ended.reason


async def test_slot_is_given_back_before_the_output_is_fetched(nas: Nas, clips: Clips) -> None:
    visit = Visit()
    nas.files.on["fetch"] = visit
    work = asyncio.ensure_future((await nas.attempt(clips.timecode())).run())

    await visit.begun.wait()

    assert any(isinstance(event, EncodeEnded) for event in nas.events)
    visit.over.set()
    assert isinstance(await work, AttemptSucceeded)
