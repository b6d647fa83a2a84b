import asyncio
from dataclasses import replace as changed
from pathlib import Path

import pytest

from pytranscoder.encode.mapped import Mapped
from pytranscoder.encode.replace import identify
from pytranscoder.encode.staging import Staged
from pytranscoder.errors import ReplaceError, VerifyError
from pytranscoder.hosts.definition import PathSubstitution
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.media.model import Stream, StreamKind
from tests.encode.conftest import Disks
from tests.encode.samples import NEW, OLD, RUN, SAME, Shelf, media, planned_job

ATTEMPT = f"{RUN}-1-1"
COVER = Stream(2, StreamKind.VIDEO, "png", attached_picture=True, filename="cover.png", mimetype="image/png")


def staging(shelf: Shelf, settle_s: float = 0.0) -> Mapped:
    return Mapped(shelf.journal, RUN, PathMapping([PathSubstitution(str(shelf.films), "Z:\\films")]), settle_s)


def noted(shelf: Shelf) -> list[Path]:
    shelf.journal.flush()
    return shelf.journal.partials(RUN)


async def test_host_is_given_its_own_names_for_our_files(shelf: Shelf) -> None:
    source = shelf.source("Film.mkv")
    film = media(str(source), identity=identify(source), streams=(*media().streams, COVER))

    async with staging(shelf).stage(planned_job(film, SAME), 1, ATTEMPT) as staged:
        assert staged == Staged(
            attempt=ATTEMPT,
            media=source,
            source="Z:\\films\\Film.mkv",
            output=f"Z:\\films\\.Film.ptc-{ATTEMPT}.mkv",
            fetched=shelf.films / f".Film.ptc-{ATTEMPT}.mkv",
            partial=shelf.films / f".Film.ptc-{ATTEMPT}.mkv",
            covers={2: f"Z:\\films\\.Film.ptc-{ATTEMPT}.2"},
        )


async def test_files_are_the_hosts_to_make_and_are_noted_meanwhile(shelf: Shelf) -> None:
    async with staging(shelf).stage(planned_job(media(str(shelf.source()))), 1, ATTEMPT) as staged:
        assert shelf.contents() == {"Film.mp4": OLD}
        assert noted(shelf) == [staged.partial]
        staged.partial.write_bytes(NEW)

    assert shelf.contents() == {"Film.mp4": OLD}
    assert noted(shelf) == []


async def test_folder_that_cannot_be_written_is_known_before_the_host_begins(shelf: Shelf, disks: Disks) -> None:
    locked = changed(shelf, films=disks.mount("64k"))
    film = planned_job(media(str(locked.source())))
    disks.lock(locked.films)

    with pytest.raises(ReplaceError, match="Read-only file system"):
        async with staging(locked).stage(film, 1, ATTEMPT):
            pass


def output_of(shelf: Shelf) -> Staged:
    path = shelf.films / "output.mkv"
    return Staged(ATTEMPT, shelf.films / "Film.mp4", "", "", path, path)


@pytest.mark.parametrize("said", [len(NEW), None], ids=["as large as ffmpeg said", "ffmpeg did not say"])
async def test_output_that_is_seen_whole_is_taken(shelf: Shelf, said: int | None) -> None:
    staged = output_of(shelf)
    staged.fetched.write_bytes(NEW)

    await staging(shelf).fetch(staged, 1, said)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [(NEW[:5], f"ffmpeg wrote {len(NEW)} bytes, 5 are seen here"), (None, "the output cannot be seen here as .*")],
    ids=["cut", "not there"],
)
async def test_output_that_is_not_what_the_host_wrote_is_refused(
    shelf: Shelf, written: bytes | None, sentence: str
) -> None:
    staged = output_of(shelf)
    if written is not None:
        staged.fetched.write_bytes(written)

    with pytest.raises(VerifyError, match=sentence):
        await staging(shelf).fetch(staged, 1, len(NEW))


async def test_end_of_the_output_may_be_seen_late(shelf: Shelf) -> None:
    staged = output_of(shelf)

    fetching = asyncio.ensure_future(staging(shelf, settle_s=30.0).fetch(staged, 1, len(NEW)))
    await asyncio.wait([fetching], timeout=0.05)
    assert not fetching.done()
    staged.fetched.write_bytes(NEW)

    await fetching
