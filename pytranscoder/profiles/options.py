"""ffmpeg options as words: splits text into words and words into options, and lays one list of options over another.
Knows how ffmpeg spells an option, not what options mean or which of them exist.
"""

import re
import shlex
from collections.abc import Iterable, Sequence

from pytranscoder.profiles.definition import OptionText

OptionWords = tuple[str, ...]

# No option of ffmpeg begins with a digit, so `-1`, `-.5`, `-00:05` and the `-0:a` of a negative mapping are values.
# `-/filter_complex FILE` reads the value of an option from a file (https://ffmpeg.org/ffmpeg.html#Options).
_STARTS_OPTION = re.compile(r"-/?[A-Za-z]")

# The value of these may itself look like an option: `-disposition:a -default`, `-movflags -faststart`.
_TAKES_SIGNED_FLAGS = re.compile(r"-(?:disposition|\w*flags2?)(?::|$)")

# Spellings that ffmpeg gives the same meaning, tried out with ffmpeg 9.0 ("Multiple -codec/-c/-acodec... specified").
# A bare -b, -qscale or -profile means the video stream there ("-b is ambiguous"); a bare -q means every stream.
_SYNONYMS = {
    "-codec": "-c",
    "-vcodec": "-c:v",
    "-acodec": "-c:a",
    "-scodec": "-c:s",
    "-dcodec": "-c:d",
    "-vf": "-filter:v",
    "-af": "-filter:a",
    "-lavfi": "-filter_complex",
    "-vb": "-b:v",
    "-ab": "-b:a",
    "-aq": "-q:a",
    "-qscale": "-q",
    "-vframes": "-frames:v",
    "-aframes": "-frames:a",
    "-dframes": "-frames:d",
    "-vtag": "-tag:v",
    "-atag": "-tag:a",
    "-stag": "-tag:s",
    "-vpre": "-pre:v",
    "-apre": "-pre:a",
    "-spre": "-pre:s",
    "-vprofile": "-profile:v",
}
_BARE_SYNONYMS = {"-b": "-b:v", "-qscale": "-q:v", "-profile": "-profile:v"}


def split_options(text: OptionText) -> OptionWords:
    """The words of a section of options, quoted like in a POSIX shell: a backslash takes the meaning of what follows.

    Each item of a list is split by itself. Raises ValueError with a readable message on a quote that is not closed,
    and on a first word that is no option: ffmpeg would take it for an output file.
    """
    items = (text,) if isinstance(text, str) else text
    words = tuple(word for item in items for word in _split(item))
    if words and not starts_option(words[0]):
        raise ValueError(f"{words[0]!r} is not an option and ffmpeg would write to a file of that name; begin with a -")
    return words


def _split(item: str) -> list[str]:
    try:
        return shlex.split(item)
    except ValueError as exc:
        reason = "a backslash at the end" if "escap" in str(exc) else "a quote that is not closed"
        raise ValueError(f"{reason} in {item!r}") from exc


def starts_option(word: str) -> bool:
    """Whether ffmpeg would take the word for the name of an option; a lone ``-`` and negative numbers are values."""
    return _STARTS_OPTION.match(word) is not None


def group_options(words: Sequence[str]) -> tuple[OptionWords, ...]:
    """The words as options: each is a name and the words up to the next name.

    Words before the first name make a group of their own. Joined again the groups are the words.
    """
    groups: list[list[str]] = []
    for word in words:
        if not groups or (starts_option(word) and not _wants_flags(groups[-1])):
            groups.append([word])
        else:
            groups[-1].append(word)
    return tuple(tuple(group) for group in groups)


def _wants_flags(group: Sequence[str]) -> bool:
    return len(group) == 1 and _TAKES_SIGNED_FLAGS.match(group[0]) is not None


def canonical_name(name: str) -> str:
    """The one spelling of an option's name with its stream specifier: ``-vcodec`` and ``-codec:v`` are ``-c:v``."""
    base, colon, specifier = name.partition(":")
    if not colon and base in _BARE_SYNONYMS:
        return _BARE_SYNONYMS[base]
    return _SYNONYMS.get(base, base) + colon + specifier


def option_values(words: Sequence[str], name: str) -> tuple[str, ...]:
    """The value of each option of that name, in any spelling, in order; an empty string for one without a value."""
    wanted = canonical_name(name)
    return tuple(
        group[1] if len(group) > 1 else "" for group in group_options(words) if canonical_name(group[0]) == wanted
    )


def merge_options(parent: Sequence[str], child: Sequence[str]) -> OptionWords:
    """The parent's options that the child does not have, then all of the child's, each list in its own order.

    Options are the same when their canonical names are: ``-c:a`` gives way to ``-acodec`` but not to ``-c:a:0``.
    An option that is repeated within one list stays repeated.
    """
    replaced = {canonical_name(group[0]) for group in group_options(child)}
    kept = (group for group in group_options(parent) if canonical_name(group[0]) not in replaced)
    return _join(kept) + tuple(child)


def _join(groups: Iterable[OptionWords]) -> OptionWords:
    return tuple(word for group in groups for word in group)
