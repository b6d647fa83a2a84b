"""What a run would do: the hosts as they answer, then file by file, with commands to paste. Does none of it."""

from types import TracebackType
from typing import Self

from pytranscoder.jobs.events import (
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    Notice,
    Outcome,
    Planned,
    RunFinished,
)
from pytranscoder.profiles.profile import DEFAULT_QUEUE
from pytranscoder.ui.format import count, size
from pytranscoder.ui.hosts import HostKey, Hosts
from pytranscoder.ui.narrator import Narrator, verdict
from pytranscoder.ui.output import Output
from pytranscoder.ui.shell import shell_command
from pytranscoder.ui.summary import no_host_lines


class DryRun:
    """Writes a paragraph for each host as soon as it has answered, and for each file as soon as it is planned."""

    def __init__(self, output: Output, *, verbose: bool = False) -> None:
        self._output = output
        self._narrator = Narrator(verbose=verbose, encoding=output.encoding)
        self._hosts = Hosts()
        self._troubles: set[tuple[HostKey, str]] = set()
        self._planned = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.flush()

    def handle(self, event: Event) -> None:
        """Writes what the event says about a file or a host."""
        self._hosts.handle(event)
        match event:
            case Planned():
                self._planned += 1
                host = self._hosts.label(event.cluster, event.host)
                self._write(planned_lines(event, self._output.encoding, host))
            case JobFinished():
                self._write([str(event.media), f"  {verdict(event)}", *(f"  note     {note}" for note in event.notes)])
            case HostReady(cluster=str()):
                self._write(host_lines(event, self._hosts.label(event.cluster, event.host)))
            case HostUnavailable(cluster=str()):
                self._write_trouble(event)
            case RunFinished():
                self._output.line(totals_text(event, self._planned))
                for line in no_host_lines(self._hosts):
                    self._output.line(self._output.show(line))
            case _:
                for told in self._narrator.tell(event):
                    if isinstance(told, Notice):
                        self._output.paragraph(told.text)

    def _write_trouble(self, event: HostUnavailable) -> None:
        trouble = ((event.cluster, event.host), event.reason)
        if trouble not in self._troubles:
            self._troubles.add(trouble)
            name = self._hosts.label(event.cluster, event.host)
            self._write([f"host {name}", f"  not usable: {event.reason}"])

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self._output.line(self._output.show(line))
        self._output.line()


def host_lines(event: HostReady, name: str) -> list[str]:
    """What the check of a host found."""
    free = "" if event.free_bytes is None else f"{size(event.free_bytes)} free in working_dir"
    confinement = "" if event.confinement is None else event.confinement or "no, its arguments are examined only"
    return [
        f"host {name}",
        *_fact("type", event.host_type),
        *_fact("os", event.os),
        *_fact("ffmpeg", f"{event.ffmpeg_version} ({event.ffmpeg})"),
        *_fact("space", free),
        *_fact("slots", ", ".join(f"{queue} {number}" for queue, number in event.slots.items())),
        *_fact("confined", confinement),
    ]


def planned_lines(event: Planned, encoding: str = "utf-8", host: str = "") -> list[str]:
    """The plan for one file; the command comes last, on a line of its own."""
    queue = "" if event.queue == DEFAULT_QUEUE else f" (queue {event.queue})"
    return [
        str(event.media),
        *_fact("rule", ": ".join(part for part in (event.rule, event.why) if part)),
        *_fact("profile", event.profile + queue),
        *_fact("host", f"{host} ({event.host_type})" if host else event.host),
        *_fact("output", str(event.output)),
        *(line for note in event.notes for line in _fact("note", note)),
        shell_command(event.argv, encoding),
    ]


def _fact(name: str, text: str) -> list[str]:
    return [f"  {name:<8} {text}"] if text else []


def totals_text(run: RunFinished, planned: int) -> str:
    """The last line, such as ``2 files would be encoded, 1 skipped``."""
    others = [
        f"{number} {outcome.value}"
        for outcome in Outcome
        if (number := getattr(run, outcome.value)) and outcome is not Outcome.ENCODED
    ]
    return ", ".join([f"{count(planned, 'file')} would be encoded", *others])
