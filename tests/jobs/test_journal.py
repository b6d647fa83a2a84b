"""The journal keeps what a crash must not lose, for this run and for those beside and after it."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytranscoder.errors import StateError
from pytranscoder.jobs.events import Event, Outcome
from pytranscoder.jobs.journal import BATCH, SCHEMA_VERSION, Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.media.model import Identity
from tests.jobs.samples import GB, encoded, failed, finished, media, run_finished, started, succeeded

FILM = Path("/films/film.mkv")
INTENT = Replacement(
    attempt="r1-1-1",
    run="r1",
    job=1,
    source=Path("/films/film.mp4"),
    identity=Identity(GB, 1_700_000_000_123_456_789, 64769, 42),
    output=Path("/fast/.film.ptc-r1-1-1.mkv"),
    partial=Path("/films/.film.ptc-r1-1-1.mkv"),
    final=FILM,
    output_bytes=GB // 2,
    remove_source=True,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Journal]:
    """The journal as a second process has it open."""
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def leave(folder: Path, run: str, *events: Event) -> None:
    """Leave behind a run of which the journal was told this; without a RunFinished, it has crashed."""
    journal = Journal(folder)
    journal.begin_run(run, 1)
    journal.claim(FILM, run)
    for event in events:
        journal.record(event)
    journal.close()


def query(folder: Path, statement: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(folder / "journal.db")
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


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


JOBS = st.lists(st.tuples(st.sampled_from(Outcome), st.integers(0, 2**40), st.integers(0, 2**40)), max_size=20)


@given(JOBS, st.booleans())
@settings(max_examples=30)
def test_the_history_counts_what_the_events_told(jobs: list[tuple[Outcome, int, int]], interrupted: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        journal.begin_run("r1", 1)
        for number, (outcome, before, after) in enumerate(jobs, 1):
            journal.record(finished(number, outcome, source_bytes=before, output_bytes=after))
        journal.record(run_finished("r1", interrupted=interrupted))
        (record,) = journal.history()
        journal.close()

    counts = {outcome: getattr(record, outcome.value) for outcome in Outcome}
    assert counts == {outcome: sum(job[0] is outcome for job in jobs) for outcome in Outcome}
    assert record.source_bytes == sum(before for outcome, before, _ in jobs if outcome is Outcome.ENCODED)
    assert record.output_bytes == sum(after for outcome, _, after in jobs if outcome is Outcome.ENCODED)
    assert (record.status, record.seconds) == ("interrupted" if interrupted else "finished", 8)


def test_the_history_has_all_runs_oldest_first(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "dead")
    leave(tmp_path, "done", run_finished("done"))
    journal.begin_run("living", 0.5)

    assert [(run.run, run.status) for run in journal.history()] == [
        ("living", "running"),
        ("dead", "crashed"),
        ("done", "finished"),
    ]


def test_a_run_without_jobs_counts_nothing(journal: Journal) -> None:
    journal.begin_run("r1", 1)

    (record,) = journal.history()

    assert (record.encoded, record.failed, record.source_bytes, record.seconds) == (0, 0, 0, 0)


def test_attempts_are_kept_with_their_ends(tmp_path: Path, journal: Journal) -> None:
    journal.begin_run("r1", 1)
    for event in (started("r1-1-1"), failed("r1-1-1"), started("r1-1-2"), encoded("r1-1-2"), succeeded("r1-1-2")):
        journal.record(event)
    journal.flush()

    rows = query(tmp_path, "SELECT attempt, run, result, reason FROM attempts ORDER BY attempt")

    assert rows == [("r1-1-1", "r1", "failed", "it broke"), ("r1-1-2", "r1", "encoded", None)]


def test_results_are_written_in_batches(journal: Journal, other: Journal) -> None:
    journal.begin_run("r1", 1)
    for number in range(BATCH - 1):
        journal.record(finished(number, Outcome.SKIPPED))
    assert other.history()[0].skipped == 0

    journal.record(finished(BATCH))

    assert other.history()[0].skipped == BATCH - 1


def test_what_is_pending_is_written_before_a_claim(journal: Journal, other: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.record(finished(1))

    journal.claim(FILM, "r1")

    assert other.history()[0].encoded == 1


def test_an_output_of_an_earlier_run_is_known(journal: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.record(finished(1, output=FILM, source_bytes=GB, profile="hevc"))
    journal.record(finished(2, Outcome.REJECTED, output=FILM, source_bytes=GB))
    journal.flush()

    assert journal.was_produced(FILM, media(1), GB, "hevc")
    assert not journal.was_produced(FILM, media(1), GB, "av1")
    assert not journal.was_produced(FILM, media(1), GB + 1, "hevc")
    assert not journal.was_produced(FILM, media(2), GB, "hevc")


def test_a_file_that_an_earlier_run_made_is_known_by_name_and_size(journal: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.record(finished(1, output=FILM, output_bytes=GB))
    journal.flush()

    assert journal.is_output(FILM, GB)
    assert not journal.is_output(FILM, GB - 1)


def test_a_replacement_that_was_done_counts_for_its_run_but_is_still_known(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "r1")
    journal.begin_replacement(INTENT)

    journal.finish_replacement(INTENT, 9)

    (record,) = journal.history()
    assert (record.encoded, record.source_bytes, record.output_bytes) == (1, GB, GB // 2)
    assert journal.replacements("r1") == [(INTENT, False)]


def test_a_replacement_that_was_done_is_counted_for_the_host_that_encoded(tmp_path: Path, journal: Journal) -> None:
    journal.begin_run("r1", 1)
    journal.record(replace(started(INTENT.attempt), host="nas"))

    journal.finish_replacement(INTENT, 9)

    assert query(tmp_path, "SELECT host FROM jobs") == [("nas",)]


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


def test_what_a_run_wrote_is_there_for_the_next_one(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "r1", finished(1), run_finished("r1"))

    assert journal.history()[0].encoded == 1


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
