"""Makes profiles from what the user wrote: follows includes, lays mixins over, and reads templates.
Knows no ffmpeg option and reads no file.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import reduce
from typing import Any

from pytranscoder.errors import UsageError
from pytranscoder.profiles.definition import (
    OPTION_SECTIONS,
    LanguageDefinition,
    OptionText,
    ProfileDefinition,
    TemplateDefinition,
)
from pytranscoder.profiles.options import merge_options, split_options
from pytranscoder.profiles.profile import DEFAULT_QUEUE, LanguageSelection, Options, Profile

Definitions = Mapping[str, ProfileDefinition]

_SECTIONS = tuple(field.name for field in fields(ProfileDefinition) if field.name not in {"name", "include"})
_LANGUAGE_SECTIONS = ("audio", "subtitle")


def check_includes(definitions: Definitions) -> list[tuple[str, str]]:
    """Every mistake in the includes as (profile, message): profiles that do not exist, and loops, each loop once."""
    return list(dict.fromkeys((*_unknown_includes(definitions), *_loops(definitions))))


def resolve_profile(
    definitions: Definitions, name: str, mixins: Sequence[str] = (), *, automap: bool = True
) -> Profile:
    """The profile of that name with its includes followed and the mixins laid over it, the last one on top.

    `automap` is for profiles that do not say. Raises UsageError for an unknown profile or mixin and for a loop.

    >>> resolve_profile({"hq": ProfileDefinition("hq", output_options_video="-c:v libx265")}, "hq").options.video
    ('-c:v', 'libx265')
    """
    return _finish(_overlay(_flatten(definitions, name), mixins, definitions), automap=automap)


def template_profile(
    template: TemplateDefinition,
    mixins: Sequence[str] = (),
    definitions: Definitions | None = None,
    *,
    automap: bool = True,
) -> Profile:
    """The profile that a template stands for, with mixins from `definitions` laid over it as over a profile."""
    definition = ProfileDefinition(
        name=template.name,
        input_options=template.input_options,
        output_options_video=template.video_codec,
        output_options_audio=template.audio_codec,
        output_options_subtitle=template.subtitles,
        audio=parse_languages(template.audio_lang),
        subtitle=parse_languages(template.subtitle_lang),
        threshold=template.threshold,
        threshold_check=template.threshold_check,
        queue=template.queue,
        extension=template.extension,
    )
    return _finish(_overlay(definition, mixins, definitions or {}), automap=automap)


def parse_languages(text: str | None) -> LanguageDefinition | None:
    """A template's languages, separated by spaces or commas; the first with a ``*`` is the default. None if empty.

    >>> parse_languages("eng jpn*").default_language
    'jpn'
    """
    words = (text or "").replace(",", " ").split()
    languages = tuple(language for word in words if (language := word.strip("*")))
    default = next((word.strip("*") for word in words if "*" in word and word.strip("*")), None)
    return LanguageDefinition(include_languages=languages, default_language=default) if languages else None


def _unknown_includes(definitions: Definitions) -> Iterator[tuple[str, str]]:
    for name, definition in definitions.items():
        for include in definition.include:
            if include not in definitions:
                yield name, f"includes {_unknown(include, definitions)}"


def _loops(definitions: Definitions) -> Iterator[tuple[str, str]]:
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if name in trail:
            yield name, _loop_message(trail, name)
        elif name not in finished and name in definitions:
            for include in definitions[name].include:
                yield from visit(include, (*trail, name))
            finished.add(name)

    for name in definitions:
        yield from visit(name, ())


def _loop_message(trail: tuple[str, ...], name: str) -> str:
    return f"includes itself: {' -> '.join((*trail[trail.index(name) :], name))}"


def _unknown(name: str, known: Mapping[str, object]) -> str:
    nearest = get_close_matches(name, known, n=1)
    guess = f"; did you mean {nearest[0]!r}?" if nearest else ";"
    return f"unknown profile {name!r}{guess} known: {', '.join(sorted(known)) or 'none'}"


def _flatten(definitions: Definitions, name: str, trail: tuple[str, ...] = ()) -> ProfileDefinition:
    """The definition with all that it includes, parents from left to right and itself last."""
    if name not in definitions:
        raise UsageError(_unknown(name, definitions))
    if name in trail:
        raise UsageError(f"profile {name!r} {_loop_message(trail, name)}; remove one of these includes")
    definition = definitions[name]
    parents = (_flatten(definitions, include, (*trail, name)) for include in definition.include)
    return reduce(_inherit, (*parents, definition), ProfileDefinition(name))


def _inherit(parent: ProfileDefinition, child: ProfileDefinition) -> ProfileDefinition:
    combined = {section: _inherit_section(section, parent, child) for section in _SECTIONS}
    return replace(child, include=(), **combined)


def _inherit_section(section: str, parent: ProfileDefinition, child: ProfileDefinition) -> Any:
    above, own = getattr(parent, section), getattr(child, section)
    if _is_absent(above) or _is_absent(own):
        return above if _is_absent(own) else own
    if section in OPTION_SECTIONS:
        return _inherit_options(above, own)
    return _inherit_languages(above, own) if section in _LANGUAGE_SECTIONS else own


def _inherit_options(above: OptionText, own: OptionText) -> OptionText:
    if isinstance(above, str) or isinstance(own, str):
        return own
    # Quoted again: what comes out is text, so that it can be combined once more with the next child.
    return tuple(shlex.quote(word) for word in merge_options(split_options(above), split_options(own)))


def _inherit_languages(above: LanguageDefinition, own: LanguageDefinition) -> LanguageDefinition:
    return LanguageDefinition(
        include_languages=own.include_languages or above.include_languages,
        exclude_languages=own.exclude_languages or above.exclude_languages,
        default_language=own.default_language or above.default_language,
    )


def _is_absent(value: object) -> bool:
    # Zero and False are values: `threshold: 0` and `automap: no` take back what a parent set.
    if isinstance(value, LanguageDefinition):
        return not (value.include_languages or value.exclude_languages or value.default_language)
    return value is None or value in ("", ())


def _overlay(definition: ProfileDefinition, mixins: Sequence[str], definitions: Definitions) -> ProfileDefinition:
    for mixin in mixins:
        fragment = _flatten(definitions, mixin)
        present = {section: getattr(fragment, section) for section in _SECTIONS}
        definition = replace(definition, **{key: value for key, value in present.items() if not _is_absent(value)})
    return definition


def _finish(definition: ProfileDefinition, *, automap: bool) -> Profile:
    return Profile(
        name=definition.name,
        options=Options(*(split_options(getattr(definition, section) or ()) for section in OPTION_SECTIONS)),
        extension=_with_dot(definition.extension),
        queue=definition.queue or DEFAULT_QUEUE,
        threshold_percent=definition.threshold or None,
        threshold_check_percent=100.0 if definition.threshold_check is None else definition.threshold_check,
        automap=automap if definition.automap is None else definition.automap,
        audio=_selection(definition.audio),
        subtitle=_selection(definition.subtitle),
        verify_by_decoding=definition.verify == "decode",
        accept_damaged=bool(definition.accept_damaged),
    )


def _with_dot(extension: str | None) -> str | None:
    return f".{extension.removeprefix('.')}" if extension else None


def _selection(definition: LanguageDefinition | None) -> LanguageSelection:
    wanted = definition or LanguageDefinition()
    return LanguageSelection(
        include=wanted.include_languages or (),
        exclude=wanted.exclude_languages or (),
        default=wanted.default_language,
    )
