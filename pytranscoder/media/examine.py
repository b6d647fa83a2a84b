"""Finds where the packets of a file end, with PyAV, and whether its end is missing. Decodes nothing.

Only worker processes import this, as a broken file may crash a demuxer.
"""

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
from av.format import Flags

from pytranscoder.media.container import OpenFile, opened, stat_regular_file
from pytranscoder.media.model import Ends

# How much of the file's end is read before all of it is. Ten seconds of an indexed film take milliseconds; two
# minutes spare a film whose sound outlasts its pictures a reading that takes minutes over a network.
_TAILS_S = (10.0, 120.0)

# Muxers round, and count the duration of the last packet or do not: the tolerance is that for an encode's output.
_TOLERANCE_S = 0.5
_TOLERANCE = 0.001

# Recordings of broadcasts and bare streams stop anywhere, in the middle of a packet too; other formats do not.
_STOPS_ANYWHERE = frozenset({"mpegts", "mpeg", "mpegvideo", "h264", "hevc", "aac", "ac3", "eac3", "dts", "mp3"})


# Formats that hide the start of a stream: mp4 by edit lists, matroska by a codec delay. Matroska's durations count it.
_HIDES_PACKETS = ("mov,mp4", "matroska")
_FIRST_PACKETS = 500

# ffmpeg's own limits (dts_delta_threshold, and 0.1 s backwards) for taking a step in time for a jump.
_JUMP_S = 10.0
_STEP_BACK_S = 0.1


@dataclass(frozen=True, slots=True)
class _Reading:
    """The latest time stamp by index of stream, and whether reading ended as it should."""

    ends_s: dict[int, float]
    ended_well: bool

    def latest_s(self, indices: list[int]) -> float | None:
        return max((self.ends_s[index] for index in indices if index in self.ends_s), default=None)


class _Clock:
    """Makes one time line of a recording whose time stamps jump, as ffmpeg does when it reads one.

    Joined recordings and the chapters of DVDs begin to count again in the middle of the file.
    """

    def __init__(self) -> None:
        self._shift_s = 0.0
        self._seen_s: dict[int, float] = {}
        self._next_s: dict[int, float] = {}
        self._last_s: float | None = None

    def shift_s(self, index: int, dts_s: float, duration_s: float) -> float:
        """By how much a packet of stream `index` is to be moved."""
        at_s, expected_s = dts_s + self._shift_s, self._next_s.get(index, self._last_s)
        if expected_s is not None:
            steps_back = at_s < self._seen_s.get(index, at_s) - _STEP_BACK_S
            if steps_back or abs(at_s - expected_s) > _JUMP_S:
                self._shift_s += expected_s - at_s
                at_s = expected_s
        self._seen_s[index] = self._last_s = at_s
        self._next_s[index] = at_s + duration_s
        return self._shift_s


def examine(path: Path) -> Ends:
    """Where the packets of a file end. Raises UnreadableMediaError when it cannot be opened.

    Reads the end of the file only, and all of it when that leaves a doubt or time stamps may jump. `complete` means
    that reading ended without an error or a torn packet, and that the packets reach what the header promises: each
    kind of stream its own duration where the format has one (matroska, mp4, avi), else any stream that of the whole
    file. A recording that stops early without a header that says so (mpegts) is complete, as nothing tells.
    """
    stat_regular_file(path)
    lead_s = _lead_s(path)
    for tail_s in _TAILS_S:
        ends = _examine_tail(path, tail_s, lead_s)
        if ends is not None:
            return ends
    with opened(path) as file:
        return _judge(file, _read(file), lead_s)


def _lead_s(path: Path) -> float:
    """How long before its stream is said to start the earliest packet is: an edit list or a codec delay hides it."""
    with opened(path) as file:
        if not file.container.format.name.startswith(_HIDES_PACKETS):
            return 0.0
        starts = {s.index: s.start_time for s in file.streams if s.start_time is not None}
        leads_s: dict[int, float] = {}
        with suppress(av.FFmpegError):  # what is wrong with it is found at its end
            for packet in islice(file.container.demux(file.streams), _FIRST_PACKETS):
                index, pts = packet.stream_index, packet.pts
                if pts is not None and index in starts:
                    leads_s[index] = (starts.pop(index) - pts) * float(packet.time_base)
                if not starts:
                    break
        return max(0.0, *leads_s.values())


