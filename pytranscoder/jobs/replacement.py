"""What a replacement of a source sets out to do, as a plain value. Who records it is the journal."""

from dataclasses import dataclass
from pathlib import Path

from pytranscoder.media.model import Identity


@dataclass(frozen=True, slots=True)
class Replacement:
    """What one replacement sets out to do: put a verified output under its final name, then remove the source.

    `output` is where ffmpeg wrote, `partial` the same file beside the final name (equal unless it was made elsewhere);
    `identity` is the source's as it was probed; `remove_source` is False when the source stays.
    """

    attempt: str
    run: str
    job: int
    source: Path
    identity: Identity
    output: Path
    partial: Path
    final: Path
    output_bytes: int
    remove_source: bool
    profile: str | None = None
    queue_file: Path | None = None
