"""A scheduler and what it answers, for tests that are told as stories. The runs are called ``r``."""

from typing import Any

from pytranscoder.jobs.actions import Action, BeginEncode, FinishJob, RestHost, StartAttempt, StopAttempt
from pytranscoder.jobs.events import Event, Outcome
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.jobs.scheduler import Scheduler
from tests.jobs.samples import up


class Story:
    """Feeds events to a scheduler, whose hosts are up from the start unless `pending`, and checks it after each."""

    def __init__(self, *specs: HostSpec, pending: bool = False, **options: Any) -> None:
        self.scheduler = Scheduler("r", specs, **options)
        if not pending:
            self.tell(*map(up, specs))

    def tell(self, *events: Event) -> list[Action]:
        """Return what the last event led to."""
        actions: list[Action] = []
        for event in events:
            actions = self.scheduler.handle(event, event.time)
            self.scheduler.check()
        return actions


def begun(actions: list[Action]) -> list[str]:
    """The attempts that start, each with its host unless that is the local one: ``r-1-1@nas``."""
    return [
        action.attempt + (f"@{action.host}" if action.host != "local" else "")
        for action in actions
        if isinstance(action, StartAttempt)
    ]


def slotted(actions: list[Action]) -> list[str]:
    return [action.attempt for action in actions if isinstance(action, BeginEncode)]


def stopped(actions: list[Action]) -> list[str]:
    return [action.attempt for action in actions if isinstance(action, StopAttempt)]


def rests(actions: list[Action]) -> list[tuple[str, float]]:
    return [(action.host, action.pause_s) for action in actions if isinstance(action, RestHost)]


def outcomes(actions: list[Action]) -> list[tuple[int, Outcome]]:
    return [(action.job, action.outcome) for action in actions if isinstance(action, FinishJob)]


def reasons(actions: list[Action]) -> list[str | None]:
    return [action.reason for action in actions if isinstance(action, FinishJob)]
