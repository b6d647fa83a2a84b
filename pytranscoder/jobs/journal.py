"""The durable record: runs, jobs, attempts, claims, partial files and replacements that were begun. Decides nothing.

One SQLite database in WAL mode. What a crash must not lose (claims, partial names, replacements) is committed and
synced at once; results of jobs are written in batches, as thousands of skipped files must not cost a sync each.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from pytranscoder import __version__
from pytranscoder.errors import StateError, printable
from pytranscoder.jobs.events import (
    AttemptFailed,
    AttemptSucceeded,
    EncodeStarted,
    Event,
    JobFinished,
    RunFinished,
)
from pytranscoder.jobs.history import RunRecord
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.jobs.run_lock import let_go, remove_lock_file, try_lock
from pytranscoder.media.model import Identity

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
    run TEXT PRIMARY KEY, started REAL NOT NULL, ended REAL, status TEXT NOT NULL DEFAULT 'running',
    version TEXT NOT NULL, pid INTEGER NOT NULL, seconds REAL);
CREATE TABLE jobs (
    run TEXT NOT NULL, job INTEGER NOT NULL, source BLOB NOT NULL, profile TEXT, rule TEXT, outcome TEXT NOT NULL,
    reason TEXT, host TEXT, seconds REAL, source_bytes INTEGER, output_bytes INTEGER, output BLOB, ended REAL,
    PRIMARY KEY (run, job));
CREATE TABLE attempts (
    attempt TEXT PRIMARY KEY, run TEXT NOT NULL, job INTEGER NOT NULL, host TEXT NOT NULL, profile TEXT NOT NULL,
    started REAL NOT NULL, ended REAL, result TEXT, reason TEXT);
CREATE TABLE claims (source BLOB PRIMARY KEY, run TEXT NOT NULL);
CREATE TABLE partials (path BLOB PRIMARY KEY, run TEXT NOT NULL);
CREATE TABLE replacements (
    attempt TEXT PRIMARY KEY, run TEXT NOT NULL, job INTEGER NOT NULL, source BLOB NOT NULL, output BLOB NOT NULL,
    partial BLOB NOT NULL, final BLOB NOT NULL, output_bytes INTEGER NOT NULL, remove_source INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
    profile TEXT, queue_file BLOB, durable INTEGER NOT NULL DEFAULT 0);
CREATE INDEX jobs_by_source ON jobs (source);
CREATE INDEX jobs_by_output ON jobs (output);
"""
BATCH = 500
BUSY_S = 30.0


