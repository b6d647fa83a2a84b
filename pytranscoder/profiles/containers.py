"""What becomes of each stream of a file in a container, by what it can hold and what the profile's options say.
Knows ffmpeg's stream specifiers; the table of containers is in `muxers`, the command line in `command`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pytranscoder.errors import printable
from pytranscoder.media.model import Media, Stream, StreamKind
from pytranscoder.profiles.muxers import (
    MUXER_OF_EXTENSION,
    MUXERS,
    PICTURE_ENCODERS,
    PICTURE_SUBTITLES,
    TEXT_ENCODERS,
    TEXT_SUBTITLES,
    Muxer,
)
from pytranscoder.profiles.options import canonical_name, group_options, option_values
from pytranscoder.profiles.profile import LanguageSelection, Profile
from pytranscoder.profiles.selection import Selection, moved_default, select
from pytranscoder.profiles.streams import StreamDecision, StreamPlan, Verdict

_CHOOSES_STREAMS = frozenset({"-map", "-filter_complex", "-filter_complex_script", "-/filter_complex"})
_SELECTED_KINDS = (StreamKind.AUDIO, StreamKind.SUBTITLE)

# The specifiers that choose by what a stream is rather than by its number: only ffmpeg can tell which it means.
_CHOOSES_BY_NATURE = frozenset({"m", "disp", "u"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stream comes in the output: its number among all streams there, and among those of its kind."""

    index: int
    nth: int


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the options say about a stream's codec. `specific`: about this stream, not about all of its kind."""

    encoder: str | None = None
    specific: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the streams go: the container, None when nothing is known of it, and the words of the output options."""

    muxer: Muxer | None
    words: tuple[str, ...]


def target_muxer(profile: Profile, extension: str) -> str:
    """The output's container as ffmpeg calls it: by ``-f`` in the output options, else by the extension (with its dot).

    Empty when the extension is none that this program knows.
    """
    chosen = option_values(profile.options.all_output, "-f")
    return chosen[-1] if chosen else MUXER_OF_EXTENSION.get(extension.lower(), "")


def chooses_streams(words: Sequence[str]) -> bool:
    """Whether the options choose the streams themselves, with maps or with a filter graph that has outputs."""
    return any(canonical_name(group[0]) in _CHOOSES_STREAMS for group in group_options(words))


def disables(words: Sequence[str], kind: StreamKind) -> bool:
    """Whether ``-vn``, ``-an``, ``-sn`` or ``-dn`` is among the options for this kind of stream."""
    return kind is not StreamKind.ATTACHMENT and any(group[0] == f"-{kind.letter}n" for group in group_options(words))


def plan_streams(media: Media, profile: Profile, muxer: str) -> StreamPlan:
    """Decides on each stream of the file: language selection first, then what the container can hold.

    A codec option for all streams of a kind gives way where it cannot work; one for a single stream never does.
    Audio without a codec option is left to ffmpeg, which encodes it with the container's usual encoder.
    """
    words = profile.options.all_output
    if not profile.automap or chooses_streams(words):
        return StreamPlan(mapped=False)
    unwanted = {stream.index: reason for stream in media.streams if (reason := _unusable(stream, media, words))}
    selections = [_select(media, kind, profile, unwanted) for kind in _SELECTED_KINDS]
    unwanted |= {each.stream.index: each.reason for selection in selections for each in selection.dropped}
    decisions = _decide_all(media.streams, unwanted, _Target(MUXERS.get(muxer), words))
    for kind in _SELECTED_KINDS:
        decisions = _move_default(decisions, kind, _languages(profile, kind).default)
    return StreamPlan(decisions, notes=tuple(each.note for each in selections if each.note))


def is_mapped(stream: Stream, muxer: str) -> bool:
    """Whether a kept stream is mapped; cover art for Matroska is attached from a file instead."""
    return not _is_from_file(stream, MUXERS.get(muxer))


def _is_from_file(stream: Stream, muxer: Muxer | None) -> bool:
    return stream.attached_picture and muxer is not None and muxer.covers_as_files


def _unusable(stream: Stream, media: Media, words: Sequence[str]) -> str | None:
    if disables(words, stream.kind):
        return f"-{stream.kind.letter}n is among the options"
    if stream.kind is StreamKind.DATA:
        return _reason_against_data(stream, media)
    if not stream.codec and stream.kind is not StreamKind.ATTACHMENT:
        return "ffmpeg does not know its codec"
    return None


def _reason_against_data(stream: Stream, media: Media) -> str:
    if stream.codec_tag == "text" and media.chapters:
        return "its chapter titles are kept as chapters"
    return "players do not need it"


def _languages(profile: Profile, kind: StreamKind) -> LanguageSelection:
    return profile.audio if kind is StreamKind.AUDIO else profile.subtitle


def _select(media: Media, kind: StreamKind, profile: Profile, unwanted: Mapping[int, str]) -> Selection:
    usable = tuple(stream for stream in media.of_kind(kind) if stream.index not in unwanted)
    return select(usable, _languages(profile, kind))


def _decide_all(streams: Sequence[Stream], unwanted: Mapping[int, str], target: _Target) -> tuple[StreamDecision, ...]:
    """The decisions one after the other, as what was kept before gives a stream its number in the output."""
    decisions: list[StreamDecision] = []
    mapped: list[StreamKind] = []
    for stream in streams:
        reason = unwanted.get(stream.index)
        place = _Place(len(mapped), mapped.count(stream.kind))
        decision = _drop(stream, reason) if reason else _decide(stream, place, target)
        decisions.append(decision)
        if decision.verdict is not Verdict.DROP and not _is_from_file(stream, target.muxer):
            mapped.append(stream.kind)
    return tuple(decisions)


def _decide(stream: Stream, place: _Place, target: _Target) -> StreamDecision:
    choice = _choice(target.words, stream, place)
    if stream.attached_picture:
        return _decide_cover(stream, choice, target.muxer)
    if target.muxer is None or choice.specific:
        return StreamDecision(stream, Verdict.KEEP)
    match stream.kind:
        case StreamKind.AUDIO:
            return _decide_audio(stream, choice, target.muxer)
        case StreamKind.SUBTITLE:
            return _decide_subtitle(stream, choice, target.muxer)
        case StreamKind.ATTACHMENT:
            return _decide_attachment(stream, target.muxer)
    return StreamDecision(stream, Verdict.KEEP)


def _decide_cover(stream: Stream, choice: _Choice, muxer: Muxer | None) -> StreamDecision:
    if muxer is not None and stream.codec not in muxer.covers:
        return _drop(stream, f"{muxer.name} cannot hold it")
    as_chosen = choice.specific or choice.encoder == "copy" or _is_from_file(stream, muxer)
    return StreamDecision(stream, Verdict.KEEP, codec=None if as_chosen else "copy")


def _decide_audio(stream: Stream, choice: _Choice, muxer: Muxer) -> StreamDecision:
    if choice.encoder != "copy":
        return StreamDecision(stream, Verdict.KEEP)
    if muxer.holds_audio(stream.codec):
        return StreamDecision(stream, Verdict.KEEP, codec="copy" if stream.codec in muxer.experimental else None)
    return _convert(stream, muxer.surround_encoder if stream.channels > 2 else muxer.audio_encoder, muxer)


def _decide_subtitle(stream: Stream, choice: _Choice, muxer: Muxer) -> StreamDecision:
    encoder = choice.encoder
    if encoder not in (None, "copy") and not _is_impossible(stream.codec, encoder):
        return StreamDecision(stream, Verdict.KEEP)
    if stream.codec in muxer.subtitles:
        return StreamDecision(stream, Verdict.KEEP, codec=None if encoder == "copy" else "copy")
    if muxer.text_encoder and stream.codec in TEXT_SUBTITLES:
        return _convert(stream, muxer.text_encoder, muxer)
    return _drop(stream, f"{muxer.name} cannot hold it")


def _is_impossible(codec: str, encoder: str | None) -> bool:
    return (codec in PICTURE_SUBTITLES and encoder in TEXT_ENCODERS) or (
        codec in TEXT_SUBTITLES and encoder in PICTURE_ENCODERS
    )


def _decide_attachment(stream: Stream, muxer: Muxer) -> StreamDecision:
    if not muxer.attachments:
        return _drop(stream, f"{muxer.name} cannot hold it")
    if not stream.filename or not (stream.mimetype or stream.codec):
        return _drop(stream, f"{muxer.name} cannot hold an attachment without a name and a type")
    return StreamDecision(stream, Verdict.KEEP)


def _drop(stream: Stream, reason: str) -> StreamDecision:
    return StreamDecision(stream, Verdict.DROP, reason=f"{_name(stream)} is dropped: {reason}")


def _convert(stream: Stream, encoder: str, muxer: Muxer) -> StreamDecision:
    reason = f"{_name(stream)} is converted with {encoder}: {muxer.name} cannot hold it"
    return StreamDecision(stream, Verdict.CONVERT, codec=encoder, reason=reason)


def _name(stream: Stream) -> str:
    """How a sentence calls the stream: with the number that ffmpeg shows, and what the user may know it by."""
    kind = "cover art" if stream.attached_picture else stream.kind
    traits = (stream.filename or stream.codec or stream.codec_tag, stream.language, stream.title)
    return f"{kind} {stream.index} ({printable(', '.join(trait for trait in traits if trait)) or 'unknown'})"


def _move_default(
    decisions: tuple[StreamDecision, ...], kind: StreamKind, language: str | None
) -> tuple[StreamDecision, ...]:
    of_kind = [each for each in decisions if each.stream.kind is kind]
    kept = [each.stream for each in of_kind if each.verdict is not Verdict.DROP]
    default = moved_default([each.stream for each in of_kind], kept, language)
    return tuple(replace(each, default=True) if each.stream == default else each for each in decisions)


def _choice(words: Sequence[str], stream: Stream, place: _Place) -> _Choice:
    """What the last codec option that means the stream says, as ffmpeg goes by the last of them."""
    choice = _Choice()
    for group in group_options(words):
        name, _, specifier = canonical_name(group[0]).partition(":")
        if name != "-c" or len(group) == 1:
            continue
        if _means_kind(specifier, stream):
            choice = _Choice(group[1])
        elif _means_stream(specifier, stream, place):
            choice = _Choice(group[1], specific=True)
    return choice


def _means_kind(specifier: str, stream: Stream) -> bool:
    return specifier in {"", *_letters(stream)}


def _means_stream(specifier: str, stream: Stream, place: _Place) -> bool:
    first, _, rest = specifier.partition(":")
    if first in _letters(stream):
        return rest == str(place.nth) or not rest.isdigit()
    return first == str(place.index) or first in _CHOOSES_BY_NATURE


def _letters(stream: Stream) -> tuple[str, ...]:
    # V is video without cover art (https://ffmpeg.org/ffmpeg.html#Stream-specifiers).
    films = stream.kind is StreamKind.VIDEO and not stream.attached_picture
    return (stream.kind.letter, "V") if films else (stream.kind.letter,)
