"""What rules can ask of a media file: reads criteria as users write them and holds them against facts.
Evaluates nothing as code; what a media is `facts` knows, which rule wins is for `rules` to say.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from pytranscoder.errors import printable
from pytranscoder.media.model import StreamKind
from pytranscoder.profiles.facts import (
    CODEC_ALIASES,
    CONTAINER_ALIASES,
    Facts,
    Observed,
    age_days,
    bitrate_kbps,
    container,
    hdr,
    names_of,
    path,
    picture_name,
    picture_number,
    runtime_minutes,
    size_mb,
)


class CriterionError(ValueError):
    """A criterion that cannot be read; the message says what was expected."""


class Condition(Protocol):
    """One thing asked of the observed values. `negated` is the ``!`` in front."""

    @property
    def negated(self) -> bool: ...

    def holds(self, observed: Observed) -> bool:
        """Whether the observed values pass, negation included."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How the numbers of one criterion compare: `step` is what both sides are rounded to, 0 for not at all.

    `width` is how far a number that stands alone reaches upwards, its end excluded; 0 means that number exactly.
    """

    step: float = 0.0
    width: float = 0.0

    def rounded(self, value: float) -> float:
        """The value in whole steps, or as it is."""
        return float(int(value / self.step + 0.5)) * self.step if self.step else value


@dataclass(frozen=True, slots=True)
class Within:
    """A number between two others. An unknown number is within nothing, and not outside of anything either."""

    measure: Measure
    low: float = float("-inf")
    high: float = float("inf")
    excludes_low: bool = False
    excludes_high: bool = False
    negated: bool = False

    def holds(self, observed: Observed) -> bool:
        """Whether a number was observed and is on the asked side."""
        numbers = [self.measure.rounded(value) for value in observed if isinstance(value, float)]
        return bool(numbers) and any(self._spans(number) for number in numbers) is not self.negated

    def _spans(self, number: float) -> bool:
        above = number > self.low or (number == self.low and not self.excludes_low)
        below = number < self.high or (number == self.high and not self.excludes_high)
        return above and below


@dataclass(frozen=True, slots=True)
class Named:
    """A name among the observed ones. Where there is none at all, only the negation holds."""

    name: str
    negated: bool = False

    def holds(self, observed: Observed) -> bool:
        """Whether any observed name is this one; with negation, whether none is."""
        return (self.name in observed) is not self.negated


@dataclass(frozen=True, slots=True)
class Searched:
    """A regular expression to find anywhere in the observed text. It is never negated: ``!`` is part of it."""

    pattern: re.Pattern[str]
    negated: bool = False

    def holds(self, observed: Observed) -> bool:
        """Whether the expression is found."""
        return any(self.pattern.search(text) for text in observed if isinstance(text, str))


@dataclass(frozen=True, slots=True)
class CriterionKind:
    """One name that a rule may use: what it means, how one alternative is read, and what it looks at."""

    description: str
    read: Callable[[object], Condition]
    observe: Callable[[Facts], Observed]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of a rule. `text` is what the user wrote.

    With alternatives it matches when one of those without ``!`` holds, where there are any, and all those
    with ``!`` do.
    """

    name: str
    text: str
    conditions: tuple[Condition, ...]

    def matches(self, facts: Facts) -> bool:
        """Whether the media is what is asked for."""
        observed = CRITERIA[self.name].observe(facts)
        wanted = [each for each in self.conditions if not each.negated]
        unwanted = [each for each in self.conditions if each.negated]
        any_wanted = not wanted or any(each.holds(observed) for each in wanted)
        return any_wanted and all(each.holds(observed) for each in unwanted)

    def observed(self, facts: Facts) -> str:
        """What the media is in this respect, as in ``vcodec is h264``."""
        values = CRITERIA[self.name].observe(facts)
        shown = ", ".join(_shown(value) for value in dict.fromkeys(values))
        return f"{self.name} is {shown or 'none'}"


def parse_criterion(name: str, value: object) -> Criterion:
    """The criterion that one key and value of a rule stand for. Raises CriterionError.

    >>> parse_criterion("vcodec", ["h264", "mpeg2video"]).text
    '[h264, mpeg2video]'
    """
    if name not in CRITERIA:
        nearest = get_close_matches(name, CRITERIA, n=1)
        remedy = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(sorted(CRITERIA))}"
        raise CriterionError(f"unknown criterion {name!r}; {remedy}")
    items = list(value) if isinstance(value, list | tuple) else [value]
    if not items:
        raise CriterionError("the list of alternatives is empty; give at least one")
    texts = [_written(item) for item in items]
    return Criterion(
        name=name,
        text=f"[{', '.join(texts)}]" if isinstance(value, list | tuple) else texts[0],
        conditions=tuple(CRITERIA[name].read(item) for item in items),
    )


def _written(item: object) -> str:
    return ("yes" if item else "no") if isinstance(item, bool) else str(item)


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return printable(value)
    return f"{value:.3f}".rstrip("0").rstrip(".")


_NUMBER = r"(\d+(?:\.\d+)?)"
_COMPARISON = re.compile(rf"(<=|>=|<|>)?\s*{_NUMBER}")
_RANGE = re.compile(rf"{_NUMBER}\s*-\s*{_NUMBER}")
_WORD = re.compile(r"[\w.+-]+")


def _text_of(value: object, expected: str) -> str:
    if isinstance(value, bool):  # YAML reads a bare no as false, and Norwegian is a language
        raise CriterionError(f"expected {expected}, found the bare word {_written(value)!r}; put it in quotes")
    if not isinstance(value, str | int | float):
        found = "nothing" if value is None else repr(value)
        raise CriterionError(f"expected {expected}, found {found}")
    return str(value)


