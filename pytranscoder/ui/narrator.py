"""What of a run is worth a line as it happens. Chooses and explains; writes and formats nothing."""

from collections.abc import Sequence
from pathlib import Path

from pytranscoder.errors import printable
from pytranscoder.jobs.events import (
    AttemptFailed,
    CancelRequested,
    EncodeStarted,
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    Notice,
    Outcome,
    Transfer,
)
from pytranscoder.ui.format import full_duration, size
from pytranscoder.ui.hosts import HostKey, Hosts
from pytranscoder.ui.shell import shell_command

Told = EncodeStarted | JobFinished | Notice

# A library whose rules skip thousands of files must not bury what was encoded.
SKIPS_TOLD = 20


class Narrator:
    """Turns events into those that the user is told of, with notices for what needs words.

    Without `verbose` only the first 20 skipped files are named. Jobs that were cancelled before they began never are.
    What stands against a host is told once, however often it is tried, and again when it has changed.
    """

    def __init__(self, *, verbose: bool = False, encoding: str = "utf-8") -> None:
        self._verbose = verbose
        self._encoding = encoding
        self._skipped = 0
        self._failed_attempts: dict[int, AttemptFailed] = {}
        self._notes: dict[int, set[str]] = {}
        self._hosts = Hosts()
        self._troubles: dict[HostKey, str] = {}

    def tell(self, event: Event) -> Sequence[Told]:
        """What to say about an event, often nothing."""
        self._hosts.handle(event)
        match event:
            case EncodeStarted():
                return self._start(event)
            case Transfer():
                return self._again(event)
            case AttemptFailed():
                return self._fail(event)
            case JobFinished():
                return self._finish(event)
            case HostReady():
                return self._ready(event)
            case HostUnavailable():
                return self._unavailable(event)
            case CancelRequested() | Notice():
                return self._notice(event)
        return []

    def _start(self, event: EncodeStarted) -> list[Told]:
        told = [*self._again(event), event, *self._new_notes(event, event.notes, event.media)]
        return told + self._detail(event, shell_command(event.argv, self._encoding))

    def _again(self, event: EncodeStarted | Transfer) -> list[Told]:
        failed = self._failed_attempts.pop(event.job, None)
        if failed is None:
            return []
        name = printable(event.media.name)
        if failed.stopped:
            here = self._hosts.label(event.cluster, event.host) or event.host
            there = self._hosts.label(failed.cluster, failed.host) or failed.host
            if here == there:
                return []  # its host was lost while it waited there, and is back
            return [Notice(time=event.time, level="info", text=f"{name}: given to {here} instead of {there}")]
        text = f"{name}: tried again{self._after(failed, event)}"
        return [Notice(time=event.time, level="warning", text=text)]

    def _after(self, failed: AttemptFailed, event: EncodeStarted | Transfer) -> str:
        there = self._hosts.label(failed.cluster, failed.host)
        here = self._hosts.label(event.cluster, event.host)
        if not here:
            return f" after: {failed.reason}"
        return f" on {here} after: {failed.reason if names_host(failed.reason) else f'{there}: {failed.reason}'}"

    def _ready(self, event: HostReady) -> list[Told]:
        name = self._hosts.label(event.cluster, event.host) or event.host
        told = self._detail(event, _host_sentence(event, name))
        if self._troubles.pop((event.cluster, event.host), None) is not None:
            told.insert(0, Notice(time=event.time, level="info", text=f"host {name} is back"))
        return told

    def _unavailable(self, event: HostUnavailable) -> list[Told]:
        if self._troubles.get((event.cluster, event.host)) == event.reason:
            return []
        self._troubles[event.cluster, event.host] = event.reason
        name = self._hosts.label(event.cluster, event.host) or event.host
        text = event.reason if self._hosts.is_hopeless(event.cluster) else trouble_text(event)
        return [Notice(time=event.time, level="warning", text=f"host {name}: {text}")]

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

    def _notice(self, event: CancelRequested | Notice) -> list[Told]:
        if isinstance(event, CancelRequested):
            return [Notice(time=event.time, level="info", text="stopping")]
        return [event] if self._verbose or event.level != "detail" else []

    def _new_notes(self, event: EncodeStarted | JobFinished, notes: Sequence[str], media: Path) -> list[Notice]:
        known = self._notes.setdefault(event.job, set())
        new = [note for note in notes if note not in known]
        known.update(new)
        return [Notice(time=event.time, level="info", text=f"{printable(media.name)}: {note}") for note in new]

    def _detail(self, event: Event, text: str) -> list[Told]:
        return [Notice(time=event.time, level="detail", text=text)] if self._verbose and text else []


def _host_sentence(event: HostReady, name: str) -> str:
    slots = ", ".join(f"{queue} {number}" for queue, number in event.slots.items())
    kind = "" if event.cluster is None else f" {event.host_type},"
    free = "" if event.free_bytes is None else f", {size(event.free_bytes)} free"
    return f"host {name}:{kind} ffmpeg {event.ffmpeg_version} ({event.ffmpeg}), slots: {slots}{free}"


def trouble_text(event: HostUnavailable) -> str:
    """Why a host cannot take work and when it is tried again; this machine in local mode never is."""
    if event.retry_in_s is not None:
        return f"{event.reason} (tried again in {full_duration(event.retry_in_s)})"
    return event.reason if event.cluster is None else f"{event.reason} (not tried again)"


def names_host(reason: str) -> bool:
    """Whether a sentence says itself which host it is about, as that of a host error does."""
    return reason.startswith("host ")


def verdict(event: JobFinished, host: str = "") -> str:
    """How a job ended that was not encoded, and where, such as ``failed on nas: no space is left``."""
    if not event.reason:
        return event.outcome.value
    reason = reason_of(event)
    where = f" on {host}" if host and not names_host(reason) else ""
    return f"{event.outcome}{where}: {reason}"


def reason_of(event: JobFinished) -> str:
    """Why a job ended as it did, without the path that the sentence of a media error begins with."""
    return (event.reason or "no reason known").removeprefix(f"{printable(event.media)}: ")
