"""What is left after a crash: films, files, rows and processes. Changes nothing."""

import hashlib
import os
import select
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import av

from tests.crash.shapes import Place

Packets = tuple[tuple[str, int, str], ...]
ENDS_WITHIN_S = 10


def read_packets(path: Path) -> Packets:
    """For each stream its kind, the number of its packets and a hash of what is in them."""
    with av.open(str(path)) as container:
        kinds = [stream.type for stream in container.streams]
        counts, hashes = [0] * len(kinds), [hashlib.sha256() for _ in kinds]
        for packet in container.demux():
            if packet.size:
                counts[packet.stream_index] += 1
                hashes[packet.stream_index].update(bytes(packet))
    return tuple(zip(kinds, counts, (digest.hexdigest() for digest in hashes), strict=True))


def partial_files(place: Place) -> list[Path]:
    """All files by a partial name."""
    return [path for path in place.root.rglob("*") if ".ptc-" in path.name]


def problems_of_journal(place: Place) -> list[str]:
    """What is wrong in the journal when no run is alive and the last one has ended well."""
    with closing(sqlite3.connect(place.journal / "journal.db")) as db:
        (integrity,) = db.execute("PRAGMA integrity_check").fetchone()
        statuses = [status for (status,) in db.execute("SELECT status FROM runs ORDER BY started")]
        rows = {
            table: db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608  # the names stand here
            for table in ("claims", "partials", "replacements", "jobs WHERE outcome = 'running'")
        }
        open_attempts = db.execute("SELECT COUNT(*) FROM attempts WHERE ended IS NULL").fetchone()[0]
    expected = {"finished", "crashed", "interrupted"}
    return [
        *([f"integrity: {integrity}"] if integrity != "ok" else []),
        *([f"runs: {statuses}"] if statuses[-1] != "finished" or set(statuses) - expected else []),
        *(f"{count} rows in {table}" for table, count in rows.items() if count),
        *([f"{open_attempts} attempts have no end"] if open_attempts else []),
    ]


def lasting_processes(place: Place) -> list[int]:
    """Processes that were started for this place and do not end within `ENDS_WITHIN_S`."""
    return [pid for pid in _processes(place) if not _ends(pid)]


def _processes(place: Place) -> list[int]:
    mark = b"XDG_STATE_HOME=" + os.fsencode(place.state) + b"\0"
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def _ends(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], ENDS_WITHIN_S)[0])
    finally:
        os.close(process)
