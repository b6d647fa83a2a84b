"""A profile ready for use, as plain values. How it came about (includes, mixins, templates) is `profiles.resolve`'s."""

from dataclasses import dataclass, field

DEFAULT_QUEUE = "default"


@dataclass(frozen=True, slots=True)
class LanguageSelection:
    """Which languages of one kind of stream are kept. `include` wins over `exclude`; both empty keeps all."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """A profile's ffmpeg options as argument words, one field for each of its sections."""

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    subtitle: tuple[str, ...] = ()

    @property
    def all_output(self) -> tuple[str, ...]:
        """What follows the input, in the order of the command line: general, audio, video, subtitle."""
        return self.output + self.audio + self.video + self.subtitle


@dataclass(frozen=True, slots=True)
class Profile:
    """Named encode settings. `extension` has its dot, None keeps the source's; percentages are from 0 to 100.

    `threshold_percent` is the saving that an encode must reach, None accepts any size.
    `threshold_check_percent` is the position from which a running encode is measured against it.
    """

    name: str
    options: Options = field(default_factory=Options)
    extension: str | None = None
    queue: str = DEFAULT_QUEUE
    threshold_percent: float | None = None
    threshold_check_percent: float = 100.0
    automap: bool = True
    audio: LanguageSelection = field(default_factory=LanguageSelection)
    subtitle: LanguageSelection = field(default_factory=LanguageSelection)
    verify_by_decoding: bool = False
    accept_damaged: bool = False
