"""Claims between two real processes, of which one is killed."""

import subprocess
import sys
from pathlib import Path

from pytranscoder.jobs.journal import Journal

FILM = Path("/films/film.mkv")


def test_a_claim_ends_with_the_life_of_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.jobs.journal_holder", str(tmp_path), str(FILM)]
    journal = Journal(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        while_it_lived = journal.claim(FILM, "r2")
        holder.kill()
        holder.wait()

    assert while_it_lived == "r1"
    assert journal.claim(FILM, "r2") is None
    journal.close()