def _without_negation(text: str) -> tuple[str, bool]:
    stripped = text.strip()
    return stripped.removeprefix("!").strip(), stripped.startswith("!")


def _number_reader(measure: Measure) -> Callable[[object], Condition]:
    def read(value: object) -> Condition:
        text = _text_of(value, "a number such as 30, '<30', '>30', 30-60 or '!30'")
        body, negated = _without_negation(text)
        if found := _RANGE.fullmatch(body):
            return _range(measure, float(found[1]), float(found[2]), negated=negated)
        if found := _COMPARISON.fullmatch(body):
            return _comparison(measure, found[1], float(found[2]), negated=negated)
        raise CriterionError(f"expected a number such as 30, '<30', '>30', 30-60 or '!30', found {text!r}")

    return read


def _range(measure: Measure, low: float, high: float, *, negated: bool) -> Within:
    if low > high:
        raise CriterionError(f"nothing is in the range {low:g}-{high:g}; write {high:g}-{low:g}")
    return Within(measure, measure.rounded(low), measure.rounded(high), negated=negated)


def _comparison(measure: Measure, operator: str | None, number: float, *, negated: bool) -> Within:
    bound = measure.rounded(number)
    if operator is None:
        reaches_up = measure.width > 0
        return Within(measure, bound, bound + measure.width, excludes_high=reaches_up, negated=negated)
    if operator.startswith("<"):
        return Within(measure, high=bound, excludes_high=operator == "<", negated=negated)
    return Within(measure, low=bound, excludes_low=operator == ">", negated=negated)


def _name_reader(aliases: Mapping[str, str]) -> Callable[[object], Condition]:
    def read(value: object) -> Condition:
        text = _text_of(value, "a name such as hevc or '!hevc'")
        body, negated = _without_negation(text.lower())
        if not _WORD.fullmatch(body):
            raise CriterionError(f"expected one name, found {text!r}; write alternatives as a list: [one, other]")
        return Named(aliases.get(body, body), negated)

    return read


def _read_yes_or_no(value: object) -> Condition:
    answers = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
    if isinstance(value, bool | str) and (answer := answers.get(_written(value).strip().lower())):
        return Named(answer)
    raise CriterionError(f"expected yes or no, found {value!r}")


def _read_pattern(value: object) -> Condition:
    text = _text_of(value, "a regular expression")
    try:
        return Searched(re.compile(text))
    except (re.error, OverflowError, RecursionError) as exc:
        raise CriterionError(f"{text!r} is not a regular expression: {exc}") from exc


_EXACTLY = Measure()
_WHOLE = Measure(width=1.0)
_TO_THE_SECOND = Measure(step=1 / 60)
_TO_THE_HUNDREDTH = Measure(step=0.01)  # 29.97 and 23.976 stand for 30000/1001 and 24000/1001

_FILESIZE = CriterionKind(
    # Users are told that 2500 is 2.5 gigabytes, which is true of decimal megabytes only.
    "size of the file in MB of 1,000,000 bytes; a number alone is that whole MB",
    _number_reader(_WHOLE),
    size_mb,
)

CRITERIA: Mapping[str, CriterionKind] = {
    "runtime": CriterionKind(
        "duration in minutes, compared to the second", _number_reader(_TO_THE_SECOND), runtime_minutes
    ),
    "filesize_mb": _FILESIZE,
    "source_size": _FILESIZE,
    "fps": CriterionKind(
        "frames per second of the video, compared to the hundredth",
        _number_reader(_TO_THE_HUNDREDTH),
        picture_number(lambda stream: stream.fps),
    ),
    "res_height": CriterionKind(
        "height of the video in pixels", _number_reader(_EXACTLY), picture_number(lambda stream: stream.height)
    ),
    "res_width": CriterionKind(
        "width of the video in pixels", _number_reader(_EXACTLY), picture_number(lambda stream: stream.width)
    ),
    "bitrate_kbps": CriterionKind(
        "kilobits (1000) per second over the whole file; a number alone is that whole kilobit",
        _number_reader(_WHOLE),
        bitrate_kbps,
    ),
    "age_days": CriterionKind(
        "days since the file was last changed; a number alone is that whole day", _number_reader(_WHOLE), age_days
    ),
    "bit_depth": CriterionKind(
        "bits of a colour component of the video",
        _number_reader(_EXACTLY),
        picture_number(lambda stream: stream.bit_depth),
    ),
    "vcodec": CriterionKind(
        "codec of the video", _name_reader(CODEC_ALIASES), picture_name(lambda stream: stream.codec)
    ),
    "acodec": CriterionKind(
        "codec of any audio stream",
        _name_reader(CODEC_ALIASES),
        names_of(StreamKind.AUDIO, lambda stream: stream.codec),
    ),
    "scodec": CriterionKind(
        "codec of any subtitle stream",
        _name_reader(CODEC_ALIASES),
        names_of(StreamKind.SUBTITLE, lambda stream: stream.codec),
    ),
    "audio_lang": CriterionKind(
        "language of any audio stream, und where the file names none",
        _name_reader({}),
        names_of(StreamKind.AUDIO, lambda stream: stream.language or "und"),
    ),
    "container": CriterionKind("container of the file", _name_reader(CONTAINER_ALIASES), container),
    "pix_fmt": CriterionKind(
        "pixel format of the video", _name_reader({}), picture_name(lambda stream: stream.pix_fmt)
    ),
    "hdr": CriterionKind("whether the video is HDR: PQ, HLG or Dolby Vision", _read_yes_or_no, hdr),
    "path": CriterionKind("regular expression, searched in the absolute path", _read_pattern, path),
}
