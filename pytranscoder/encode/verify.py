"""Whether an output is what it should be, from what was read of it and of its source. Reads nothing itself.

ffmpeg exits with 0 on a truncated input, with a truncated output; so an exit status is never enough.
"""

from collections.abc import Collection

from pytranscoder.errors import DamagedMediaError, VerifyError
from pytranscoder.media.model import Ends, Media, StreamKind
from pytranscoder.profiles.command import ExpectedStreams

TOLERANCE_S = 0.5
TOLERANCE_FRACTION = 0.001


def tolerance_s(duration_s: float) -> float:
    """By how many seconds an output may be shorter or longer than it should be."""
    return max(TOLERANCE_S, TOLERANCE_FRACTION * duration_s)


def require_whole(media: Media, ends: Ends) -> None:
    """Raises DamagedMediaError when the packets of a source end before its header says."""
    if not ends.complete:
        says = f"its header says {media.duration_s:.1f} s" if media.duration_s else "reading it fails"
        raise DamagedMediaError(
            media.path,
            f"damaged: its packets end at {ends.end_s:.1f} s, {says}; "
            "`accept_damaged: yes` in the profile encodes what is there",
        )


def require_streams(output: Media, expected: ExpectedStreams) -> None:
    """Raises VerifyError when a stream that was meant to be kept is missing."""
    found = {
        "video": len(output.pictures),
        "audio": len(output.of_kind(StreamKind.AUDIO)),
        "subtitle": len(output.of_kind(StreamKind.SUBTITLE)),
        "attachment": len(output.of_kind(StreamKind.ATTACHMENT)),
        "cover art": len(output.of_kind(StreamKind.VIDEO)) - len(output.pictures),
    }
    wanted = {
        "video": expected.video,
        "audio": expected.audio,
        "subtitle": expected.subtitle,
        "attachment": expected.attachment,
        "cover art": expected.attached_pictures,
    }
    for kind, number in wanted.items():
        if number is not None and found[kind] < number:
            raise VerifyError(f"the output has {found[kind]} {kind} streams, {number} were to be kept")
    if not output.streams:
        raise VerifyError("the output has no streams")


def longest_frame_s(*media: Media) -> float:
    """Returns how long one picture stays in the slowest of these films, in seconds; 0 when none tells."""
    return max((1 / stream.fps for each in media for stream in each.pictures if stream.fps), default=0.0)


def require_ends(
    source: Ends, output: Ends, expected_s: float | None, whole: Collection[StreamKind], frame_s: float = 0.0
) -> None:
    """Raises VerifyError when the output does not end where it should.

    `expected_s` is what the profile's own options make of the source's length, None when that cannot be told. When
    they leave it alone, picture and sound must each end where they do in the source, where the output has them `whole`.
    A film may end a picture earlier or later: `frame_s` is how long one stays.
    """
    if not output.complete:
        raise VerifyError(f"the output is truncated: its packets end at {output.end_s:.1f} s")
    if expected_s is None:
        return
    if expected_s != source.end_s:
        _require_end("output", expected_s, output.end_s, source.lead_s, frame_s)
        return
    if StreamKind.VIDEO in whole:
        _require_end("picture", source.video_end_s, output.video_end_s, source.lead_s, frame_s)
    if StreamKind.AUDIO in whole:
        _require_end("sound", source.audio_end_s, output.audio_end_s, source.lead_s, frame_s)


def _require_end(what: str, wanted_s: float | None, found_s: float | None, lead_s: float, frame_s: float) -> None:
    if wanted_s is None or found_s is None:
        return
    tolerated_s = max(tolerance_s(wanted_s), frame_s)
    if not wanted_s - tolerated_s <= found_s <= wanted_s + lead_s + tolerated_s:
        raise VerifyError(f"the {what} ends at {found_s:.1f} s, it should at {wanted_s:.1f} s")
