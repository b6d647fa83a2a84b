"""Events as JSON, one object a line, for other programs. A new event or field appears by itself."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from math import isfinite
from os import fspath
from types import TracebackType
from typing import Any, Self

from pytranscoder.jobs.events import CancelRequested, Event, Notice
from pytranscoder.ui.output import Output


def json_line(event: Event) -> str:
    r"""The event as one line of ASCII.

    A byte of a path that is not UTF-8 appears as a lone surrogate (``\udcff``), as Python itself decodes it.
    """
    kind: Any = type(event)  # its class, which mypy takes for unhashable as its instances are
    document: dict[str, Any] = {"event": event_name(kind.__name__), "time": event.time}
    document.update({name: getattr(event, name) for name in _shown(kind)})
    try:
        return _ENCODER.encode(document)
    except ValueError:
        # JSON has no infinity and no NaN; ffmpeg has both.
        return _ENCODER.encode(_finite(document))


@cache
def _shown(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name != "time" and field.metadata.get("json", True))


@cache
def event_name(class_name: str) -> str:
    """The name of an event's class in snake case, such as ``job_finished``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else fspath(value)


_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False)


def _finite(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in document.items()}


class JsonLines:
    """Events on `stdout`, notices as text on `stderr`."""

    def __init__(self, stdout: Output, stderr: Output, *, verbose: bool = False) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._verbose = verbose

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stdout.flush()

    def handle(self, event: Event) -> None:
        """Writes the event, if it is one for others."""
        if isinstance(event, Notice):
            if self._verbose or event.level != "detail":
                self._stderr.paragraph(event.text)
        elif not isinstance(event, CancelRequested):
            self._stdout.line(json_line(event))
