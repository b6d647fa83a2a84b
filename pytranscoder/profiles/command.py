"""The ffmpeg command for a planned file, and what its output must be like. Runs nothing.
Knows ffmpeg's option syntax; which streams are kept is decided in `containers`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from pytranscoder.media.model import Media, Stream, StreamKind
from pytranscoder.profiles.containers import chooses_streams, disables, is_mapped
from pytranscoder.profiles.muxers import COVER_TYPES, MUXER_OF_EXTENSION, MUXERS, NEEDS_FORMAT
from pytranscoder.profiles.options import canonical_name, group_options, option_values
from pytranscoder.profiles.profile import Options, Profile
from pytranscoder.profiles.streams import StreamDecision, StreamPlan

GLOBALS = (
    *("-hide_banner", "-nostdin", "-y"),
    *("-loglevel", "warning", "-nostats"),
    *("-progress", "pipe:1", "-stats_period", "1"),
)

# A copied picture takes none of these: "Filtering and streamcopy cannot be used together", and likewise for the others.
_NOT_FOR_COVERS = frozenset({"-filter:v", "-filter_script:v", "-/filter:v", "-bsf:v", "-tag:v"})

_COVER_NAMES = {"png": "cover.png", "mjpeg": "cover.jpg"}

_TIME_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_SECONDS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(s|ms|us|)")
_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d*)?)")

# With one of these the length of the output cannot be told from the length of the source.
_CHANGES_LENGTH = frozenset(
    {
        *("-shortest", "-frames", "-fs", "-sseof", "-stream_loop", "-itsoffset", "-itsscale", "-copyts", "-i"),
        *("-filter_complex", "-filter_complex_script", "-filter_script", "-/filter", "-/filter_complex"),
    }
)
_CHANGES_LENGTH_AS_INPUT = frozenset({"-r", "-framerate"})
_TEMPORAL_FILTER = re.compile(
    r"\b(?:a?setpts|atempo|rubberband|asetrate|a?trim|tpad|apad|adelay|a?loop|a?select|concat|framestep|setts)\b"
)


@dataclass(frozen=True, slots=True)
class ExpectedStreams:
    """How many streams of each kind the output must have at least; None where only ffmpeg knows.

    `video` does not count cover art, which is `attached_pictures`.
    """

    video: int | None = None
    audio: int | None = None
    subtitle: int | None = None
    attachment: int | None = None
    attached_pictures: int | None = None


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A mapped stream and its number among those of its kind in the output."""

    decision: StreamDecision
    nth: int

    @property
    def specifier(self) -> str:
        return f"{self.decision.stream.kind.letter}:{self.nth}"


def build_argv(
    ffmpeg: str, profile: Profile, plan: StreamPlan, source: str, output: str, muxer: str
) -> tuple[str, ...]:
    """The command that encodes `source` to `output`, both absolute paths: no protocol, option or pattern is seen there.

    Ends in the output. Cover art that `covers_to_attach` names is not in it yet: see `with_covers`.
    """
    mapped = _mapped(plan, muxer)
    return (
        ffmpeg,
        *GLOBALS,
        *profile.options.input,
        "-i",
        source,
        *_output_options(profile.options.all_output, mapped),
        *(_stream_options(profile.options, mapped, muxer) if plan.mapped else ()),
        *_format_option(profile.options, output, muxer),
        output,
    )


def reporting_every(argv: Sequence[str], seconds: int) -> tuple[str, ...]:
    """The command of `build_argv`, which tells of its progress every second, with another interval."""
    return (*argv[: len(GLOBALS)], str(seconds), *argv[len(GLOBALS) + 1 :])


def covers_to_attach(plan: StreamPlan, muxer: str) -> tuple[Stream, ...]:
    """The cover art that is kept but has to be extracted to files first: Matroska takes it from files only."""
    return tuple(each.stream for each in plan.kept if not is_mapped(each.stream, muxer))


def cover_argv(ffmpeg: str, source: str, stream: Stream, output: str) -> tuple[str, ...]:
    """The command that extracts one of `covers_to_attach` into the file `output`, as it is."""
    writing = ("-c", "copy", "-frames:v", "1", "-f", "image2", "-update", "1", output)
    return (ffmpeg, *GLOBALS, "-i", source, "-map", f"0:{stream.index}", *writing)


def with_covers(argv: Sequence[str], plan: StreamPlan, covers: Mapping[int, str]) -> tuple[str, ...]:
    """The command of `build_argv` with extracted cover art attached; `covers` has its files by the stream's index."""
    attached = [each.stream for each in plan.kept if each.stream.index in covers]
    first = sum(each.stream.kind is StreamKind.ATTACHMENT for each in plan.kept)
    words = (
        word
        for nth, stream in enumerate(attached, start=first)
        for word in _attach_options(stream, nth, covers[stream.index])
    )
    return (*argv[:-1], *words, argv[-1])


def expected_streams(media: Media, profile: Profile, plan: StreamPlan) -> ExpectedStreams:
    """What the output must have. With ``automap: no`` that is a film and its sound, if the source has them."""
    words = profile.options.all_output
    if plan.mapped:
        return _planned_streams(plan, words)
    if chooses_streams(words):
        return ExpectedStreams()
    return ExpectedStreams(
        video=int(media.video is not None and not disables(words, StreamKind.VIDEO)),
        audio=int(bool(media.of_kind(StreamKind.AUDIO)) and not disables(words, StreamKind.AUDIO)),
    )


def expected_duration_s(profile: Profile, duration_s: float | None) -> float | None:
    """How long the output of a source of this length is, by ``-ss``, ``-t``, ``-to``; None when it cannot be told."""
    options = profile.options
    if duration_s is None or _changes_length(options):
        return None
    try:
        return _cut(options.all_output, _cut(options.input, duration_s))
    except ValueError:
        return None


