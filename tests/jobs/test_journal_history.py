"""What the journal tells of runs, and of what earlier ones made."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pytranscoder.jobs.events import Outcome
from pytranscoder.jobs.journal import BATCH, Journal
from tests.jobs.journals import FILM, INTENT, leave, query
from tests.jobs.samples import GB, encoded, failed, finished, media, run_finished, started, succeeded

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


def test_what_a_run_wrote_is_there_for_the_next_one(tmp_path: Path, journal: Journal) -> None:
    leave(tmp_path, "r1", finished(1), run_finished("r1"))

    assert journal.history()[0].encoded == 1
