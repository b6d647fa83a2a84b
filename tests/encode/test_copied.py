"""How media is copied to a host and back: checked, told of, and refused where it would not fit."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path, PurePosixPath

import pytest

from pytranscoder.encode.copied import copied_names
from pytranscoder.encode.room import MARGIN_BYTES, Loans
from pytranscoder.encode.staging import Staged
from pytranscoder.errors import (
    AttemptError,
    LostError,
    ReplaceError,
    SourceChangedError,
    TransferError,
    UnfitError,
    UnreadableMediaError,
    VerifyError,
)
from pytranscoder.jobs.events import Direction, Transfer
from pytranscoder.media.model import Stream, StreamKind
from tests.encode.conftest import Disks
from tests.encode.fake_files import Visit, refusal
from tests.encode.nas import ATTEMPT, Nas, stage_and_fetch
from tests.encode.samples import NEW, OLD, RUN, SAME, media, planned_job

COVER = Stream(2, StreamKind.VIDEO, "png", attached_picture=True, filename="cover.png", mimetype="image/png")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Film.mkv", "source.mkv"),
        ("it's $(x)\n\udcff.MTS", "source.MTS"),
        ("Film.m k v", "source"),
        ("Film.mkv\n", "source"),
        ("Film.mé", "source"),
        ("Film.", "source"),
        ("-", "source"),
    ],
)
def test_names_on_the_host_are_plain(source: str, expected: str) -> None:
    film = planned_job(media(f"/films/{source}", streams=(*media().streams, COVER)), SAME)

    staged = copied_names(film, ATTEMPT, RUN, "/work/")

    assert staged.source == f"/work/pytranscoder-{RUN}/1-1/{expected}"
    assert staged.output.isprintable()
    assert staged.fetched == staged.partial == film.partial(Path("/films"), ATTEMPT)


def test_output_and_covers_are_beside_the_copied_source() -> None:
    film = planned_job(media("/films/Film.mkv", streams=(*media().streams, COVER)), SAME)

    staged = copied_names(film, ATTEMPT, RUN, "C:\\work")

    assert staged.output == f"C:\\work\\pytranscoder-{RUN}\\1-1\\output.mkv"
    assert staged.covers == {2: f"C:\\work\\pytranscoder-{RUN}\\1-1\\cover.2"}


async def test_source_is_copied_and_a_place_for_the_output_kept(nas: Nas) -> None:
    async with nas.staging().stage(nas.film(), 1, ATTEMPT) as staged:
        assert Path(staged.source).read_bytes() == OLD
        assert staged.partial.read_bytes() == b""
        assert nas.noted() == [staged.partial]
        assert nas.directories == ["1-1"]


async def test_all_that_was_made_is_removed_at_the_end(nas: Nas) -> None:
    staging = nas.staging()

    async with staging.stage(nas.film(), 1, ATTEMPT) as staged:
        Path(staged.output).write_bytes(NEW)
        (Path(staged.output).parent / "more").mkdir()
    await staging.close()

    assert nas.shelf.contents() == {"Film.mp4": OLD}
    assert (nas.noted(), list(nas.work.iterdir())) == ([], [])


async def test_folder_that_cannot_be_written_is_known_before_the_upload(nas: Nas, disks: Disks) -> None:
    locked = changed(nas, shelf=changed(nas.shelf, films=disks.mount("64k")))
    film = locked.film()
    disks.lock(locked.shelf.films)

    with pytest.raises(ReplaceError, match="Read-only file system"):
        async with locked.staging().stage(film, 1, ATTEMPT):
            pass

    assert nas.files.log == []


async def test_disk_of_the_host_that_is_too_small_is_known_before_the_upload(nas: Nas) -> None:
    nas.files.free = 1000

    with pytest.raises(UnfitError, match="host nas: "):
        async with nas.staging().stage(nas.film(), 1, ATTEMPT):
            pass

    assert "upload" not in nas.files.log
    assert nas.directories == []


async def test_two_clusters_do_not_promise_the_space_of_one_machine_twice(nas: Nas) -> None:
    nas.files.free = MARGIN_BYTES + 3 * len(OLD)
    loans = Loans()
    other = nas.staging(cluster="work", loans=loans)

    async with nas.staging(loans=loans).stage(nas.film(), 1, ATTEMPT):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), other.stage(nas.film("Other.mp4"), 2, f"{RUN}-2-1"):
                pass


def overwrite(source: Path) -> None:
    source.write_bytes(OLD[::-1])


def lengthen(source: Path) -> None:
    source.write_bytes(OLD + OLD)


@pytest.mark.parametrize("change", [overwrite, lengthen, Path.unlink], ids=["overwritten", "longer", "removed"])
async def test_source_that_changes_while_it_is_copied_is_no_source(nas: Nas, change: Callable[[Path], None]) -> None:
    film = nas.film()

    async def change_source() -> None:
        change(film.media.path)

    nas.files.on["upload"] = change_source

    with pytest.raises(SourceChangedError):
        async with nas.staging().stage(film, 1, ATTEMPT):
            pass
    assert nas.directories == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (LostError("nas", "cable pulled"), LostError),
        (TransferError("nas", "no such thing"), TransferError),
        (OSError(errno.EIO, "Input/output error"), UnreadableMediaError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_upload_that_fails_says_why_and_leaves_nothing(
    nas: Nas, raised: Exception, expected: type[AttemptError]
) -> None:
    nas.files.on["upload"] = refusal(raised)

    with pytest.raises(expected):
        async with nas.staging().stage(nas.film(), 1, ATTEMPT):
            pass

    assert (nas.directories, nas.noted()) == ([], [])
    assert nas.shelf.contents() == {"Film.mp4": OLD}


async def test_transfers_are_told_of(nas: Nas) -> None:
    staging = nas.staging()

    async with staging.stage(nas.film(), 7, f"{RUN}-7-2") as staged:
        Path(staged.output).write_bytes(NEW)
        await staging.fetch(staged, 7, None)

    begun = Transfer(
        time=100.0,
        job=7,
        attempt=f"{RUN}-7-2",
        media=nas.shelf.films / "Film.mp4",
        host="nas",
        cluster="home",
        direction=Direction.UPLOAD,
        done_bytes=0,
        total_bytes=len(OLD),
    )
    back = changed(begun, direction=Direction.FETCH, total_bytes=len(NEW))
    assert nas.events == [
        begun,
        changed(begun, done_bytes=len(OLD)),
        back,
        changed(back, done_bytes=len(NEW)),
    ]


async def test_uploads_go_one_after_the_other(nas: Nas) -> None:
    staging, visit = nas.staging(), Visit()
    nas.files.on["upload"] = visit

    async with asyncio.TaskGroup() as group:
        for job in (1, 2):
            group.create_task(stage_and_fetch(nas, staging, job))
        await visit.begun.wait()
        await asyncio.wait([group.create_task(asyncio.sleep(0)) for _ in range(20)])
        assert nas.files.log.count("upload") == 1
        visit.over.set()

    uploads = [event.job for event in nas.events if isinstance(event, Transfer) and event.direction == "upload"]
    assert uploads in ([1, 1, 2, 2], [2, 2, 1, 1])


async def test_fetching_does_not_wait_for_an_upload(nas: Nas) -> None:
    staging, visit = nas.staging(), Visit()

    async with staging.stage(nas.film(), 1, ATTEMPT) as staged, asyncio.TaskGroup() as group:
        Path(staged.output).write_bytes(NEW)
        nas.files.on["upload"] = visit
        group.create_task(stage_and_fetch(nas, staging, 2))
        await visit.begun.wait()

        await staging.fetch(staged, 1, len(NEW))

        assert staged.fetched.read_bytes() == NEW
        visit.over.set()


async def fetch(nas: Nas, prepare: Callable[[Staged], None]) -> None:
    """Fetch an output of a host on which something was done to it."""
    staging = nas.staging()
    async with staging.stage(nas.film(), 1, ATTEMPT) as staged:
        Path(staged.output).write_bytes(NEW)
        prepare(staged)
        await staging.fetch(staged, 1, len(NEW))


async def test_output_that_does_not_arrive_whole_is_refused(nas: Nas) -> None:
    def lose(_: Staged) -> None:
        nas.files.lost = 1

    with pytest.raises(TransferError, match=f"{len(NEW) - 1} of {len(NEW)} bytes"):
        await fetch(nas, lose)


async def test_output_that_is_not_there_is_no_output(nas: Nas) -> None:
    with pytest.raises(VerifyError, match="there is no output"):
        await fetch(nas, lambda staged: Path(staged.output).unlink())


async def test_full_disk_of_this_machine_is_not_the_fault_of_the_host(nas: Nas) -> None:
    nas.files.on["fetch"] = refusal(OSError(errno.ENOSPC, "No space left on device"))

    with pytest.raises(ReplaceError, match="this machine has no space left for"):
        await fetch(nas, lambda _: None)


async def test_output_that_does_not_fit_on_our_disk_is_not_fetched(nas: Nas) -> None:
    def claim_much(staged: Staged) -> None:
        os.truncate(staged.output, shutil.disk_usage(nas.shelf.films).total)  # with a hole: it takes no room itself

    with pytest.raises(ReplaceError, match=r"this machine has no space left for .*: the output has \d+ bytes, \d+ are"):
        await fetch(nas, claim_much)

    assert "fetch" not in nas.files.log


async def test_output_that_leaves_the_disk_no_margin_is_not_fetched(nas: Nas, disks: Disks) -> None:
    small = changed(nas, shelf=changed(nas.shelf, films=disks.mount(str(MARGIN_BYTES))))

    with pytest.raises(ReplaceError, match="this machine has no space left for"):
        await fetch(small, lambda _: None)


async def test_output_that_is_longer_than_was_said_is_not_fetched_to_its_end(nas: Nas) -> None:
    staging = nas.staging()
    async with staging.stage(nas.film(), 1, ATTEMPT) as staged:
        Path(staged.output).write_bytes(10 * NEW)
        nas.files.said = len(NEW)

        with pytest.raises(TransferError, match=f"more than the {len(NEW)} bytes of the output arrive"):
            await staging.fetch(staged, 1, len(NEW))

        assert staged.fetched.stat().st_size < 10 * len(NEW)


def test_directory_of_an_attempt_is_that_of_the_job_and_its_number() -> None:
    staged = copied_names(planned_job(media()), f"{RUN}-12-3", RUN, "/work")

    assert PurePosixPath(staged.output).parent.name == "12-3"