def wanted_encoders(profile: Profile) -> frozenset[str]:
    """The encoders that the profile's codec options name."""
    groups = group_options(profile.options.all_output)
    named = {group[1] for group in groups if _base_name(group[0]) == "-c" and len(group) > 1}
    return frozenset(named - {"copy"})


def _mapped(plan: StreamPlan, muxer: str) -> tuple[_Mapped, ...]:
    mapped: list[_Mapped] = []
    for decision in plan.kept:
        if is_mapped(decision.stream, muxer):
            nth = sum(each.decision.stream.kind is decision.stream.kind for each in mapped)
            mapped.append(_Mapped(decision, nth))
    return tuple(mapped)


def _output_options(words: Sequence[str], mapped: Sequence[_Mapped]) -> Iterator[str]:
    """The options as they are, but those that a copied cover cannot take are spelt for the films one by one."""
    videos = [each for each in mapped if each.decision.stream.kind is StreamKind.VIDEO]
    films = [each for each in videos if not each.decision.stream.attached_picture]
    for name, *values in group_options(words):
        canonical = canonical_name(name)
        if canonical in _NOT_FOR_COVERS and len(films) < len(videos):
            for film in films:
                yield from (f"{canonical}:{film.nth}", *values)
        else:
            yield from (name, *values)


def _stream_options(options: Options, mapped: Sequence[_Mapped], muxer: str) -> Iterator[str]:
    named = {_base_name(group[0]) for group in group_options(options.all_output)}
    for each in mapped:
        yield from ("-map", f"0:{each.decision.stream.index}")
    for name in ("-map_metadata", "-map_chapters"):
        if name not in named:
            yield from (name, "0")
    for each in mapped:
        if each.decision.codec:
            yield from (f"-c:{each.specifier}", each.decision.codec)
        if each.decision.default is not None and "-disposition" not in named:
            yield from (f"-disposition:{each.specifier}", "+default" if each.decision.default else "-default")
    if "-strict" not in named and _has_experimental(mapped, muxer):
        yield from ("-strict", "experimental")


def _has_experimental(mapped: Sequence[_Mapped], muxer: str) -> bool:
    experimental = MUXERS[muxer].experimental if muxer in MUXERS else frozenset()
    return any(each.decision.codec == "copy" and each.decision.stream.codec in experimental for each in mapped)


def _format_option(options: Options, output: str, muxer: str) -> tuple[str, ...]:
    extension = PurePath(output).suffix.lower()
    understood = MUXER_OF_EXTENSION.get(extension) == muxer and extension not in NEEDS_FORMAT
    return () if understood or not muxer or option_values(options.all_output, "-f") else ("-f", muxer)


def _attach_options(stream: Stream, nth: int, file: str) -> tuple[str, ...]:
    name = stream.filename or _COVER_NAMES[stream.codec]
    mimetype = stream.mimetype or COVER_TYPES[stream.codec]
    metadata = f"-metadata:s:t:{nth}"
    return ("-attach", file, metadata, f"mimetype={mimetype}", metadata, f"filename={name}")


def _planned_streams(plan: StreamPlan, words: Sequence[str]) -> ExpectedStreams:
    streams = [each.stream for each in plan.kept]
    covers = sum(stream.attached_picture for stream in streams)
    count = {kind: sum(stream.kind is kind for stream in streams) for kind in StreamKind}
    return ExpectedStreams(
        video=count[StreamKind.VIDEO] - covers,
        audio=count[StreamKind.AUDIO],
        subtitle=count[StreamKind.SUBTITLE],
        attachment=count[StreamKind.ATTACHMENT],
        # A copied cover is one packet at the very start, which -ss behind -i cuts off.
        attached_pictures=None if option_values(words, "-ss") else covers,
    )


def _base_name(name: str) -> str:
    return canonical_name(name).partition(":")[0]


def _changes_length(options: Options) -> bool:
    groups = group_options(options.input + options.all_output)
    named = {_base_name(group[0]) for group in groups}
    as_input = {_base_name(group[0]) for group in group_options(options.input)}
    filters = (group[1] for group in groups if _base_name(group[0]) in {"-filter", "-bsf"} and len(group) > 1)
    # A copied stream begins at the picture before the one that -ss asks for, up to many seconds earlier.
    seeks_in_copy = "-ss" in as_input and any(_base_name(name) == "-c" and "copy" in rest for name, *rest in groups)
    return bool(
        seeks_in_copy
        or named & _CHANGES_LENGTH
        or as_input & _CHANGES_LENGTH_AS_INPUT
        or any(_TEMPORAL_FILTER.search(text) for text in filters)
    )


def _cut(words: Sequence[str], duration_s: float) -> float:
    """What is left of a length after the cuts of the options on one side of ``-i``; ``-t`` wins over ``-to``."""
    start = _time(words, "-ss") or 0.0
    length, end = _time(words, "-t"), _time(words, "-to")
    if length is None and end is not None:
        length = end - start
    rest = max(duration_s - start, 0.0)
    return rest if length is None else min(rest, max(length, 0.0))


def _time(words: Sequence[str], name: str) -> float | None:
    """The last value of a time option in seconds. Raises ValueError if it is none that can be reckoned with."""
    values = option_values(words, name)
    return _parse_time(values[-1]) if values else None


def _parse_time(text: str) -> float:
    if seconds := _SECONDS.fullmatch(text):
        return float(seconds[1]) * _TIME_UNITS[seconds[2]]
    if clock := _CLOCK.fullmatch(text):
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    raise ValueError(text)
