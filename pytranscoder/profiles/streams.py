"""What becomes of each stream of a media file, as plain values. Decides nothing: `selection` and `containers` do."""

from dataclasses import dataclass
from enum import StrEnum

from pytranscoder.media.model import Stream


class Verdict(StrEnum):
    """What becomes of a stream in the output."""

    KEEP = "keep"
    CONVERT = "convert"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class StreamDecision:
    """The verdict on one stream. `reason` is a sentence where the user would ask why, else None.

    `codec` is what this stream needs after ``-c:<its specifier>``, None when the profile's options or ffmpeg decide.
    `default` is the default disposition to set or clear, None to leave it as it is in the source.
    """

    stream: Stream
    verdict: Verdict
    codec: str | None = None
    reason: str | None = None
    default: bool | None = None


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """The verdicts on all streams of a media file, in the order of the file.

    `mapped` is False when the user's options choose the streams (`automap: no`, or a ``-map`` of their own):
    then nothing is decided here and `decisions` is empty. `notes` are sentences for the plan and the report.
    """

    decisions: tuple[StreamDecision, ...] = ()
    mapped: bool = True
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[StreamDecision, ...]:
        """The decisions on streams that the output has, in their order there."""
        return tuple(decision for decision in self.decisions if decision.verdict is not Verdict.DROP)
