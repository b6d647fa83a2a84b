"""The sections of a configuration file: which keys each has, and the plain values they stand for.
Looks at one entry at a time; what entries say of each other is `checks`'s.
"""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pytranscoder.config.settings import DEFAULT_STALL_AFTER_S
from pytranscoder.config.values import (
    Address,
    Bandwidth,
    Duration,
    Entries,
    Extension,
    Flag,
    HomePath,
    LanguagesText,
    OptionSection,
    PathText,
    Percent,
    Port,
    QueueSlots,
    Substitutions,
    Text,
    Words,
    one_of,
    read_mapping,
)
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.profiles.definition import LanguageDefinition, ProfileDefinition, TemplateDefinition

_OPERATING_SYSTEMS = {"linux": "linux", "macos": "macos", "win10": "windows", "windows": "windows"}


class Section(BaseModel):
    """Keys that belong together. An empty value is an absent one, an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, value: Any) -> Any:
        entries = read_mapping(value)
        return {key: entry for key, entry in entries.items() if entry is not None or key not in cls.key_names()}

    @classmethod
    def key_names(cls) -> tuple[str, ...]:
        """The keys as they are spelt in the file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def section_at(cls, key: str) -> "type[Section] | None":
        """The section that is the value of a key."""
        annotations = (field.annotation for name, field in cls.model_fields.items() if key in (name, field.alias))
        candidates = (candidate for annotation in annotations for candidate in get_args(annotation))
        return next((found for found in candidates if isinstance(found, type) and issubclass(found, Section)), None)


class FileSection(Section):
    """The top of the file."""

    config: Entries = Field({}, description="settings of the program and of this machine")
    profiles: Entries = Field({}, description="encode settings by name")
    templates: Entries = Field({}, description="encode settings by name, in the simpler spelling")
    rules: Entries = Field({}, description="which media gets which profile; the first that matches counts")


class ConfigSection(Section):
    """`config:`."""

    default_queue_file: HomePath | None = Field(None, description="the queue file that is used when no file is given")
    ffmpeg: PathText | None = Field(None, description="the ffmpeg of this machine")
    ssh: Any = Field(None, description="accepted and not needed")
    plex_server: Any = Field(None, description="accepted and without effect")
    queues: QueueSlots = Field({}, description="slots of this machine by queue")
    colorize: Flag | None = Field(None, description="whether to use colours")
    automap: Flag | None = Field(None, description="whether profiles that do not say keep all streams")
    fls_path: HomePath | None = Field(None, description="a fast local directory to encode in")
    stall_after: Duration = Field(DEFAULT_STALL_AFTER_S, description="how long ffmpeg may make no progress")
    clusters: Annotated[dict[str, Entries], BeforeValidator(read_mapping)] = Field({}, description="hosts by cluster")


class LanguageSection(Section):
    """`audio:` or `subtitle:` of a profile."""

    include_languages: Words | None = Field(None, description="languages that are kept")
    exclude_languages: Words | None = Field(None, description="languages that are left out")
    default_language: Text | None = Field(None, description="the language that is played by default")

    def definition(self) -> LanguageDefinition:
        """The plain value."""
        return LanguageDefinition(**dict(self))


class ProfileSection(Section):
    """One entry of `profiles:`."""

    include: Words = Field((), description="profiles that this one builds on")
    input_options: OptionSection | None = Field(None, description="options in front of the input")
    output_options: OptionSection | None = Field(None, description="general options of the output")
    output_options_video: OptionSection | None = Field(None, description="options for video")
    output_options_audio: OptionSection | None = Field(None, description="options for audio")
    output_options_subtitle: OptionSection | None = Field(None, description="options for subtitles")
    extension: Extension | None = Field(None, description="extension, and thereby container, of the output")
    queue: Text | None = Field(None, description="the queue whose slots it uses")
    threshold: Percent | None = Field(None, description="saving in percent that an encode must reach")
    threshold_check: Percent | None = Field(None, description="position in percent from which it is measured")
    automap: Flag | None = Field(None, description="whether all streams are kept")
    audio: LanguageSection | None = Field(None, description="choice of audio by language")
    subtitle: LanguageSection | None = Field(None, description="choice of subtitles by language")
    verify: Annotated[str, one_of({"decode": "decode"})] | None = Field(
        None, description="decode the whole output before it replaces the source"
    )
    accept_damaged: Flag | None = Field(None, description="encode also sources that end early")

    def definition(self, name: str) -> ProfileDefinition:
        """The plain value."""
        languages = {key: section.definition() for key in ("audio", "subtitle") if (section := getattr(self, key))}
        return ProfileDefinition(name=name, **(dict(self) | languages))


class CliSection(Section):
    """`cli:` of a template."""

    video_codec: OptionSection | None = Field(None, alias="video-codec", description="options for video")
    audio_codec: OptionSection | None = Field(None, alias="audio-codec", description="options for audio")
    subtitles: OptionSection | None = Field(None, description="options for subtitles")
    input_options: OptionSection | None = Field(
        None, alias="input-options", description="options in front of the input"
    )


class TemplateSection(Section):
    """One entry of `templates:`."""

    cli: CliSection | None = Field(None, description="the options")
    audio_lang: LanguagesText | None = Field(None, alias="audio-lang", description="audio languages that are kept")
    subtitle_lang: LanguagesText | None = Field(None, alias="subtitle-lang", description="the same for subtitles")
    threshold: Percent | None = Field(None, description="saving in percent that an encode must reach")
    threshold_check: Percent | None = Field(None, description="position in percent from which it is measured")
    queue: Text | None = Field(None, description="the queue whose slots it uses")
    extension: Extension | None = Field(None, description="extension, and thereby container, of the output")

    def definition(self, name: str) -> TemplateDefinition:
        """The plain value."""
        values = {key: value for key, value in self if key != "cli"}
        return TemplateDefinition(name=name, **values, **dict(self.cli or ()))


class RuleSection(Section):
    """One entry of `rules:`."""

    profile: Text = Field(description="the profile or template to use, or SKIP")
    criteria: Entries = Field({}, description="what the media must be; all must hold, none always holds")


class HostSection(Section):
    """One host of a cluster."""

    type: Annotated[HostType, one_of({kind.value: kind for kind in HostType})] = Field(
        description="how media reaches it: local, mounted, streaming or agent"
    )
    os: Annotated[str, one_of(_OPERATING_SYSTEMS)] | None = Field(None, description="its operating system")
    ip: Address | None = Field(None, description="its address or name")
    port: Port | None = Field(None, description="the port of its ssh server")
    user: Text | None = Field(None, description="the user to log in as")
    ffmpeg: PathText | None = Field(None, description="the ffmpeg there")
    working_dir: PathText | None = Field(None, description="the directory there that media is copied to")
    path_substitutions: Substitutions = Field((), alias="path-substitutions", description="our paths and its paths")
    profiles: Words = Field((), description="the profiles it may be given")
    queues: QueueSlots = Field({}, description="its slots by queue")
    bandwidth: Bandwidth | None = Field(None, description="limit for copied media in bytes per second and direction")
    status: Annotated[bool, one_of({"enabled": True, "disabled": False})] = Field(
        True, description="whether it takes part"
    )

    def definition(self, name: str) -> HostDefinition:
        """The plain value."""
        return HostDefinition(name=name, enabled=self.status, **{key: value for key, value in self if key != "status"})
