"""What the journal knows of earlier runs, as plain values. Reads and renders nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. `status` is ``finished``, ``interrupted``, ``crashed`` or ``running``; times are Unix seconds.

    `source_bytes` and `output_bytes` are of its encoded files, `seconds` is its length so far as it is known.
    """

    run: str
    started: float
    ended: float | None
    status: str
    encoded: int
    skipped: int
    rejected: int
    failed: int
    cancelled: int
    source_bytes: int
    output_bytes: int
    seconds: float
