"""Earlier runs and what they saved, as a table or as JSON lines. Reads no journal and no clock."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo

from pytranscoder.jobs.events import Outcome
from pytranscoder.jobs.history import RunRecord
from pytranscoder.ui.format import change, count, duration, gain, right, shrinkage, size

_HEADING = f"{'started':<16}  {'time':>8}  {'before':>8}    {'after':>8}  {'change':>6}  files"


def render_runs(runs: Sequence[RunRecord], zone: tzinfo | None = None) -> list[str]:
    """One line for each run in the order given and a line with what all of them saved.

    `zone` is where the times are told, None is the local zone.
    """
    if not runs:
        return ["no runs yet"]
    return [_HEADING, *(_row(run, zone) for run in runs), "", _total(runs)]


def history_json_lines(runs: Sequence[RunRecord]) -> list[str]:
    """Each run as one JSON object with the fields of `RunRecord`."""
    return [json.dumps(asdict(run)) for run in runs]


def _row(run: RunRecord, zone: tzinfo | None) -> str:
    started = datetime.fromtimestamp(run.started, tz=UTC).astimezone(zone)
    return f"{started:%Y-%m-%d %H:%M}  {right(duration(run.seconds), 8)}  {_sizes(run)}  {_files(run)}"


def _sizes(run: RunRecord) -> str:
    if not run.encoded:
        return " " * 27
    percent = change(run.source_bytes, run.output_bytes)
    return f"{right(size(run.source_bytes), 8)} → {right(size(run.output_bytes), 8)}  {right(percent, 6)}"


def _files(run: RunRecord) -> str:
    counts = [f"{number} {outcome.value}" for outcome in Outcome if (number := getattr(run, outcome.value))]
    if run.status != "finished":
        counts.append(run.status)
    return ", ".join(counts) or "nothing done"


def _total(runs: Sequence[RunRecord]) -> str:
    before = sum(run.source_bytes for run in runs)
    after = sum(run.output_bytes for run in runs)
    what = f"{count(len(runs), 'run')}, {count(sum(run.encoded for run in runs), 'file')} encoded"
    return f"{what}: {shrinkage(before, after)}, {gain(before, after)}" if before else what
