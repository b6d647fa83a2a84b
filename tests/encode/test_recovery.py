import sqlite3
from contextlib import closing
from dataclasses import replace as changed
from pathlib import Path

import pytest

from pytranscoder.encode.recovery import recover_dead_runs
from pytranscoder.jobs.events import RunFinished
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.replacement import Replacement
from tests.encode.conftest import Disks
from tests.encode.samples import NEW, OLD, RUN, Shelf

FINISHED = RunFinished(
    time=1, run=RUN, seconds=1, encoded=0, skipped=0, rejected=0, failed=1, cancelled=0, source_bytes=0, output_bytes=0
)


class Crash:
    """A shelf whose run dies, and the next start."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.shelf = Shelf(folder / "films", folder / "fast", Journal(self.state))
        self.shelf.journal.begin_run(RUN, 0.0)
        for path in (self.shelf.films, self.shelf.fast):
            path.mkdir()

    def during_replacement(self, queue_file: Path | None = None) -> Replacement:
        """Leave a durable new file that is not in place."""
        source = self.shelf.source()
        intent = changed(self.shelf.intent(source), queue_file=queue_file)
        self.shelf.journal.claim(source, RUN)
        self.shelf.journal.note_partial(intent.partial, RUN)
        self.shelf.journal.begin_replacement(intent)
        self.shelf.journal.mark_durable(intent.attempt)
        return intent

    def during_encode(self, folder: Path) -> Path:
        """Leave the partial file of an encode in a folder."""
        partial = folder / f".Film.ptc-{RUN}-1-1.mkv"
        partial.write_bytes(NEW[:3])
        self.shelf.journal.claim(self.shelf.source(), RUN)
        self.shelf.journal.note_partial(partial, RUN)
        return partial

    def start_again(self) -> list[str]:
        """End the run, if that is not done, start the next one, and return what its recovery says."""
        self.shelf.journal.close()
        with closing(Journal(self.state)) as journal:
            return list(recover_dead_runs(journal, now=9.0))

    def statuses(self) -> list[str]:
        """How the runs have ended."""
        return [str(status) for (status,) in self._rows("SELECT status FROM runs")]

    def leftovers(self) -> int:
        """How many rows of dead runs are in the journal."""
        tables = ("claims", "partials", "replacements")
        return sum(len(self._rows(f"SELECT 1 FROM {table}")) for table in tables)  # noqa: S608  # the names stand above

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.state / "journal.db")) as db:
            return db.execute(query).fetchall()


@pytest.fixture
def crash(tmp_path: Path) -> Crash:
    return Crash(tmp_path)


def test_replacement_of_a_dead_run_is_finished_and_told_of(crash: Crash) -> None:
    intent = crash.during_replacement()

    said = crash.start_again()

    assert said == [f"{intent.final}: replacement finished after a crash"]
    assert crash.shelf.contents() == {"Film.mkv": NEW}
    assert (crash.statuses(), crash.leftovers()) == (["crashed"], 0)


def test_replacement_of_a_dead_run_is_undone_and_told_of(crash: Crash) -> None:
    intent = crash.during_replacement()
    intent.source.write_bytes(b"another film")

    assert crash.start_again() == [f"{intent.final}: replacement undone after a crash"]
    assert crash.shelf.contents() == {intent.source.name: b"another film"}


def test_recovery_passes_on_what_the_user_should_know(crash: Crash) -> None:
    intent = crash.during_replacement()
    intent.partial.replace(intent.final)
    intent.source.write_bytes(b"a better cut")

    assert crash.start_again()[1:] == [f"{intent.source} was changed meanwhile and stays"]


def test_path_of_a_finished_replacement_leaves_the_queue_file(crash: Crash) -> None:
    queue_file = crash.shelf.fast / "queue.txt"
    intent = crash.during_replacement(queue_file)
    queue_file.write_text(f"# tonight\n{intent.source}\n/films/Other.mp4\n")

    crash.start_again()

    assert queue_file.read_text() == "# tonight\n/films/Other.mp4\n"
    assert [path.name for path in crash.shelf.fast.iterdir()] == ["queue.txt"]


@pytest.mark.parametrize("where", ["films", "fast"])
def test_partial_file_of_a_dead_run_is_removed_and_told_of(crash: Crash, where: str) -> None:
    partial = crash.during_encode(crash.shelf.films if where == "films" else crash.shelf.fast)

    said = crash.start_again()

    assert said == [f"{partial}: removed, left by a crash"]
    assert crash.shelf.contents() == {"Film.mp4": OLD}
    assert (crash.statuses(), crash.leftovers()) == (["crashed"], 0)


@pytest.mark.parametrize("where", ["films", "fast"])
def test_partial_file_that_is_gone_already_is_forgotten(crash: Crash, where: str) -> None:
    crash.during_encode(crash.shelf.films if where == "films" else crash.shelf.fast).unlink()

    assert crash.start_again() == []

    assert (crash.statuses(), crash.leftovers()) == (["crashed"], 0)


def test_living_run_is_left_alone(crash: Crash) -> None:
    partial = crash.during_encode(crash.shelf.films)

    with closing(Journal(crash.state)) as journal:
        assert list(recover_dead_runs(journal, now=9.0)) == []

    assert partial.exists()
    crash.start_again()


@pytest.mark.parametrize("is_empty", [True, False], ids=["empty folder", "no folder"])
def test_leftovers_on_a_share_that_is_not_mounted_are_dealt_with_when_it_is(crash: Crash, is_empty: bool) -> None:
    crash.during_encode(crash.shelf.films)
    away = crash.shelf.films.rename(crash.shelf.films.with_name("away"))
    if is_empty:
        crash.shelf.films.mkdir()
    assert crash.start_again() == []
    assert crash.statuses() == ["running"]

    if is_empty:
        crash.shelf.films.rmdir()
    away.rename(crash.shelf.films)
    with closing(Journal(crash.state)) as journal:
        assert len(list(recover_dead_runs(journal, now=9.0))) == 1

    assert crash.shelf.contents() == {"Film.mp4": OLD}
    assert (crash.statuses(), crash.leftovers()) == (["crashed"], 0)


def test_replacement_on_a_share_that_is_not_mounted_is_told_of_and_kept_for_later(crash: Crash) -> None:
    intent = crash.during_replacement()
    crash.shelf.films.rename(crash.shelf.films.with_name("away"))
    crash.shelf.films.mkdir()

    said = crash.start_again()

    reason = "its folder is empty: is its share mounted?"
    assert said == [f"{intent.final} cannot be reached to finish what run {RUN} began: {reason}"]
    assert crash.leftovers() == 3


def test_partial_file_on_a_disk_that_is_read_only_now_is_kept_for_later(crash: Crash, disks: Disks) -> None:
    disk = disks.mount("64k")
    partial = crash.during_encode(disk)
    disks.lock(disk)
    assert crash.start_again() == []
    disks.lock(disk, readable_only=False)

    with closing(Journal(crash.state)) as journal:
        assert list(recover_dead_runs(journal, now=9.0)) == [f"{partial}: removed, left by a crash"]

    assert crash.leftovers() == 0


def test_partial_file_that_a_finished_run_could_not_remove_is_removed_at_a_later_start(crash: Crash) -> None:
    partial = crash.during_encode(crash.shelf.films)
    crash.shelf.journal.record(FINISHED)

    assert crash.start_again() == [f"{partial}: removed, left by a crash"]

    assert (crash.statuses(), crash.leftovers()) == (["finished"], 0)
