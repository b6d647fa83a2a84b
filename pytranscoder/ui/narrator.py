"""What of a run is worth a line as it happens. Chooses and explains; writes and formats nothing."""

from collections.abc import Sequence
from pathlib import Path

from pytranscoder.errors import printable
from pytranscoder.jobs.events import (
    AttemptFailed,
    EncodeStarted,
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    Notice,
    Outcome,
)
from pytranscoder.ui.shell import shell_command

Told = EncodeStarted | JobFinished | Notice

# A library whose rules skip thousands of files must not bury what was encoded.
SKIPS_TOLD = 20


class Narrator:
    """Turns events into those that the user is told of, with notices for what needs words.

    Without `verbose` only the first 20 skipped files are named. Jobs that were cancelled before they began never are.
    """

    def __init__(self, *, verbose: bool = False, encoding: str = "utf-8") -> None:
        self._verbose = verbose
        self._encoding = encoding
        self._skipped = 0
        self._failed_attempts: dict[int, AttemptFailed] = {}
        self._notes: dict[int, set[str]] = {}

    def tell(self, event: Event) -> Sequence[Told]:
        """What to say about an event, often nothing."""
        match event:
            case EncodeStarted():
                return self._start(event)
            case AttemptFailed():
                return self._fail(event)
            case JobFinished():
                return self._finish(event)
            case HostReady():
                return self._detail(event, _host_sentence(event))
            case HostUnavailable():
                return [Notice(time=event.time, level="warning", text=f"host {event.host}: {event.reason}")]
            case Notice():
                return [event] if self._verbose or event.level != "detail" else []
        return []

    def _start(self, event: EncodeStarted) -> list[Told]:
        told: list[Told] = []
        failed = self._failed_attempts.pop(event.job, None)
        if failed is not None:
            text = f"{printable(event.media.name)}: tried again after: {failed.reason}"
            told.append(Notice(time=event.time, level="warning", text=text))
        told.append(event)
        told += self._new_notes(event, event.notes, event.media)
        return told + self._detail(event, shell_command(event.argv, self._encoding))

    def _fail(self, event: AttemptFailed) -> list[Told]:
        # Whether it is tried again only its next event tells: the reason is kept until then.
        self._failed_attempts[event.job] = event
        return self._detail(event, event.detail)

    def _finish(self, event: JobFinished) -> list[Told]:
        self._failed_attempts.pop(event.job, None)
        notes = self._new_notes(event, event.notes, event.media)
        self._notes.pop(event.job, None)
        if event.outcome is Outcome.SKIPPED and not self._verbose:
            self._skipped += 1
            if self._skipped == SKIPS_TOLD + 1:
                return [Notice(time=event.time, level="info", text="more files are skipped; -v names them all")]
            if self._skipped > SKIPS_TOLD:
                return []
        if event.outcome is Outcome.CANCELLED and event.attempt is None:
            return []
        return [event, *notes]

    def _new_notes(self, event: EncodeStarted | JobFinished, notes: Sequence[str], media: Path) -> list[Notice]:
        known = self._notes.setdefault(event.job, set())
        new = [note for note in notes if note not in known]
        known.update(new)
        return [Notice(time=event.time, level="info", text=f"{printable(media.name)}: {note}") for note in new]

    def _detail(self, event: Event, text: str) -> list[Told]:
        return [Notice(time=event.time, level="detail", text=text)] if self._verbose and text else []


def _host_sentence(event: HostReady) -> str:
    slots = ", ".join(f"{queue} {number}" for queue, number in event.slots.items())
    return f"host {event.host}: ffmpeg {event.ffmpeg_version} ({event.ffmpeg}), slots: {slots}"


def verdict(event: JobFinished) -> str:
    """How a job ended that was not encoded, such as ``skipped: rule small: height is 480``."""
    return f"{event.outcome}: {reason_of(event)}" if event.reason else event.outcome.value


def reason_of(event: JobFinished) -> str:
    """Why a job ended as it did, without the path that the sentence of a media error begins with."""
    return (event.reason or "no reason known").removeprefix(f"{printable(event.media)}: ")