def _examine_tail(path: Path, tail_s: float, lead_s: float) -> Ends | None:
    """None when the tail does not tell: it has no video or no audio, or not all that was promised."""
    with opened(path) as file:
        duration_s = file.duration_s()
        if duration_s is None or duration_s <= tail_s or _may_jump(file):
            return None
        try:
            file.container.seek(int((file.start_s + duration_s - tail_s) * av.time_base))
        except av.FFmpegError:
            return None
        ends = _judge(file, _read(file), lead_s)
        seen = {"video": ends.video_end_s, "audio": ends.audio_end_s}
        return ends if ends.complete and all(seen[stream.type] is not None for stream in file.streams) else None


def _may_jump(file: OpenFile) -> bool:
    return Flags.ts_discont in Flags(file.container.format.flags)


def _read(file: OpenFile) -> _Reading:
    if _may_jump(file):
        return _read_jumping(file)
    streams = [*file.streams, *file.container.streams.subtitles]
    ends: dict[int, int] = {}
    torn: dict[int, bool] = {}
    failed = False
    try:
        # This loop sees millions of packets: ticks stay integers until it is over.
        for packet in file.container.demux(streams):
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None:
                index, end = packet.stream_index, stamp + (packet.duration or 0)
                ends[index] = max(end, ends.get(index, end))
                torn[index] = packet.is_corrupt
    except av.FFmpegError:
        failed = True
    torn_end = any(torn.values()) and file.container.format.name not in _STOPS_ANYWHERE
    ticks_s = {stream.index: float(stream.time_base or 0) for stream in streams}
    return _Reading({index: end * ticks_s[index] for index, end in ends.items()}, not (failed or torn_end))


def _read_jumping(file: OpenFile) -> _Reading:
    clock, ends_s, failed = _Clock(), dict[int, float](), False
    ticks_s = {stream.index: float(stream.time_base or 0) for stream in file.streams}
    try:
        for packet in file.container.demux(file.streams):
            if packet.dts is not None:
                index, tick_s = packet.stream_index, ticks_s[packet.stream_index]
                duration_s = (packet.duration or 0) * tick_s
                shift_s = clock.shift_s(index, packet.dts * tick_s, duration_s)
                end_s = (packet.dts if packet.pts is None else packet.pts) * tick_s + duration_s + shift_s
                ends_s[index] = max(end_s, ends_s.get(index, end_s))
    except av.FFmpegError:
        failed = True
    return _Reading(ends_s, not failed)


def _judge(file: OpenFile, reading: _Reading, lead_s: float) -> Ends:
    kinds = {kind: [s.index for s in file.streams if s.type == kind] for kind in ("video", "audio")}
    latest_s = {kind: reading.latest_s(indices) for kind, indices in kinds.items()}
    from_start_s = {kind: None if end is None else end - file.start_s for kind, end in latest_s.items()}
    return Ends(
        duration_s=file.duration_s(),
        end_s=max((end for end in from_start_s.values() if end is not None), default=0.0),
        video_end_s=from_start_s["video"],
        audio_end_s=from_start_s["audio"],
        complete=reading.ended_well and (_may_jump(file) or _keeps_promises(file, reading, latest_s, lead_s)),
        lead_s=lead_s,
    )


def _keeps_promises(file: OpenFile, reading: _Reading, latest_s: dict[str, float | None], lead_s: float) -> bool:
    promises = file.promises()
    if promises:
        return all(_reaches(file, latest_s[kind], promised_s - lead_s) for kind, promised_s in promises.items())
    # The duration of a whole matroska file without tags covers its subtitles.
    return _reaches(file, max(reading.ends_s.values(), default=None), file.duration_s() or 0.0)


def _reaches(file: OpenFile, end_s: float | None, promised_s: float) -> bool:
    # Some muxers count from zero, some from the first packet. Taking the later of the two may let a cut pass
    # in a file that begins late; taking the other would call whole files damaged.
    reached_s = (end_s or 0.0) - min(file.start_s, 0.0)
    return reached_s >= promised_s - max(_TOLERANCE_S, promised_s * _TOLERANCE)
