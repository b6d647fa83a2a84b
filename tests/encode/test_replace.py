import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace as changed
from pathlib import Path

import pytest

from pytranscoder.encode.replace import Checkpoint, Step, is_source, replace
from pytranscoder.errors import AttemptError, ReplaceError, SourceChangedError
from pytranscoder.jobs.replacement import Replacement
from tests.encode.conftest import Disks
from tests.encode.samples import NEW, OLD, Shelf


def at_step(step: Step, act: Callable[[], object]) -> Checkpoint:
    return lambda reached: act() if reached is step else None  # type: ignore[return-value]  # what it returns is unused


def carry_out(shelf: Shelf, intent: Replacement, at: Checkpoint | None = None) -> tuple[str, ...]:
    return replace(intent, shelf.journal) if at is None else replace(intent, shelf.journal, at=at)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["beside", "by fls_path"])
@pytest.mark.parametrize(
    ("source", "final", "keep", "expected"),
    [
        pytest.param("Film.mkv", "Film.mkv", False, {"Film.mkv": NEW}, id="same name"),
        pytest.param("Film.mp4", "Film.mkv", False, {"Film.mkv": NEW}, id="new extension"),
        pytest.param("Film.mp4", "Film.mkv.tmp", True, {"Film.mp4": OLD, "Film.mkv.tmp": NEW}, id="kept"),
        pytest.param("Film.MKV", "Film.mkv", False, {"Film.mkv": NEW}, id="other case"),
        pytest.param("-Fi\nlm\udcff.mp4", "-Fi\nlm\udcff.mkv", False, {"-Fi\nlm\udcff.mkv": NEW}, id="odd name"),
    ],
)
def test_verified_output_takes_the_place_of_its_source(
    shelf: Shelf, source: str, final: str, keep: bool, expected: dict[str, bytes], elsewhere: bool
) -> None:
    intent = shelf.intent(shelf.source(source), final, keep=keep, elsewhere=elsewhere)

    assert carry_out(shelf, intent) == ()

    assert shelf.contents() == expected
    assert list(shelf.fast.iterdir()) == []


def test_replacement_stays_known_until_the_queue_file_is_pruned(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())

    carry_out(shelf, intent)

    assert shelf.journal.replacements(intent.run) == [(intent, True)]
    assert shelf.journal.was_produced(intent.final, intent.source, len(OLD), "hevc")


@pytest.mark.parametrize("name", ["Film.mkv", "Film.mp4"])
def test_new_file_has_time_mode_and_owner_of_the_old_one(shelf: Shelf, name: str) -> None:
    source = shelf.source(name)
    source.chmod(0o640)
    with suppress(PermissionError):
        os.chown(source, 1234, 4321)
    os.utime(source, ns=(1, 1_500_000_000_000_000_001))
    old = source.stat()

    carry_out(shelf, shelf.intent(source))

    new = (shelf.films / "Film.mkv").stat()
    assert (new.st_mtime_ns, new.st_mode, new.st_uid, new.st_gid) == (
        old.st_mtime_ns,
        old.st_mode,
        old.st_uid,
        old.st_gid,
    )


def test_source_without_write_permission_is_replaced_and_passes_it_on(shelf: Shelf) -> None:
    source = shelf.source("Film.mkv")
    source.chmod(0o444)

    carry_out(shelf, shelf.intent(source))

    assert source.read_bytes() == NEW
    assert stat.S_IMODE(source.stat().st_mode) == 0o444


@pytest.mark.parametrize("final", ["Film.mkv", "Film.mp4"])
def test_steps_come_in_their_order(shelf: Shelf, final: str) -> None:
    seen: list[Step] = []

    carry_out(shelf, shelf.intent(shelf.source(), final), seen.append)

    assert seen == [step for step in Step if step is not Step.LINKED or final == "Film.mkv"]


