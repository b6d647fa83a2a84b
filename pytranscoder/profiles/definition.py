"""Profiles, mixins and templates as the user wrote them, before includes are followed. Merges nothing."""

from dataclasses import dataclass

# A section of options: one string, or a list of strings; both are split like a POSIX shell would.
# The difference counts when profiles are included: only lists are merged.
OptionText = str | tuple[str, ...]

OPTION_SECTIONS = (
    "input_options",
    "output_options",
    "output_options_video",
    "output_options_audio",
    "output_options_subtitle",
)


@dataclass(frozen=True, slots=True)
class LanguageDefinition:
    """The `audio` or `subtitle` section of a profile; None where a key is absent."""

    include_languages: tuple[str, ...] | None = None
    exclude_languages: tuple[str, ...] | None = None
    default_language: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileDefinition:
    """One entry of `profiles:`. None means that the key is absent or empty: an included profile may fill it in."""

    name: str
    include: tuple[str, ...] = ()
    input_options: OptionText | None = None
    output_options: OptionText | None = None
    output_options_video: OptionText | None = None
    output_options_audio: OptionText | None = None
    output_options_subtitle: OptionText | None = None
    extension: str | None = None
    queue: str | None = None
    threshold: float | None = None
    threshold_check: float | None = None
    automap: bool | None = None
    audio: LanguageDefinition | None = None
    subtitle: LanguageDefinition | None = None
    verify: str | None = None
    accept_damaged: bool | None = None


@dataclass(frozen=True, slots=True)
class TemplateDefinition:
    """One entry of `templates:`, the simpler spelling of a profile. In the languages ``*`` marks the default."""

    name: str
    video_codec: OptionText | None = None
    audio_codec: OptionText | None = None
    subtitles: OptionText | None = None
    input_options: OptionText | None = None
    audio_lang: str | None = None
    subtitle_lang: str | None = None
    threshold: float | None = None
    threshold_check: float | None = None
    queue: str | None = None
    extension: str | None = None
