"""The journal keeps what a crash must not lose, for this run and for those beside and after it."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytranscoder.errors import StateError
from pytranscoder.jobs.journal import SCHEMA_VERSION, Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.media.model import Identity
from tests.jobs.journals import FILM, INTENT, leave, query
from tests.jobs.samples import finished, run_finished, started


def test_a_claim_stands_until_it_is_released(journal: Journal, other: Journal) -> None:
    journal.begin_run("r1", 1)

    assert journal.claim(FILM, "r1") is None
    assert other.claim(FILM, "r2") == "r1"
    journal.release(FILM, "r1")
    assert other.claim(FILM, "r2") is None


def test_claims_are_listed_by_run(journal: Journal) -> None:
    journal.claim(FILM, "r1")

    assert (journal.claims("r1"), journal.claims("r2")) == ([FILM], [])


def test_a_run_has_a_source_only_once(journal: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.claim(FILM, "r1")

    assert journal.claim(FILM, "r1") == "r1"


def test_a_release_of_another_runs_claim_does_nothing(journal: Journal, other: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.claim(FILM, "r1")

    other.release(FILM, "r2")

    assert other.claim(FILM, "r2") == "r1"


def test_the_claim_of_a_dead_run_is_free(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "r1")

    assert journal.claim(FILM, "r2") is None


def test_two_names_of_a_source_share_a_claim(tmp_path: Path, journal: Journal, other: Journal) -> None:
    (tmp_path / "film.mkv").touch()
    (tmp_path / "link.mkv").symlink_to("film.mkv")
    journal.begin_run("r1", 1)

    journal.claim(tmp_path / "film.mkv", "r1")

    assert other.claim(tmp_path / "link.mkv", "r2") == "r1"


def test_a_run_lives_as_long_as_its_journal_is_open(tmp_path: Path, other: Journal) -> None:
    journal = Journal(tmp_path)
    journal.begin_run("r1", 1)
    assert other.is_alive("r1")

    journal.close()

    assert not other.is_alive("r1")


def test_a_run_is_dead_when_this_journal_knows_it_and_its_process_is_gone(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "crashed")
    leave(tmp_path, "done", run_finished("done"))
    journal.begin_run("living", 2)

    assert [run for run in ("crashed", "done", "living", "unknown") if journal.is_dead(run)] == ["crashed", "done"]
    assert not (tmp_path / "run-done.lock").exists()


def test_dead_runs_are_those_that_did_not_say_that_they_ended(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "dead")
    leave(tmp_path, "done", run_finished("done"))
    journal.begin_run("living", 2)

    with journal.dead_runs() as runs:
        assert runs == ["dead"]


def test_a_run_that_ended_but_left_a_file_is_a_dead_one_too(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "done", run_finished("done"))
    journal.note_partial(INTENT.partial, "done")

    with journal.dead_runs() as runs:
        assert runs == ["done"]
    journal.bury("done", 9)

    assert journal.history()[0].status == "finished"


def test_dead_runs_are_lent_to_one_process_only(tmp_path: Path, journal: Journal, other: Journal) -> None:
    leave(tmp_path, "dead")

    with journal.dead_runs(), other.dead_runs() as others:
        assert others == []
    with other.dead_runs() as others:
        assert others == ["dead"]


def test_a_buried_run_leaves_nothing(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "dead")
    journal.note_partial(INTENT.partial, "dead")
    journal.begin_replacement(replace(INTENT, run="dead"))

    with journal.dead_runs():
        journal.bury("dead", 9)

    assert (journal.claims("dead"), journal.partials("dead"), journal.replacements("dead")) == ([], [], [])
    assert not list(tmp_path.glob("run-*.lock"))
    with journal.dead_runs() as runs:
        assert runs == []


def test_what_a_buried_run_was_at_is_cancelled(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "dead", started("dead-1-1"))
    assert journal.history()[0].cancelled == 0

    journal.bury("dead", 9)

    assert journal.history()[0].cancelled == 1
    assert query(tmp_path, "SELECT result, ended FROM attempts") == [("crashed", 9)]


def test_partial_names_are_kept_until_they_are_forgotten(journal: Journal) -> None:
    strange = Path(os.fsdecode(b"/films/.\xff\n.ptc-r1-2-1.mkv"))
    journal.note_partial(INTENT.partial, "r1")
    journal.note_partial(strange, "r1")
    journal.forget_partial(INTENT.partial)
    journal.flush()

    assert journal.partials("r1") == [strange]
    assert journal.partials("r2") == []


def test_a_replacement_is_there_until_it_is_ended(journal: Journal, other: Journal) -> None:
    journal.begin_replacement(INTENT)
    assert other.replacements("r1") == [(INTENT, False)]
    journal.mark_durable("r1-1-1")
    assert other.replacements("r1") == [(INTENT, True)]
    journal.end_replacement("r1-1-1")
    assert other.replacements("r1") == []


PATHS = st.binary(min_size=1, max_size=20).map(lambda name: Path("/", os.fsdecode(name.replace(b"\0", b"x"))))
UNSIGNED = st.integers(0, 2**64 - 1)
INTENTS = st.builds(
    replace,
    st.just(INTENT),
    source=PATHS,
    output=PATHS,
    partial=PATHS,
    final=PATHS,
    identity=st.builds(Identity, st.integers(0, 2**63 - 1), st.integers(-(2**63), 2**63 - 1), UNSIGNED, UNSIGNED),
    output_bytes=st.integers(0, 2**63 - 1),
    remove_source=st.booleans(),
    profile=st.none() | st.just("hevc"),
    queue_file=st.none() | PATHS,
)


@given(INTENTS)
@settings(max_examples=40)
def test_a_replacement_is_read_back_as_it_was_written(intent: Replacement) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        journal.begin_replacement(intent)

        assert journal.replacements("r1") == [(intent, False)]
        journal.close()


def test_what_is_pending_is_written_before_a_claim(journal: Journal, other: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.record(finished(1))

    journal.claim(FILM, "r1")

    assert other.history()[0].encoded == 1


def test_a_partial_file_is_noted_for_as_long_as_it_may_be_there(journal: Journal) -> None:
    with journal.noting(INTENT.partial, "r1"):
        noted = journal.partials("r1")
    journal.flush()

    assert noted == [INTENT.partial]
    assert journal.partials("r1") == []


def test_two_runs_write_at_once(tmp_path: Path) -> None:
    def work(run: str) -> None:
        journal = Journal(tmp_path)
        journal.begin_run(run, 1)
        for number in range(60):
            journal.record(finished(number))
            assert journal.claim(Path(f"/{run}/{number}"), run) is None
        journal.close()

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, ("r1", "r2", "r3")))

    assert query(tmp_path, "SELECT run, COUNT(*) FROM jobs GROUP BY run") == [("r1", 60), ("r2", 60), ("r3", 60)]


def test_threads_share_a_journal(tmp_path: Path, journal: Journal) -> None:
    with ThreadPoolExecutor() as pool:
        claims = list(pool.map(lambda number: journal.claim(Path(f"/{number % 20}"), "r1"), range(60)))

    assert claims.count(None) == 20
    assert query(tmp_path, "SELECT COUNT(*) FROM claims") == [(20,)]


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    query(tmp_path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    with pytest.raises(StateError, match=rf"newer pytranscoder \(schema {SCHEMA_VERSION + 1}\)"):
        Journal(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match=r"cannot open the journal in .*file/state"):
        Journal(tmp_path / "file" / "state")


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)

    with pytest.raises(StateError, match="file is not a database"):
        Journal(tmp_path)
