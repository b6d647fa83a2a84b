"""Each state that a crash can leave on disk, made by hand; `tests/crash` makes them by crashing."""

import os
from collections.abc import Callable
from dataclasses import replace as changed

import pytest

from pytranscoder.encode.replace import recover
from pytranscoder.jobs.replacement import Replacement
from tests.encode.conftest import Disks
from tests.encode.samples import NEW, OLD, Shelf

Change = Callable[[Replacement], object]


def link(intent: Replacement) -> None:
    """As after Step.LINKED."""
    intent.final.hardlink_to(intent.partial)


def rename(intent: Replacement) -> None:
    """As after Step.RENAMED."""
    intent.partial.replace(intent.final)


def rename_and_remove(intent: Replacement) -> None:
    """As after Step.SOURCE_REMOVED."""
    rename(intent)
    intent.source.unlink()


def change_source(intent: Replacement) -> None:
    intent.source.write_bytes(b"a better cut")


def remove_source(intent: Replacement) -> None:
    intent.source.unlink()


def take_final_name(intent: Replacement) -> None:
    intent.final.write_bytes(b"another film")


def cut_partial(intent: Replacement) -> None:
    os.truncate(intent.partial, 3)


def remove_partial(intent: Replacement) -> None:
    intent.partial.unlink()


def rename_then_edit(intent: Replacement) -> None:
    rename(intent)
    intent.final.write_bytes(NEW + b" and edited")


def begin(shelf: Shelf, intent: Replacement, *, durable: bool) -> None:
    shelf.journal.begin_replacement(intent)
    if durable:
        shelf.journal.mark_durable(intent.attempt)


@pytest.mark.parametrize(
    ("crash", "source", "expected"),
    [
        pytest.param(lambda _: None, "Film.mp4", {"Film.mkv": NEW}, id="durable"),
        pytest.param(link, "Film.mp4", {"Film.mkv": NEW}, id="linked"),
        pytest.param(rename, "Film.mp4", {"Film.mkv": NEW}, id="renamed"),
        pytest.param(rename_and_remove, "Film.mp4", {"Film.mkv": NEW}, id="source removed"),
        pytest.param(lambda _: None, "Film.mkv", {"Film.mkv": NEW}, id="durable, same name"),
        pytest.param(rename, "Film.mkv", {"Film.mkv": NEW}, id="renamed, same name"),
        pytest.param(remove_source, "Film.mp4", {"Film.mkv": NEW}, id="source gone: the new file is the only one"),
        pytest.param(remove_source, "Film.mkv", {"Film.mkv": NEW}, id="source gone, same name"),
    ],
)
def test_replacement_whose_new_file_was_durable_is_finished(
    shelf: Shelf, crash: Change, source: str, expected: dict[str, bytes]
) -> None:
    intent = shelf.intent(shelf.source(source))
    begin(shelf, intent, durable=True)
    crash(intent)

    assert recover(intent, shelf.journal, durable=True) == ()

    assert shelf.contents() == expected
    assert shelf.journal.was_produced(intent.final, intent.source, len(OLD), "hevc")


@pytest.mark.parametrize(
    ("crash", "durable", "expected"),
    [
        pytest.param(lambda _: None, False, {"Film.mp4": OLD}, id="not durable"),
        pytest.param(remove_partial, False, {"Film.mp4": OLD}, id="not durable, no partial file"),
        pytest.param(cut_partial, True, {"Film.mp4": OLD}, id="partial file cut"),
        pytest.param(remove_partial, True, {"Film.mp4": OLD}, id="partial file gone"),
        pytest.param(change_source, True, {"Film.mp4": b"a better cut"}, id="source changed"),
        pytest.param(take_final_name, True, {"Film.mp4": OLD, "Film.mkv": b"another film"}, id="final name taken"),
        pytest.param(
            rename_then_edit, True, {"Film.mp4": OLD, "Film.mkv": NEW + b" and edited"}, id="new file edited since"
        ),
    ],
)
def test_replacement_that_cannot_be_finished_is_undone(
    shelf: Shelf, crash: Change, durable: bool, expected: dict[str, bytes]
) -> None:
    intent = shelf.intent(shelf.source())
    begin(shelf, intent, durable=durable)
    crash(intent)

    assert recover(intent, shelf.journal, durable=durable) is None

    assert shelf.contents() == expected
    assert shelf.open_replacements() == 0


def test_kept_source_stays_when_its_replacement_is_finished(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source(), "Film.mkv.tmp", keep=True)

    recover(intent, shelf.journal, durable=True)

    assert shelf.contents() == {"Film.mp4": OLD, "Film.mkv.tmp": NEW}


def test_finishing_removes_the_output_on_fast_storage(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source(), elsewhere=True)
    intent.partial.write_bytes(NEW)

    recover(intent, shelf.journal, durable=True)

    assert shelf.contents() == {"Film.mkv": NEW}
    assert list(shelf.fast.iterdir()) == []


def test_source_that_changed_after_the_crash_stays_and_is_told_of(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())
    rename(intent)
    change_source(intent)

    notes = recover(intent, shelf.journal, durable=True)

    assert notes == (f"{intent.source} was changed meanwhile and stays",)
    assert shelf.contents() == {"Film.mp4": b"a better cut", "Film.mkv": NEW}


def test_file_of_the_same_size_under_the_final_name_costs_no_source_before_the_new_one_was_durable(
    shelf: Shelf,
) -> None:
    intent = shelf.intent(shelf.source())
    remove_partial(intent)
    intent.final.write_bytes(NEW)

    assert recover(intent, shelf.journal, durable=False) is None

    assert intent.source.read_bytes() == OLD


def test_device_of_a_share_may_be_another_one_after_a_restart(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())
    remounted = changed(intent, identity=changed(intent.identity, device=intent.identity.device + 1))

    recover(remounted, shelf.journal, durable=True)

    assert shelf.contents() == {"Film.mkv": NEW}


@pytest.mark.parametrize("is_empty", [True, False], ids=["empty folder", "no folder"])
def test_share_that_is_not_mounted_leaves_everything_undecided(shelf: Shelf, is_empty: bool) -> None:
    intent = shelf.intent(shelf.source())
    begin(shelf, intent, durable=True)
    shelf.films.rename(shelf.films.with_name("unmounted"))
    if is_empty:
        shelf.films.mkdir()

    with pytest.raises(FileNotFoundError):
        recover(intent, shelf.journal, durable=True)

    assert shelf.open_replacements() == 1


@pytest.mark.parametrize("durable", [True, False])
def test_share_that_cannot_be_written_leaves_everything_undecided(shelf: Shelf, disks: Disks, durable: bool) -> None:
    locked = changed(shelf, films=disks.mount("64k"))
    intent = locked.intent(locked.source("Film.mkv"))
    begin(locked, intent, durable=durable)
    disks.lock(locked.films)

    with pytest.raises(OSError, match="Read-only"):
        recover(intent, locked.journal, durable=durable)

    assert intent.source.read_bytes() == OLD
    assert locked.open_replacements() == 1