@pytest.mark.parametrize("is_link", [False, True], ids=["file", "dangling link"])
def test_final_name_that_exists_is_never_overwritten(shelf: Shelf, is_link: bool) -> None:
    intent = shelf.intent(shelf.source())
    if is_link:
        intent.final.symlink_to("nowhere")
    else:
        intent.final.write_bytes(b"another film")

    with pytest.raises(ReplaceError, match=r"Film\.mkv exists already; move it away"):
        carry_out(shelf, intent)

    assert intent.source.read_bytes() == OLD
    assert os.path.lexists(intent.final)
    assert shelf.open_replacements() == 0


@pytest.mark.parametrize("step", [Step.INTENT_RECORDED, Step.COPIED, Step.DURABLE])
def test_final_name_that_appears_at_the_last_moment_is_not_overwritten(shelf: Shelf, step: Step) -> None:
    intent = shelf.intent(shelf.source())

    with pytest.raises(ReplaceError, match="exists already"):
        carry_out(shelf, intent, at_step(step, lambda: intent.final.write_bytes(b"another film")))

    assert shelf.contents() == {"Film.mp4": OLD, "Film.mkv": b"another film"}
    assert shelf.open_replacements() == 0


@pytest.mark.parametrize("step", [Step.BEGIN, Step.INTENT_RECORDED, Step.COPIED, Step.DURABLE])
def test_source_that_changes_meanwhile_stays(shelf: Shelf, step: Step) -> None:
    source = shelf.source("Film.mkv")
    intent = shelf.intent(source)

    with pytest.raises(SourceChangedError, match="was changed while it was encoded"):
        carry_out(shelf, intent, at_step(step, lambda: source.write_bytes(b"a better cut")))

    assert source.read_bytes() == b"a better cut"
    assert shelf.open_replacements() == 0


def test_source_with_other_contents_of_the_same_size_and_time_stays(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())
    swapped = shelf.films / "swapped"
    swapped.write_bytes(OLD[::-1])
    os.utime(swapped, ns=(0, intent.identity.mtime_ns))
    swapped.replace(intent.source)

    with pytest.raises(SourceChangedError):
        carry_out(shelf, intent)

    assert intent.source.read_bytes() == OLD[::-1]


def test_source_that_changes_after_the_new_file_is_in_place_stays_beside_it(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())

    notes = carry_out(shelf, intent, at_step(Step.RENAMED, lambda: intent.source.write_bytes(b"a better cut")))

    assert notes == (f"{intent.source} was changed meanwhile and stays",)
    assert shelf.contents() == {"Film.mp4": b"a better cut", "Film.mkv": NEW}


@pytest.mark.parametrize(
    ("others", "reason"),
    [(["Other.mp4"], "is gone$"), ([], "is empty: is its share mounted")],
    ids=["deleted", "unmounted"],
)
def test_source_that_is_gone_is_told_from_a_share_that_is_not_mounted(
    shelf: Shelf, others: list[str], reason: str
) -> None:
    intent = shelf.intent(shelf.source())
    for path in (intent.source, intent.partial):
        path.unlink()
    for name in others:
        shelf.source(name)

    with pytest.raises(SourceChangedError, match=reason):
        carry_out(shelf, intent)


def test_symbolic_link_is_replaced_and_its_target_stays(shelf: Shelf) -> None:
    target = shelf.fast / "target.mp4"
    target.write_bytes(OLD)
    source = shelf.films / "Film.mp4"
    source.symlink_to(target)

    notes = carry_out(shelf, shelf.intent(source))

    assert notes == (f"{source} was a symbolic link; what it points to stays, no space was saved there",)
    assert target.read_bytes() == OLD
    assert shelf.contents() == {"Film.mkv": NEW}


def test_other_hard_link_keeps_the_old_data(shelf: Shelf) -> None:
    source = shelf.source("Film.mkv")
    seeding = shelf.fast / "Film.mkv"
    seeding.hardlink_to(source)

    notes = carry_out(shelf, shelf.intent(source))

    assert notes == (f"other hard links to {source} keep the old data; no space was saved there",)
    assert seeding.read_bytes() == OLD
    assert source.read_bytes() == NEW


def test_output_of_another_size_than_was_verified_replaces_nothing(shelf: Shelf) -> None:
    intent = changed(shelf.intent(shelf.source()), output_bytes=len(NEW) + 1)

    with pytest.raises(ReplaceError, match="not as large as the verified output"):
        carry_out(shelf, intent)

    assert shelf.contents() == {"Film.mp4": OLD}


