"""Which ffmpeg commands an agent runs: those that read and write files in its folders, and nothing else anywhere.

Reads the words as ffmpeg does, so that both agree which of them are files. Runs nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pytranscoder.agent.filters import check_graph
from pytranscoder.agent.folders import Folders, input_file, output_file
from pytranscoder.agent.gate_formats import DEMUXERS, EXTENSIONS, MUXERS, PICTURE_MUXER
from pytranscoder.agent.gate_options import FLAGS, OPTIONS, REFUSED, REFUSED_OF_LIBRARIES, Kind
from pytranscoder.agent.gate_values import (
    check_device,
    check_devices,
    check_parameters,
    check_plain,
    check_raw_parameters,
)
from pytranscoder.errors import ForbiddenError, printable

# What ffmpeg finds in a file decides how it reads it, whatever its name: a playlist that is called film.mkv is refused
# by these, and what a container may lead to is looked for in files only.
_INPUT_LIMITS = ("-protocol_whitelist", "file", "-format_whitelist", ",".join(sorted(DEMUXERS)))

_OPTION = re.compile(r"-([A-Za-z0-9][\w.-]*)(?::(?s:.*))?", re.ASCII)
_PARAMETERS = re.compile(r"[\w-]+[-_](?:params|opts)", re.ASCII)
# What may follow an option that is not known here, and so could be one without a value: no further option.
_SIGNED = re.compile(r"-[\d.]")
_TAKES_SIGNED_FLAGS = re.compile(r"\w*flags2?", re.ASCII)
_PROGRESS = "pipe:1"
_REQUIRED = ("-nostdin", "-y")
_CAN_BE_OFF = frozenset(name for name in FLAGS if name != "y" and not name.startswith("no"))


@dataclass(frozen=True, slots=True)
class Checked:
    """A command that may run: `words` are to be given to ffmpeg behind its name, `outputs` are the files it writes."""

    words: tuple[str, ...]
    outputs: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Option:
    """An option as it is written, its name without dash and stream specifier, and its value if it takes one."""

    word: str
    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """A file that ffmpeg reads or writes, with the options before it that are for it."""

    name: str
    is_input: bool


def check_words(words: Sequence[str], folders: Folders) -> Checked:
    """Returns the command with its files made absolute. Raises ForbiddenError with what is wrong and what to do."""
    checked: list[str] = []
    outputs: list[Path] = []
    given: set[str] = set()
    # Options are for the next file of the command.
    options: list[_Option] = []
    _require_sound(words)
    for item in _read(words):
        if isinstance(item, _Option):
            checked += _check_option(item, folders)
            options.append(item)
            given.add(item.word)
        elif item.is_input:
            checked += _check_input(item.name, options, folders)
            options.clear()
        else:
            outputs.append(_check_output(item.name, options, folders))
            checked.append(_address(outputs[-1]))
            options.clear()
    if options:  # what they are for is not known, and so not whether they may be
        raise ForbiddenError(f"{printable(options[0].word)} is for no file; put it in front of one")
    for word in _REQUIRED:
        if word not in given:
            raise ForbiddenError(f"{word} is missing; without it ffmpeg may wait for an answer for ever")
    return Checked(tuple(checked), tuple(outputs))


def _require_sound(words: Sequence[str]) -> None:
    for word in words:
        if "\0" in word or any("\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" for char in word):
            raise ForbiddenError(f"{word!a} cannot be a word of a command; leave it out")


def _read(words: Sequence[str]) -> Iterator[_Option | _File]:
    """The words as ffmpeg takes them (`split_commandline` in fftools/cmdutils.c)."""
    rest = iter(words)
    for word in rest:
        if word == "-i":
            yield _File(_next(rest, word), is_input=True)
        elif word.startswith("-") and word != "-":
            name = _name(word)
            yield _Option(word, name, None if name in FLAGS else _next(rest, word))
        else:
            yield _File(word, is_input=False)


def _next(rest: Iterator[str], word: str) -> str:
    value = next(rest, None)
    if value is None:
        raise ForbiddenError(f"{printable(word)} has no value; give one")
    return value


def _name(word: str) -> str:
    """The name of an option as the tables have it. Raises ForbiddenError if it is refused whatever follows."""
    found = _OPTION.fullmatch(word)
    if not found:
        raise ForbiddenError(f"{printable(word)} is no option that an agent knows; leave it out")
    name = found[1]
    if name not in OPTIONS and name.startswith("no") and name[2:] in _CAN_BE_OFF:
        return name[2:]
    if reason := _refusal(name):
        raise ForbiddenError(f"{printable(word)} {reason}")
    return name


def _refusal(name: str) -> str | None:
    if name in OPTIONS:
        return None
    if name.startswith("no") and (name[2:] in OPTIONS or name[2:] in REFUSED):
        return "is no option that an agent knows; leave it out"
    unprefixed = name[1:] if name[0] in "vas" else name
    return REFUSED.get(name) or REFUSED_OF_LIBRARIES.get(name) or REFUSED_OF_LIBRARIES.get(unprefixed)


def _check_option(option: _Option, folders: Folders) -> tuple[str, ...]:
    """Returns the words of an option that is allowed."""
    if option.value is None:
        return (option.word,)
    try:
        return option.word, _checked_value(option.name, option.value, folders)
    except ForbiddenError as exc:
        raise ForbiddenError(f"{printable(option.word)}: {exc}") from exc


def _checked_value(name: str, value: str, folders: Folders) -> str:
    match OPTIONS.get(name):
        case Kind.PLAIN:
            check_plain(value, folders)
        case Kind.PARAMETERS:
            check_parameters(value, folders)
        case Kind.RAW_PARAMETERS:
            check_raw_parameters(value, folders)
        case Kind.GRAPH:
            check_graph(value, folders)
        case Kind.DEVICE:
            check_device(value)
        case Kind.DEVICES:
            check_devices(value)
        case Kind.ATTACHMENT:
            return _address(input_file(folders, value))
        case Kind.PASS_LOG:
            return _check_pass_log(value, folders)
        case Kind.PROGRESS if value != _PROGRESS:
            raise ForbiddenError(f"{printable(value)!r} is not where an agent's progress goes; say {_PROGRESS}")
        case None:
            _check_library_value(name, value, folders)
    return value


def _check_library_value(name: str, value: str, folders: Folders) -> None:
    if value.startswith("-") and not _SIGNED.match(value) and not _TAKES_SIGNED_FLAGS.fullmatch(name):
        raise ForbiddenError(f"{printable(value)!r} looks like an option, and a value should follow; give the value")
    if _PARAMETERS.fullmatch(name):
        check_parameters(value, folders)
    else:
        check_plain(value, folders)


def _check_pass_log(prefix: str, folders: Folders) -> str:
    # ffmpeg adds the number of the stream and ".log", libraries add more.
    first = output_file(folders, f"{prefix}-0.log")
    return str(first).removesuffix("-0.log")


def _check_input(name: str, options: Sequence[_Option], folders: Folders) -> tuple[str, ...]:
    path = input_file(folders, name)
    for demuxer in _values("f", options):
        if demuxer not in DEMUXERS:
            raise ForbiddenError(f"-f {printable(demuxer)}: not among the formats that an agent reads; leave it out")
    return *_INPUT_LIMITS, "-i", _address(path)


def _check_output(name: str, options: Sequence[_Option], folders: Folders) -> Path:
    if name == "-":
        raise ForbiddenError("-: an agent's standard output is for progress; give the name of a file")
    path = output_file(folders, name)
    formats = _values("f", options)
    for muxer in formats:
        if muxer != PICTURE_MUXER and muxer not in MUXERS:
            raise ForbiddenError(f"-f {printable(muxer)}: not among the formats that an agent writes; write one file")
    if PICTURE_MUXER in formats and set(_values("update", options)) != {"1"}:
        raise ForbiddenError(f"-f {PICTURE_MUXER} writes many files; add -update 1 for one picture")
    if not formats and PurePath(path).suffix.lower() not in EXTENSIONS:
        raise ForbiddenError(f"{printable(name)}: its ending names no format that an agent writes; say it with -f")
    return path


def _values(name: str, options: Sequence[_Option]) -> tuple[str, ...]:
    return tuple(option.value for option in options if option.name == name and option.value is not None)


def _address(path: Path) -> str:
    return f"file:{path}"
