"""What the entries of a configuration say of each other: names, includes, queues, options, criteria.
Each check reports to a `Reader`; the shape of single entries is `models`'s.
"""

import warnings
from collections.abc import Collection, Mapping
from typing import Any

from pytranscoder.config.nodes import Where
from pytranscoder.config.reading import Reader
from pytranscoder.config.values import describe, nearest_remedy
from pytranscoder.profiles.criteria import CRITERIA, Criterion, CriterionError, parse_criterion
from pytranscoder.profiles.definition import OPTION_SECTIONS, OptionText, ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.options import split_options
from pytranscoder.profiles.profile import DEFAULT_QUEUE
from pytranscoder.profiles.resolve import check_includes
from pytranscoder.profiles.rules import SKIP


def check_names(reader: Reader, profiles: Collection[str], templates: Collection[str]) -> None:
    """SKIP is taken; a profile and a template cannot share a name, as a rule could mean either."""
    for section, names in (("profiles", profiles), ("templates", templates)):
        if SKIP in names:
            reader.reject((section, SKIP), f"{SKIP} is what rules call leaving a file alone", "choose another name")
    for name in templates:
        if name in profiles:
            reader.reject(("templates", name), "a profile has the same name", "rename one of them")


def check_profiles(reader: Reader, profiles: Mapping[str, ProfileDefinition], queues: Collection[str]) -> None:
    """Includes exist and do not go round, queues have slots, options can be split into words."""
    for name, message in check_includes(profiles):
        reader.reject(("profiles", name, "include"), message)
    for name, definition in profiles.items():
        _check_queue(reader, ("profiles", name, "queue"), definition.queue, queues)
        for section in OPTION_SECTIONS:
            _check_options(reader, ("profiles", name, section), getattr(definition, section))


def check_templates(reader: Reader, templates: Mapping[str, TemplateDefinition], queues: Collection[str]) -> None:
    """Queues have slots, options can be split into words."""
    for name, definition in templates.items():
        _check_queue(reader, ("templates", name, "queue"), definition.queue, queues)
        cli = ("templates", name, "cli")
        _check_options(reader, (*cli, "video-codec"), definition.video_codec)
        _check_options(reader, (*cli, "audio-codec"), definition.audio_codec)
        _check_options(reader, (*cli, "subtitles"), definition.subtitles)
        _check_options(reader, (*cli, "input-options"), definition.input_options)


def check_rule_profile(reader: Reader, rule: str, profile: str, known: Collection[str]) -> None:
    """A rule names a profile or template that exists, or SKIP."""
    if profile not in known and profile != SKIP:
        choices = dict.fromkeys((*known, SKIP))
        remedy = nearest_remedy(profile, choices) or f"known: {', '.join(choices)}"
        reader.reject(("rules", rule, "profile"), f"no such profile: {profile!r}", remedy)


def read_criteria(reader: Reader, criteria: Mapping[str, Any], where: Where) -> tuple[Criterion, ...]:
    """The criteria of a rule that can be read; the others are reported."""
    read = (_read_criterion(reader, (*where, name), name, value) for name, value in criteria.items())
    return tuple(criterion for criterion in read if criterion)


def _check_queue(reader: Reader, where: Where, queue: str | None, known: Collection[str]) -> None:
    if queue and queue != DEFAULT_QUEUE and queue not in known:
        remedy = nearest_remedy(queue, known) or "add it to the queues of config or of a host, with its number of slots"
        reader.reject(where, f"no such queue: {queue!r}", remedy)


def _check_options(reader: Reader, where: Where, text: OptionText | None) -> None:
    try:
        split_options(text or ())
    except ValueError as exc:
        reader.reject(where, str(exc))


def _read_criterion(reader: Reader, where: Where, name: str, value: Any) -> Criterion | None:
    if name not in CRITERIA:
        reader.reject(where, "unknown criterion", nearest_remedy(name, CRITERIA) or f"known: {', '.join(CRITERIA)}")
        return None
    if value is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[` in a regular expression may mean more one day
            return parse_criterion(name, value)
    except CriterionError as exc:
        reader.reject(where, str(exc))
    except OverflowError:
        reader.reject(where, f"expected a smaller number, found {describe(value)}")
    return None
