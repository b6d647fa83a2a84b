"""Carries out what it is told, one line of JSON each, in a fork that is killed on the way. Checks nothing.

Answers each line with the wait status of the fork. What a run imports is imported once, before the forks.
"""

import json
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pytranscoder.arguments import Arguments
from pytranscoder.cli import carry_out
from pytranscoder.encode.choose import Policy
from pytranscoder.encode.outcomes import Totals
from pytranscoder.encode.recovery import recover_dead_runs
from pytranscoder.encode.replace import Checkpoint, Step, identify, replace
from pytranscoder.fleet import local_member
from pytranscoder.jobs.events import RunStarted
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.replacement import Replacement
from pytranscoder.jobs.sources import Request, Selection
from pytranscoder.profiles.definition import ProfileDefinition
from pytranscoder.runner import Order
from tests.crash.shapes import SHAPES, Place


@dataclass(frozen=True, slots=True)
class Errand:
    """What to do, and when to be killed: at a step, or some time after the start of the replacement.

    `what` is ``run`` (the whole program), ``replace`` (`output` is the verified output), or ``recover``. With
    `kill_after_s` each step takes `pause_s` longer, so that the kill finds any of them; `from_start` counts from
    the start of all.
    """

    what: str
    root: str
    shape: str
    output: str = ""
    kill_at: str | None = None
    kill_after_s: float | None = None
    pause_s: float = 0.0
    from_start: bool = False

    @property
    def place(self) -> Place:
        """The folders."""
        return Place(Path(self.root))

    def to_line(self) -> str:
        """Write it as the line that asks for it."""
        return json.dumps(asdict(self)) + "\n"


def serve() -> None:
    """Do what each line asks for."""
    for line in sys.stdin:
        sys.stdout.write(f"{carry_out_in_a_fork(Errand(**json.loads(line)))}\n")
        sys.stdout.flush()


def carry_out_in_a_fork(errand: Errand) -> int:
    """Fork, kill the fork when it is time, and return its wait status."""
    begun, tell = os.pipe()
    child = os.fork()
    if child == 0:
        _become(errand, tell)
    os.close(tell)
    if errand.kill_after_s is not None:
        if not errand.from_start:
            os.read(begun, 1)
        time.sleep(errand.kill_after_s)  # the moment of the crash is what the test is about
        os.kill(child, signal.SIGKILL)
    os.close(begun)
    return os.waitpid(child, 0)[1]


def _become(errand: Errand, tell: int) -> None:
    status = 70
    try:
        log = os.open(errand.place.root / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ["XDG_STATE_HOME"] = str(errand.place.state)
        status = _ERRANDS[errand.what](errand, _checkpoint(errand, tell))
        if errand.kill_after_s is not None:
            signal.pause()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _checkpoint(errand: Errand, tell: int) -> Checkpoint:
    def stop_here(step: Step) -> None:
        if step is Step.BEGIN:
            os.write(tell, b"!")
        if step.value == errand.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(errand.pause_s)

    return stop_here


def _run(errand: Errand, at: Checkpoint) -> int:
    """Run the program as the command does, on the queue file while it is there and on the folder."""
    shape, place, selection = SHAPES[errand.shape], errand.place, Selection(profile="copy")
    lists = [Request(place.queue_file, selection, is_list=True)] if place.queue_file.exists() else []
    order = Order(
        run=secrets.token_hex(4),
        requests=[*lists, Request(place.media, selection)],
        policy=Policy(
            profiles={"copy": ProfileDefinition("copy", output_options="-c copy", extension=shape.extension)},
            keep=shape.keep,
            fls_path=place.fast if shape.elsewhere else None,
        ),
        hosts=[local_member(None, {})],
        checkpoint=at,
    )
    return carry_out(order, Arguments(json=True), color=None)


def _replace(errand: Errand, at: Checkpoint) -> int:
    """Do what an attempt does around a replacement, from the verified output on."""
    shape, place, run = SHAPES[errand.shape], errand.place, secrets.token_hex(4)
    source, name = place.media / shape.source, f".Film.ptc-{run}-1-1.mkv"
    partial = place.media / name
    output = place.fast / name if shape.elsewhere else partial
    journal = _journal(place, run)
    journal.claim(source, run)
    for path in {partial, output}:
        journal.note_partial(path, run)
        path.touch()
    shutil.copyfile(errand.output, output)
    replace(
        Replacement(
            attempt=f"{run}-1-1",
            run=run,
            job=1,
            source=source,
            identity=identify(source),
            output=output,
            partial=partial,
            final=place.media / shape.final,
            output_bytes=output.stat().st_size,
            remove_source=not shape.keep,
            queue_file=place.queue_file,
        ),
        journal,
        at=at,
    )
    return 0


def _recover(errand: Errand, at: Checkpoint) -> int:
    """Do what the start of a run does for those before it, and nothing else."""
    begun, run = time.time(), secrets.token_hex(4)
    journal = _journal(errand.place, run)
    for sentence in recover_dead_runs(journal, begun, at=at):
        sys.stdout.write(f"{sentence}\n")
    started = RunStarted(time=begun, run=run, version="")
    journal.record(Totals().finished(started, time.time(), interrupted=False, no_host=False))
    journal.close()
    return 0


def _journal(place: Place, run: str) -> Journal:
    journal = Journal(place.journal)
    journal.begin_run(run, time.time())
    return journal


_ERRANDS: dict[str, Callable[[Errand, Checkpoint], int]] = {"run": _run, "replace": _replace, "recover": _recover}


if __name__ == "__main__":
    serve()
