"""The kinds of values in a configuration: each reads the text that a user wrote. Knows no key and no section."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Discriminator, PlainValidator, Tag
from pydantic_core import PydanticCustomError

from pytranscoder.hosts.definition import PathSubstitution

T = TypeVar("T")

_YES = frozenset({"yes", "true", "on", "y"})
_NO = frozenset({"no", "false", "off", "n"})
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|m|min|h)?")
_UNIT_S = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_BANDWIDTH = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kKMG])?")
_UNIT_BYTES = {None: 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
_ADDRESS = re.compile(r"[^\s@/\[-][^\s@/\]]*")
_EXTENSION = re.compile(r"\.?[A-Za-z0-9_-]+")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:(?=[\\/]|$)|\\\\")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED_OR_WORD = re.compile(r'"([^"]*)"|\'([^\']*)\'|(\S+)')


def expected(what: str, value: object, remedy: str = "") -> PydanticCustomError:
    """The error for a value that is not `what`."""
    context = {"message": f"expected {what}, found {describe(value)}", "remedy": remedy}
    return PydanticCustomError("config", "{message}", context)


def describe(value: object) -> str:
    """What a value of a document is, in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"keys ({', '.join(list(value)[:3])})" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    text = str(value)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def read_text(value: object) -> str:
    """The text. NUL is refused, as neither a path nor an argument can contain it."""
    if not isinstance(value, str):
        raise expected("text", value)
    if "\0" in value:
        raise expected("text without NUL characters", value)
    return value


def read_path_text(value: object) -> str:
    r"""The text of a path; refuses control characters, which are a mistake: ``"c:\temp"`` contains a tab."""
    text = read_text(value)
    if _CONTROL_CHARACTER.search(text):
        raise expected("a path", value, "in double quotes a backslash means something else; use single quotes")
    return text


def read_path(value: object) -> Path:
    """A path on this machine; ``~`` is the home directory."""
    try:
        return Path(read_path_text(value)).expanduser()
    except RuntimeError as exc:
        raise expected("a path", value, "there is no such home directory") from exc


def read_flag(value: object) -> bool:
    """Yes or no, in any of YAML's spellings."""
    word = value.lower() if isinstance(value, str) else None
    if word not in _YES | _NO:
        raise expected("yes or no", value)
    return word in _YES


def read_percent(value: object) -> float:
    """A number from 0 to 100."""
    number = _number(value)
    if number is None or not 0 <= number <= 100:
        raise expected("a number from 0 to 100", value)
    return number


def read_slots(value: object) -> int:
    """A count of encodes that run side by side."""
    return _whole(value, "a whole number from 1", 1, 1_000_000)


def read_port(value: object) -> int:
    """A TCP port."""
    return _whole(value, "a port from 1 to 65535", 1, 65535)


def read_address(value: object) -> str:
    """An address, a host's name, or a name that ``~/.ssh/config`` knows."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value) or value.count(":") == 1:
        raise expected("an address or a name", value, "user and port have keys of their own")
    return value


def read_bandwidth(value: object) -> float:
    """Bytes per second, from a number of them or from text such as ``40M`` or ``800k``; units are decimal."""
    match = _BANDWIDTH.fullmatch(value.strip()) if isinstance(value, str) else None
    bytes_per_s = float(match["number"]) * _UNIT_BYTES[match["unit"]] if match else 0.0
    if not 1 <= bytes_per_s <= 1e15:
        raise expected("bytes per second such as 40M, 2.5M, 800k or 5000000", value)
    return bytes_per_s


def read_duration_s(value: object) -> float:
    """Seconds, from a number of them or from text such as ``10m``, ``90s`` or ``1h``."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(match["number"]) * _UNIT_S[match["unit"]] if match else 0.0
    if not 0 < seconds <= 1e9:
        raise expected("a time such as 600, 90s, 10m or 1h", value)
    return seconds


def read_extension(value: object) -> str:
    """A file name extension, with its dot."""
    if not isinstance(value, str) or not _EXTENSION.fullmatch(value):
        raise expected("an extension such as .mkv", value)
    return f".{value.removeprefix('.')}"


def split_words(value: object) -> object:
    """A text of words that are separated by spaces or commas as a list; anything else as it is."""
    return [word for word in re.split(r"[\s,]+", value) if word] if isinstance(value, str) else value


