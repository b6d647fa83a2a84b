"""Whether an ffmpeg has the encoders that are asked for, in words. Runs nothing."""

import difflib
from collections.abc import Iterable


def describe_lacking(wanted: Iterable[str], encoders: frozenset[str], path: str, version: str) -> str | None:
    """Says which wanted encoder this ffmpeg lacks, and which has the nearest name; None when it has all."""
    for encoder in sorted(set(wanted) - encoders):
        near = difflib.get_close_matches(encoder, encoders, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"ffmpeg {version} at {path} has no encoder {encoder}{hint}"
    return None
