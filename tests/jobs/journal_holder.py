"""A process that begins the run ``r1`` in the journal in argv[1], claims argv[2], says so, and waits to be killed."""

import signal
import sys
from pathlib import Path

from pytranscoder.jobs.journal import Journal

journal = Journal(Path(sys.argv[1]))
journal.begin_run("r1", 1)
journal.claim(Path(sys.argv[2]), "r1")
sys.stdout.write("claimed\n")
sys.stdout.flush()
signal.pause()