class Journal:
    """The journal in a folder of its own. Safe to use from several threads; several processes share the database."""

    def __init__(self, folder: Path) -> None:
        """Opens or creates the journal; raises StateError."""
        self._folder = folder
        self._mutex = threading.RLock()
        self._pending: list[tuple[str, tuple[object, ...]]] = []
        self._lock: FileLock | None = None
        self._run = ""
        try:
            with ExitStack() as undo:
                folder.mkdir(parents=True, exist_ok=True)
                # isolation_level=None: transactions are begun by hand, below.
                self._db = sqlite3.connect(
                    folder / "journal.db", timeout=BUSY_S, isolation_level=None, check_same_thread=False
                )
                undo.callback(self._db.close)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._create_schema()
                undo.pop_all()
        except (OSError, sqlite3.Error) as exc:
            raise StateError(f"cannot open the journal in {printable(folder)}: {exc}") from exc

    def close(self) -> None:
        """Writes what is pending and lets go of the run's lock."""
        self.flush()
        self._db.close()
        if self._lock is not None:
            let_go(self._lock)
            self._lock = None

    def begin_run(self, run: str, now: float) -> None:
        """Records a run and holds its lock until `close`: the lock, not a process id, says that it is alive."""
        self._lock = FileLock(self._lock_path(run))
        self._lock.acquire(timeout=BUSY_S)
        self._run = run
        self._commit(
            "INSERT INTO runs (run, started, version, pid) VALUES (?, ?, ?, ?)", (run, now, __version__, os.getpid())
        )

    def record(self, event: Event) -> None:
        """Takes down an event of the stream; most are nothing to the journal."""
        match event:
            case EncodeStarted():
                self._begin_attempt(event)
            case AttemptSucceeded():
                self._end_attempt(event, event.outcome.value)
            case AttemptFailed():
                self._end_attempt(event, "failed")
            case JobFinished():
                self._record_job(event)
            case RunFinished():
                status = "interrupted" if event.interrupted else "finished"
                self._later(
                    "UPDATE runs SET ended = ?, status = ?, seconds = ? WHERE run = ?",
                    event.time, status, event.seconds, event.run,
                )  # fmt: skip

    def flush(self) -> None:
        """Writes what is pending, in one transaction."""
        with self._transaction():
            pass

    def claim(self, source: Path, run: str) -> str | None:
        """Claims a source for a run; returns the living run that has it already, or None when the claim stands."""
        while True:
            with self._transaction() as db:
                row = db.execute("SELECT run FROM claims WHERE source = ?", (_key(source),)).fetchone()
                if row is None:
                    db.execute("INSERT INTO claims (source, run) VALUES (?, ?)", (_key(source), run))
                    return None
            if row[0] == run or self.is_alive(row[0]):
                return str(row[0])
            self._commit("DELETE FROM claims WHERE run = ?", (row[0],))

    def release(self, source: Path, run: str) -> None:
        """Gives up a claim."""
        self._commit("DELETE FROM claims WHERE source = ? AND run = ?", (_key(source), run))

    def claims(self, run: str) -> list[Path]:
        """Returns the sources that a run has claimed, symbolic links followed."""
        return self._paths("SELECT source FROM claims WHERE run = ?", run)

    def note_partial(self, path: Path, run: str) -> None:
        """Records the name of a partial file before it is made."""
        self._commit("INSERT OR REPLACE INTO partials (path, run) VALUES (?, ?)", (_bytes(path), run))

    def forget_partial(self, path: Path) -> None:
        """Records that a partial file is gone."""
        self._later("DELETE FROM partials WHERE path = ?", _bytes(path))

    @contextmanager
    def noting(self, path: Path, run: str) -> Iterator[None]:
        """Notes a partial file for as long as it may be there."""
        self.note_partial(path, run)
        yield
        self.forget_partial(path)

    def begin_replacement(self, intent: Replacement) -> None:
        """Records what is about to be done, durably, before it is done."""
        identity = intent.identity
        self._commit(
            "INSERT INTO replacements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                intent.attempt, intent.run, intent.job, _bytes(intent.source), _bytes(intent.output),
                _bytes(intent.partial), _bytes(intent.final), intent.output_bytes, intent.remove_source,
                identity.size_bytes, identity.mtime_ns, _signed(identity.device), _signed(identity.inode),
                intent.profile, _bytes(intent.queue_file) if intent.queue_file else None,
            ),
        )  # fmt: skip

    def mark_durable(self, attempt: str) -> None:
        """Records that the new file is whole on disk: from here on a replacement is finished, not undone."""
        self._commit("UPDATE replacements SET durable = 1 WHERE attempt = ?", (attempt,))

    def finish_replacement(self, intent: Replacement, now: float) -> None:
        """Records that the output is in place; the replacement is still known until `end_replacement`."""
        self._commit(
            "INSERT OR REPLACE INTO jobs (run, job, source, profile, outcome, host, source_bytes, output_bytes, output,"
            " ended) VALUES (?, ?, ?, ?, 'encoded', (SELECT host FROM attempts WHERE attempt = ?), ?, ?, ?, ?)",
            (
                intent.run, intent.job, _bytes(intent.source), intent.profile, intent.attempt,
                intent.identity.size_bytes, intent.output_bytes, _bytes(intent.final), now,
            ),
        )  # fmt: skip

    def end_replacement(self, attempt: str) -> None:
        """Records that nothing is left to do for a replacement: it was undone, or its path has left the queue file."""
        self._commit("DELETE FROM replacements WHERE attempt = ?", (attempt,))

    def replacements(self, run: str) -> list[tuple[Replacement, bool]]:
        """Returns the replacements that a run began and did not end, with whether the new file was durable."""
        with self._mutex:
            rows = self._db.execute("SELECT * FROM replacements WHERE run = ?", (run,)).fetchall()
        return [(_read_replacement(row), bool(row[15])) for row in rows]

    def partials(self, run: str) -> list[Path]:
        """Returns the partial files that a run noted and did not forget."""
        return self._paths("SELECT path FROM partials WHERE run = ?", run)

    def was_produced(self, output: Path, source: Path, source_bytes: int, profile: str) -> bool:
        """Whether this output was made of this source, as large as now, with this profile by an earlier run."""
        with self._mutex:
            row = self._db.execute(
                "SELECT 1 FROM jobs WHERE source = ? AND output = ? AND source_bytes = ? AND profile = ?"
                " AND outcome = 'encoded'",
                (_bytes(source), _bytes(output), source_bytes, profile),
            ).fetchone()
        return row is not None

    def is_output(self, path: Path, size_bytes: int) -> bool:
        """Whether a file of this name and size was encoded by an earlier run."""
        with self._mutex:
            row = self._db.execute(
                "SELECT 1 FROM jobs WHERE output = ? AND output_bytes = ? AND outcome = 'encoded'",
                (_bytes(path), size_bytes),
            ).fetchone()
        return row is not None

    def is_alive(self, run: str) -> bool:
        """Whether the process of a run still holds its lock."""
        lock = FileLock(self._lock_path(run))
        if not try_lock(lock):
            return True
        lock.release()
        return False

    def is_dead(self, run: str) -> bool:
        """Whether a run is one of this journal's and its process is gone."""
        with self._mutex:
            is_known = self._db.execute("SELECT 1 FROM runs WHERE run = ?", (run,)).fetchone() is not None
        # To ask for the lock would make its file, which a run that has ended took away.
        return is_known and not (self._lock_path(run).exists() and self.is_alive(run))

    @contextmanager
    def dead_runs(self) -> Iterator[Sequence[str]]:
        """Lends the dead runs that left something; while lent, no other process takes them for dead as well."""
        with self._mutex:
            rows = self._db.execute(_UNFINISHED).fetchall()
        locks = [(run, FileLock(self._lock_path(run))) for (run,) in rows]
        try:
            yield [run for run, lock in locks if try_lock(lock)]
        finally:
            for _, lock in locks:
                lock.release()

    def bury(self, run: str, now: float) -> None:
        """Records that a dead run's leftovers are dealt with; its claims and partial names end with it."""
        with self._transaction() as db:
            for table in ("claims", "partials", "replacements"):
                db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))  # noqa: S608  # the names stand above
            db.execute("UPDATE runs SET status = 'crashed', ended = ? WHERE run = ? AND status = 'running'", (now, run))
            db.execute("UPDATE attempts SET result = 'crashed', ended = ? WHERE run = ? AND ended IS NULL", (now, run))
            db.execute(
                "UPDATE jobs SET outcome = 'cancelled', reason = 'the program was killed', ended = ?"
                " WHERE run = ? AND outcome = 'running'",
                (now, run),
            )
        remove_lock_file(self._lock_path(run))

    def history(self) -> list[RunRecord]:
        """Returns all runs, oldest first, with what they did and saved."""
        self.flush()
        with self._mutex:
            rows = self._db.execute(_HISTORY).fetchall()
        return [self._read_run(row) for row in rows]

    def _read_run(self, row: tuple[Any, ...]) -> RunRecord:
        record = RunRecord(*row)
        is_dead = record.status == "running" and not self.is_alive(record.run)
        return replace(record, status="crashed") if is_dead else record

    def _begin_attempt(self, event: EncodeStarted) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO attempts (attempt, run, job, host, profile, started) VALUES (?, ?, ?, ?, ?, ?)",
                (event.attempt, self._run, event.job, event.host, event.profile, event.time),
            )
            db.execute(
                "INSERT OR REPLACE INTO jobs (run, job, source, profile, outcome, host, source_bytes)"
                " VALUES (?, ?, ?, ?, 'running', ?, ?)",
                (self._run, event.job, _bytes(event.media), event.profile, event.host, event.source_bytes),
            )

    def _end_attempt(self, event: AttemptSucceeded | AttemptFailed, result: str) -> None:
        self._later(
            "UPDATE attempts SET ended = ?, result = ?, reason = ? WHERE attempt = ?",
            event.time, result, event.reason, event.attempt,
        )  # fmt: skip

    def _record_job(self, event: JobFinished) -> None:
        self._later(
            "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._run, event.job, _bytes(event.media), event.profile, event.rule, event.outcome.value, event.reason,
            event.host, event.seconds, event.source_bytes, event.output_bytes,
            _bytes(event.output) if event.output else None, event.time,
        )  # fmt: skip

    def _later(self, statement: str, *values: object) -> None:
        self._pending.append((statement, values))
        if len(self._pending) >= BATCH:
            self.flush()

    def _paths(self, query: str, run: str) -> list[Path]:
        with self._mutex:
            rows = self._db.execute(query, (run,)).fetchall()
        return [_path(row[0]) for row in rows]

    def _commit(self, statement: str, values: tuple[object, ...]) -> None:
        with self._transaction() as db:
            db.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Opens a transaction that writes what is pending first, so that the order of the record is that of events."""
        with self._mutex:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                with self._db:
                    for statement, values in (pending := tuple(self._pending)):
                        self._db.execute(statement, values)
                    yield self._db
                del self._pending[: len(pending)]  # what other threads have added since is for the next one
            except sqlite3.Error as exc:
                raise StateError(f"cannot write the journal in {printable(self._folder)}: {exc}") from exc

    def _create_schema(self) -> None:
        with self._transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == SCHEMA_VERSION:
                return
            if version != 0:
                raise sqlite3.Error(f"it was written by a newer pytranscoder (schema {version})")
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _lock_path(self, run: str) -> Path:
        return self._folder / f"run-{run}.lock"


_UNFINISHED = """
SELECT run FROM runs WHERE status = 'running'
UNION SELECT run FROM partials UNION SELECT run FROM replacements
"""
_HISTORY = """
SELECT r.run, r.started, r.ended, r.status,
    SUM(j.outcome IS 'encoded'), SUM(j.outcome IS 'skipped'), SUM(j.outcome IS 'rejected'),
    SUM(j.outcome IS 'failed'), SUM(j.outcome IS 'cancelled'),
    SUM(CASE WHEN j.outcome = 'encoded' THEN j.source_bytes ELSE 0 END),
    SUM(CASE WHEN j.outcome = 'encoded' THEN j.output_bytes ELSE 0 END), COALESCE(r.seconds, 0)
