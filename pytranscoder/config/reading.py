"""Sections of a document → models, with every mistake as a problem. Where a section has mistakes, its model lacks the
wrong keys and has the others, so that those can still be checked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pytranscoder.config.document import Document
from pytranscoder.config.models import ConfigSection, FileSection, HostSection, ProfileSection, RuleSection, Section
from pytranscoder.config.nodes import Where
from pytranscoder.config.values import nearest_remedy
from pytranscoder.errors import Problem

S = TypeVar("S", bound=Section)

# What users write out of habit, where nearness of spelling does not help or misleads.
_HINTS = {
    (FileSection, "clusters"): "it belongs under config",
    (FileSection, "queues"): "it belongs under config",
    (ConfigSection, "concurrent_jobs"): "it is called queues now, with a number for each queue",
    (HostSection, "concurrent_jobs"): "it is called queues now, with a number for each queue",
    (ProfileSection, "output_options_subtitles"): "did you mean output_options_subtitle?",
    (RuleSection, "rules"): "it was renamed to criteria",
}


class Reader:
    """Reads sections of one document and collects what is wrong with them in `problems` and `warnings`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = list(document.problems)
        self.warnings: list[Problem] = list(document.warnings)

    def section(self, model: type[S], data: Any, where: Where) -> S | None:
        """The section at a path; None when nothing can be made of it."""
        try:
            return model.model_validate(data)
        except ValidationError as exc:
            errors = exc.errors(include_url=False)
        self.problems.extend(self._problem(error, model, where) for error in errors)
        return _salvage(model, data, errors) if isinstance(data, dict) else None

    def reject(self, where: Where, message: str, remedy: str = "") -> None:
        """Adds a problem at a path."""
        self.problems.append(self._document.problem(where, message, remedy or None))

    def warn(self, where: Where, message: str, remedy: str = "") -> None:
        """Adds a warning at a path."""
        self.warnings.append(self._document.problem(where, message, remedy or None))

    def _problem(self, error: ErrorDetails, model: type[Section], where: Where) -> Problem:
        loc = error["loc"]
        place = self._document.known((*where, *loc))
        if error["type"] == "extra_forbidden":
            return self._document.problem(place, "unknown key", _remedy(str(loc[-1]), _owner(model, loc)))
        if error["type"] == "missing":
            return self._document.problem(place, f"the key {loc[-1]} is missing")
        context = error.get("ctx", {})
        return self._document.problem(place, context.get("message", error["msg"]), context.get("remedy") or None)


def _salvage(model: type[S], data: Mapping[str, Any], errors: Sequence[ErrorDetails]) -> S | None:
    for error in errors:
        data = _without(data, error["loc"])
    try:
        return model.model_validate(data)
    except ValidationError:  # a required key was wrong or missing, which has been reported
        return None


def _without(data: Mapping[str, Any], loc: Where) -> Mapping[str, Any]:
    key, *rest = loc
    inner = data.get(str(key))
    if rest and isinstance(inner, dict):
        return {**data, str(key): _without(inner, tuple(rest))}
    return {name: value for name, value in data.items() if name != key}


def _owner(model: type[Section], loc: Where) -> type[Section]:
    for step in loc[:-1]:
        model = model.section_at(str(step)) or model
    return model


def _remedy(key: str, model: type[Section]) -> str:
    names = model.key_names()
    return _HINTS.get((model, key)) or nearest_remedy(key, names) or f"known keys: {', '.join(names)}"