def test_copy_from_fast_storage_can_be_stopped(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source(), elsewhere=True)

    with pytest.raises(ReplaceError, match="interrupted"):
        replace(intent, shelf.journal, stopped=lambda: True)

    assert shelf.contents() == {"Film.mp4": OLD}
    assert shelf.open_replacements() == 0


@pytest.mark.parametrize("step", [Step.COPIED, Step.DURABLE, Step.LINKED])
def test_unexpected_error_leaves_the_source_and_no_partial_file(shelf: Shelf, step: Step) -> None:
    intent = shelf.intent(shelf.source(), elsewhere=True)

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        carry_out(shelf, intent, at_step(step, fail))

    assert intent.source.read_bytes() == OLD
    assert not intent.partial.exists()


@pytest.fixture
def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on FAT and on some network shares."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_hard_links")
def test_file_system_without_hard_links_is_renamed_on(shelf: Shelf) -> None:
    carry_out(shelf, shelf.intent(shelf.source()))

    assert shelf.contents() == {"Film.mkv": NEW}


@pytest.mark.usefixtures("no_hard_links")
def test_final_name_that_appears_is_not_overwritten_without_hard_links_either(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())

    with pytest.raises(ReplaceError, match="exists already"):
        carry_out(shelf, intent, at_step(Step.DURABLE, lambda: intent.final.write_bytes(b"another film")))

    assert shelf.contents() == {"Film.mp4": OLD, "Film.mkv": b"another film"}


def test_full_disk_leaves_the_source_and_says_so(shelf: Shelf, disks: Disks) -> None:
    disk = disks.mount("64k")
    full = changed(shelf, films=disk)
    intent = full.intent(full.source(), elsewhere=True)
    intent.output.write_bytes(bytes(100_000))

    with pytest.raises(ReplaceError, match=r"no space left for .*Film\.mkv"):
        carry_out(full, changed(intent, output_bytes=100_000))

    assert full.contents() == {"Film.mp4": OLD}
    assert full.open_replacements() == 0


def test_disk_that_turns_read_only_leaves_the_source(shelf: Shelf, disks: Disks) -> None:
    disk = disks.mount("64k")
    locked = changed(shelf, films=disk)
    intent = locked.intent(locked.source())

    with pytest.raises(ReplaceError, match=r"cannot write .*: Read-only file system"):
        carry_out(locked, intent, at_step(Step.DURABLE, lambda: disks.lock(disk)))

    assert intent.source.read_bytes() == OLD


def test_output_on_another_file_system_is_copied_beside_the_target(shelf: Shelf, disks: Disks) -> None:
    apart = changed(shelf, fast=disks.mount("64k"))
    intent = apart.intent(apart.source("Film.mkv"), elsewhere=True)

    carry_out(apart, intent)

    assert apart.contents() == {"Film.mkv": NEW}
    assert list(apart.fast.iterdir()) == []


@pytest.mark.parametrize(
    ("final", "exists", "expected"),
    [
        pytest.param("Film.MP4", True, True, id="itself"),
        pytest.param("Film.mkv", True, False, id="other name"),
        pytest.param("film.mp4", True, False, id="two files where case counts"),
        pytest.param("film.mp4", False, False, id="free where case counts"),
    ],
)
def test_final_name_is_the_source_only_when_it_is_one_file(
    shelf: Shelf, final: str, exists: bool, expected: bool
) -> None:
    source = shelf.source("Film.MP4")
    if exists and final != source.name:
        (shelf.films / final).hardlink_to(source)

    assert is_source(shelf.films / final, source) is expected


def test_failed_replacement_is_an_error_of_the_attempt(shelf: Shelf) -> None:
    intent = shelf.intent(shelf.source())
    missing = Path(shelf.films, "gone", "Film.mkv")

    with pytest.raises(AttemptError, match=r"cannot write .*gone/Film.mkv: No such file or directory"):
        carry_out(shelf, changed(intent, final=missing))

    assert intent.source.read_bytes() == OLD