FROM runs r LEFT JOIN jobs j ON j.run = r.run GROUP BY r.run ORDER BY r.started
"""


def _key(source: Path) -> bytes:
    return os.fsencode(os.path.realpath(source))


def _bytes(path: Path) -> bytes:
    return os.fsencode(path)


def _path(value: bytes) -> Path:
    return Path(os.fsdecode(value))


def _signed(number: int) -> int:
    # SQLite's integers have 64 bits and a sign; inodes of some network file systems use all 64.
    return number - (1 << 64) if number >= 1 << 63 else number


def _unsigned(number: int) -> int:
    return number + (1 << 64) if number < 0 else number


def _read_replacement(row: tuple[Any, ...]) -> Replacement:
    attempt, run, job, source, output, partial, final, output_bytes, remove_source, *rest = row
    size_bytes, mtime_ns, device, inode, profile, queue_file, _ = rest
    return Replacement(
        attempt=attempt,
        run=run,
        job=job,
        source=_path(source),
        identity=Identity(size_bytes, mtime_ns, _unsigned(device), _unsigned(inode)),
        output=_path(output),
        partial=_path(partial),
        final=_path(final),
        output_bytes=output_bytes,
        remove_source=bool(remove_source),
        profile=profile,
        queue_file=_path(queue_file) if queue_file else None,
    )
