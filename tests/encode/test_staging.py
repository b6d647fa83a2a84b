from dataclasses import replace as changed
from pathlib import Path

import pytest

from pytranscoder.encode.choose import PlannedJob
from pytranscoder.encode.replace import identify
from pytranscoder.encode.staging import InPlace
from pytranscoder.errors import ReplaceError
from pytranscoder.media.model import Stream, StreamKind
from tests.encode.conftest import Disks
from tests.encode.samples import OLD, RUN, SAME, Shelf, media, planned_job

ATTEMPT = f"{RUN}-1-1"
COVER = Stream(2, StreamKind.VIDEO, "png", attached_picture=True, filename="cover.png", mimetype="image/png")


def staging(shelf: Shelf, *, by_fast: bool = False) -> InPlace:
    return InPlace(shelf.journal, RUN, shelf.fast if by_fast else None)


def film_in(shelf: Shelf) -> PlannedJob:
    source = shelf.source()
    return planned_job(media(str(source), identity=identify(source)))


def partials(shelf: Shelf) -> list[Path]:
    shelf.journal.flush()
    return shelf.journal.partials(RUN)


async def test_partial_name_is_reserved_and_noted_beside_the_final_one(shelf: Shelf) -> None:
    async with staging(shelf).stage(film_in(shelf), 1, ATTEMPT) as staged:
        assert staged.fetched == staged.partial == shelf.films / f".Film.ptc-{ATTEMPT}.mkv"
        assert staged.output == str(staged.partial)
        assert staged.partial.read_bytes() == b""
        assert partials(shelf) == [staged.partial]


async def test_output_is_made_on_fast_storage_and_a_place_beside_the_final_name_kept(shelf: Shelf) -> None:
    async with staging(shelf, by_fast=True).stage(film_in(shelf), 1, ATTEMPT) as staged:
        assert staged.fetched == shelf.fast / f".Film.ptc-{ATTEMPT}.mkv"
        assert staged.partial == shelf.films / f".Film.ptc-{ATTEMPT}.mkv"
        assert sorted(partials(shelf)) == sorted([staged.fetched, staged.partial])


async def test_each_cover_has_a_file_of_its_own(shelf: Shelf) -> None:
    source = shelf.source("Film.mkv")
    film = media(str(source), container="matroska,webm", streams=(*media().streams, COVER))

    async with staging(shelf).stage(planned_job(film, SAME), 1, ATTEMPT) as staged:
        assert dict(staged.covers) == {2: str(shelf.films / f".Film.ptc-{ATTEMPT}.2")}
        assert Path(staged.covers[2]) in partials(shelf)


@pytest.mark.parametrize("by_fast", [False, True], ids=["beside", "by fls_path"])
async def test_leaving_removes_and_forgets_all_that_was_made(shelf: Shelf, by_fast: bool) -> None:
    async with staging(shelf, by_fast=by_fast).stage(film_in(shelf), 1, ATTEMPT) as staged:
        staged.fetched.write_bytes(b"half an output")

    assert shelf.contents() == {"Film.mp4": OLD}
    assert list(shelf.fast.iterdir()) == []
    assert partials(shelf) == []


async def test_error_on_the_way_removes_all_that_was_made(shelf: Shelf) -> None:
    with pytest.raises(RuntimeError):
        async with staging(shelf).stage(film_in(shelf), 1, ATTEMPT):
            raise RuntimeError

    assert shelf.contents() == {"Film.mp4": OLD}


async def test_folder_that_cannot_be_written_is_known_before_the_encode(shelf: Shelf, disks: Disks) -> None:
    locked = changed(shelf, films=disks.mount("64k"))
    film = film_in(locked)
    disks.lock(locked.films)

    with pytest.raises(ReplaceError, match="Read-only file system"):
        async with staging(locked).stage(film, 1, ATTEMPT):
            pass

    assert partials(locked) == []


async def test_full_disk_is_known_before_the_encode(shelf: Shelf, disks: Disks) -> None:
    full = changed(shelf, films=disks.mount("64k,nr_inodes=2"))
    film = film_in(full)

    with pytest.raises(ReplaceError, match="no space left"):
        async with staging(full).stage(film, 1, ATTEMPT):
            pass


async def test_partial_file_that_cannot_be_removed_stays_noted(shelf: Shelf, disks: Disks) -> None:
    locked = changed(shelf, films=disks.mount("64k"))

    async with staging(locked).stage(film_in(locked), 1, ATTEMPT) as staged:
        disks.lock(locked.films)

    assert partials(locked) == [staged.partial]
