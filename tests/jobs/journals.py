"""What tests of the journal leave behind and look for in it. Checks nothing."""

import sqlite3
from pathlib import Path

from pytranscoder.jobs.events import Event
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.media.model import Identity
from tests.jobs.samples import GB

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
