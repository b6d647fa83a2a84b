"""ffmpeg's progress as values: reads its key=value stream, measures compression. Runs nothing, reads no clock.

The stream (``-progress``) is a block of ``key=value`` lines that ends with ``progress=continue`` or ``progress=end``.
``N/A``, negative and missing values are normal in it; ``out_time_ms`` is microseconds, as ``out_time_us`` is.
"""

from dataclasses import dataclass
from math import ceil

from pytranscoder.media.model import Media

INCREDIBLE_PERCENT = 99.0
# ffmpeg's speed is that since its start, and its first word comes when it has hardly begun.
SPEED_SETTLES_AFTER_S = 1.0

# Each costs the manager almost a millisecond: so many take three hundredths of a core (`python -m bench live`).
REPORTS_PER_S = 32
# Of an encode that is in order something is heard twice before it looks silent on the board, and before it is stopped.
REPORT_AT_LEAST_EVERY_S = 5


def report_every_s(encodes: int, stall_after_s: float) -> int:
    """Returns how often each of so many encodes is to tell of itself: every second, or less often when they are many.

    In whole seconds; one that is silent for `stall_after_s` is stopped.
    """
    patience_s = min(REPORT_AT_LEAST_EVERY_S, int(stall_after_s / 2))
    return max(1, min(ceil(encodes / REPORTS_PER_S), patience_s))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One block of progress. What ffmpeg did not say is None; `ended` is its own word that the output is whole."""

    frame: int | None = None
    position_s: float | None = None
    output_bytes: int | None = None
    fps: float | None = None
    speed: float | None = None
    ended: bool = False

    def has_moved_since(self, other: "Snapshot | None") -> bool:
        """Whether anything but time went on between two blocks."""
        mine = (self.frame, self.position_s, self.output_bytes)
        return other is None or mine != (other.frame, other.position_s, other.output_bytes)


class ProgressReader:
    """Collects lines into snapshots."""

    def __init__(self) -> None:
        self._block: dict[str, str] = {}

    def feed(self, line: str) -> Snapshot | None:
        """Takes one line; returns a snapshot when it ends a block. Lines that are no progress are passed over."""
        key, equals, value = line.partition("=")
        if not equals:
            return None
        self._block[key.strip()] = value.strip()
        if key.strip() != "progress":
            return None
        block, self._block = self._block, {}
        return _snapshot(block)


def _snapshot(block: dict[str, str]) -> Snapshot:
    position_us = _number(block.get("out_time_us") or block.get("out_time_ms"))
    frame = _number(block.get("frame"))
    size = _number(block.get("total_size"))
    return Snapshot(
        frame=None if frame is None else int(frame),
        position_s=None if position_us is None else position_us / 1e6,
        output_bytes=None if size is None else int(size),
        fps=_number(block.get("fps")),
        speed=_number(block.get("speed", "").removesuffix("x")),
        ended=block["progress"] == "end",
    )


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    # out_time before the first packet is -9223372036854775807, an unset value (AV_NOPTS_VALUE).
    return number if 0 <= number < float("inf") else None


@dataclass(frozen=True, slots=True)
class Measure:
    """How far an encode is, in percent; how many percent smaller it gets; how many seconds it still needs."""

    percent: float | None
    position_s: float | None
    compression: float | None
    eta_s: float | None


def measure(media: Media, snapshot: Snapshot, elapsed_s: float) -> Measure:
    """Measures a running encode against its source.

    Compression is 100 x (1 - output bytes / source bytes up to the same position), the source's bytes taken as spread
    evenly over its duration. The position is ffmpeg's, else the frames done at the source's frame rate. The time left
    is not told in the first second.
    """
    position_s = snapshot.position_s or _position_by_frames(media, snapshot)
    if not media.duration_s or position_s is None:
        return Measure(None, position_s, None, None)
    fraction = min(1.0, position_s / media.duration_s)
    compression = saving(media.size_bytes * fraction, snapshot.output_bytes)
    speed = (snapshot.speed or position_s / elapsed_s) if elapsed_s >= SPEED_SETTLES_AFTER_S else None
    return Measure(
        percent=100 * fraction,
        position_s=position_s,
        # Muxers write in clusters: until the first one there is a header and nothing to measure.
        compression=None if compression is None or compression > INCREDIBLE_PERCENT else compression,
        eta_s=max(0.0, media.duration_s - position_s) / speed if speed else None,
    )


def saving(source_bytes: float, output_bytes: int | None) -> float | None:
    """Returns how many percent smaller the output is than the source; negative when it is larger."""
    if not source_bytes or output_bytes is None:
        return None
    return 100 * (1 - output_bytes / source_bytes)


def _position_by_frames(media: Media, snapshot: Snapshot) -> float | None:
    fps = media.video.fps if media.video else 0.0
    return snapshot.frame / fps if fps and snapshot.frame else None
