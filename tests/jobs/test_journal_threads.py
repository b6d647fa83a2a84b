"""What one thread notes for later is not lost while another one writes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytranscoder.jobs.journal import Journal
from tests.jobs.samples import finished, run_finished

WRITES = 30


def test_nothing_recorded_while_another_thread_writes_is_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin_run("r1", 1)
    recorded = 0

    with ThreadPoolExecutor() as pool:
        for number in range(WRITES):
            writing = pool.submit(journal.mark_durable, str(number))
            while not writing.done():
                recorded += 1
                journal.record(finished(recorded))

    journal.record(run_finished("r1"))
    (run,) = journal.history()
    journal.close()
    assert run.encoded == recorded
