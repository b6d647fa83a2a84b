"""What a run would do, file by file, with commands to paste. Does none of it."""

from types import TracebackType
from typing import Self

from pytranscoder.jobs.events import Event, JobFinished, Notice, Outcome, Planned, RunFinished
from pytranscoder.profiles.profile import DEFAULT_QUEUE
from pytranscoder.ui.format import count
from pytranscoder.ui.narrator import Narrator, verdict
from pytranscoder.ui.output import Output
from pytranscoder.ui.shell import shell_command


class DryRun:
    """Writes a paragraph for each file as soon as it is planned."""

    def __init__(self, output: Output, *, verbose: bool = False) -> None:
        self._output = output
        self._narrator = Narrator(verbose=verbose, encoding=output.encoding)
        self._planned = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.flush()

    def handle(self, event: Event) -> None:
        """Writes what the event says about a file."""
        match event:
            case Planned():
                self._planned += 1
                self._write(planned_lines(event, self._output.encoding))
            case JobFinished():
                self._write([str(event.media), f"  {verdict(event)}", *(f"  note     {note}" for note in event.notes)])
            case RunFinished():
                self._output.line(totals_text(event, self._planned))
            case _:
                for told in self._narrator.tell(event):
                    if isinstance(told, Notice):
                        self._output.paragraph(told.text)

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self._output.line(self._output.show(line))
        self._output.line()


def planned_lines(event: Planned, encoding: str = "utf-8") -> list[str]:
    """The plan for one file; the command comes last, on a line of its own."""
    queue = "" if event.queue == DEFAULT_QUEUE else f" (queue {event.queue})"
    return [
        str(event.media),
        *_fact("rule", ": ".join(part for part in (event.rule, event.why) if part)),
        *_fact("profile", event.profile + queue),
        *_fact("host", event.host),
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