def read_languages_text(value: object) -> str:
    """A template's languages as one text, from a text or a list."""
    return " ".join(read_text(item) for item in value) if isinstance(value, list) else read_text(value)


def read_substitution(value: object) -> PathSubstitution:
    """Two paths, ours and the host's, separated by spaces; quotes allow spaces in them."""
    if isinstance(value, dict) and list(value.values()) == [None]:
        value = f"{next(iter(value))}:"  # what YAML makes of an item such as `- /volume1/media Z:`
    # Not shlex: a backslash is an ordinary character of a Windows path.
    pieces = ["".join(groups) for groups in _QUOTED_OR_WORD.findall(read_path_text(value))]
    if len(pieces) != 2 or not all(pieces):
        raise expected("two paths, ours and the host's", value, "put a path that has spaces in quotes")
    for path in pieces:
        if not is_absolute(path):
            raise expected("an absolute path", path, remedy_for_relative(path))
    return PathSubstitution(*pieces)


def is_absolute(path: str) -> bool:
    """Whether a path of any system says where it begins."""
    return _ABSOLUTE.match(path) is not None


def remedy_for_relative(path: str) -> str:
    """What to do about a path that does not."""
    return "write the home directory out" if path.startswith("~") else ""


def one_of(choices: Mapping[str, T]) -> PlainValidator:
    """A validator for one of a few words, in upper or lower case, and what each stands for."""

    def read(value: object) -> T:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in choices:
            raise expected(
                " or ".join(choices) if len(choices) < 3 else f"one of {', '.join(choices)}",
                value,
                nearest_remedy(word, choices),
            )
        return choices[word]

    return PlainValidator(read)


def nearest_remedy(name: str, known: Iterable[str]) -> str:
    """The question whether the nearest of the known names was meant, whatever its case; empty when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    nearest = get_close_matches(name.lower(), by_lower, n=1)
    return f"did you mean {by_lower[nearest[0]]}?" if nearest else ""


def read_mapping(value: object) -> dict[str, Any]:
    """Named entries; nothing counts as none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise expected("keys with a value each", value)
    return value


def without_empty(value: object) -> dict[str, Any]:
    """Named entries without those that are empty."""
    return {name: entry for name, entry in read_mapping(value).items() if entry is not None}


def as_list(value: object) -> object:
    """A list; one text counts as a list of one."""
    return [value] if isinstance(value, str) else value


def _listed(value: object) -> object:
    if not isinstance(value, list):
        raise expected("text or a list", value)
    return value


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _whole(value: object, what: str, low: int, high: int) -> int:
    number = _number(value)
    if number is None or not low <= number <= high or number != int(number):
        raise expected(what, value)
    return int(number)


def _text_or_list(value: object) -> str:
    return "list" if isinstance(value, (list, tuple)) else "text"


Text = Annotated[str, PlainValidator(read_text)]
PathText = Annotated[str, PlainValidator(read_path_text)]
HomePath = Annotated[Path, PlainValidator(read_path)]
Flag = Annotated[bool, PlainValidator(read_flag)]
Percent = Annotated[float, PlainValidator(read_percent)]
Slots = Annotated[int, PlainValidator(read_slots)]
Port = Annotated[int, PlainValidator(read_port)]
Address = Annotated[str, PlainValidator(read_address)]
Bandwidth = Annotated[float, PlainValidator(read_bandwidth)]
Duration = Annotated[float, PlainValidator(read_duration_s)]
Extension = Annotated[str, PlainValidator(read_extension)]
LanguagesText = Annotated[str, PlainValidator(read_languages_text)]
# `BeforeValidator`s run from the last to the first.
Words = Annotated[tuple[Text, ...], BeforeValidator(_listed), BeforeValidator(split_words)]
OptionSection = Annotated[
    Annotated[Text, Tag("text")] | Annotated[tuple[Text, ...], Tag("list")], Discriminator(_text_or_list)
]
Substitutions = Annotated[
    tuple[Annotated[PathSubstitution, PlainValidator(read_substitution)], ...],
    BeforeValidator(_listed),
    BeforeValidator(as_list),
]
QueueSlots = Annotated[dict[str, Slots], BeforeValidator(without_empty)]
Entries = Annotated[dict[str, Any], BeforeValidator(read_mapping)]
