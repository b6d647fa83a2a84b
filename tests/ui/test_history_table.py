import json
from dataclasses import asdict
from datetime import UTC
from typing import Any

import pytest

from pytranscoder.jobs.history import RunRecord
from pytranscoder.ui.history import history_json_lines, render_runs


def record(**values: Any) -> RunRecord:
    defaults: dict[str, Any] = {
        "run": "r1",
        "started": 1_750_000_000.0,
        "ended": 1_750_003_723.0,
        "status": "finished",
        "encoded": 0,
        "skipped": 0,
        "rejected": 0,
        "failed": 0,
        "cancelled": 0,
        "source_bytes": 0,
        "output_bytes": 0,
        "seconds": 3723.0,
    }
    return RunRecord(**(defaults | values))


SAVED = {"encoded": 12, "source_bytes": 31_200_000_000, "output_bytes": 14_000_000_000}


def test_runs_are_a_table_with_a_total() -> None:
    runs = [
        record(**SAVED, skipped=3, failed=1),
        record(started=1_750_090_000.0, seconds=42.0, status="interrupted", cancelled=4),
        record(started=1_750_180_000.0, encoded=1, source_bytes=1000, output_bytes=400, seconds=1.0),
    ]

    assert render_runs(runs, UTC) == [
        "started               time    before       after  change  files",
        "2025-06-15 15:06   1:02:03   31.2 GB →  14.0 GB   −55 %  12 encoded, 3 skipped, 1 failed",
        "2025-06-16 16:06      0:42                               4 cancelled, interrupted",
        "2025-06-17 17:06      0:01    1.0 kB →    400 B   −60 %  1 encoded",
        "",
        "3 runs, 13 files encoded: 31.2 GB → 14.0 GB (−55 %), 17.2 GB saved",
    ]


@pytest.mark.parametrize(
    ("run", "last"),
    [
        (record(), "1 run, 0 files encoded"),
        (
            record(encoded=1, source_bytes=1000, output_bytes=2000),
            "1 run, 1 file encoded: 1.0 kB → 2.0 kB (+100 %), 1.0 kB more than before",
        ),
    ],
    ids=["nothing encoded", "grown"],
)
def test_total_does_not_promise_what_was_not_saved(run: RunRecord, last: str) -> None:
    assert render_runs([run], UTC)[-1] == last


def test_run_that_did_nothing_says_so() -> None:
    assert render_runs([record()], UTC)[1].endswith("  nothing done")


def test_no_runs_is_a_sentence() -> None:
    assert render_runs([]) == ["no runs yet"]


def test_json_lines_have_every_field() -> None:
    runs = [record(**SAVED), record(ended=None, status="running")]

    assert [json.loads(line) for line in history_json_lines(runs)] == [asdict(run) for run in runs]
