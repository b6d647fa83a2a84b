"""Which streams of one kind stay when only some languages are wanted, and which is the default then.
Knows ISO 639's spellings of languages; knows neither containers nor options.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pytranscoder.media.model import Stream, StreamKind
from pytranscoder.profiles.profile import LanguageSelection

# Each word is the codes of one language, ISO 639-1 first, then 639-2. The first two lines are complete: they have every
# language with a bibliographic and a terminological code (https://www.loc.gov/standards/iso639-2/php/code_list.php).
_LANGUAGES = """
    sq/alb/sqi hy/arm/hye eu/baq/eus my/bur/mya zh/chi/zho cs/cze/ces nl/dut/nld fr/fre/fra ka/geo/kat de/ger/deu
    el/gre/ell is/ice/isl mk/mac/mkd mi/mao/mri ms/may/msa fa/per/fas ro/rum/ron sk/slo/slk bo/tib/bod cy/wel/cym
    en/eng ja/jpn es/spa it/ita pt/por ru/rus ko/kor ar/ara hi/hin sv/swe no/nor nb/nob nn/nno da/dan fi/fin pl/pol
    hu/hun tr/tur he/heb th/tha vi/vie uk/ukr bg/bul hr/hrv sr/srp sl/slv et/est lv/lav lt/lit ca/cat gl/glg id/ind
    ta/tam te/tel ml/mal bn/ben mr/mar pa/pan gu/guj kn/kan ur/urd ga/gle la/lat bs/bos be/bel kk/kaz az/aze uz/uzb
    mn/mon ne/nep si/sin km/khm lo/lao af/afr sw/swa tl/tgl eo/epo yi/yid
"""
_CANONICAL = {code: codes.rsplit("/", 1)[-1] for codes in _LANGUAGES.split() for code in codes.split("/")}
_UNDEFINED = frozenset({"", "und"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """A stream that is left out, and why."""

    stream: Stream
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What a language selection made of the streams of one kind; `note` is a sentence when it could not be obeyed."""

    kept: tuple[Stream, ...]
    dropped: tuple[Dropped, ...] = ()
    note: str | None = None


def canonical_language(code: str | None) -> str | None:
    """The one spelling of a language: ``de``, ``ger``, ``deu`` and ``de-AT`` are ``deu``. None when it is undefined.

    Codes that are not in the table stand for themselves.
    """
    primary = (code or "").strip().lower().replace("_", "-").partition("-")[0]
    return None if primary in _UNDEFINED else _CANONICAL.get(primary, primary)


def select(streams: Sequence[Stream], wanted: LanguageSelection) -> Selection:
    """Sorts the streams of one kind into those that stay and those that are left out, each in the order of the file.

    A stream without a language is not excluded unless ``und`` is. Where languages are included it stays if ``und`` is
    one of them, or if it is sound and no other sound would be left. A film keeps all its sound rather than none.
    """
    dropped = tuple(
        Dropped(stream, reason) for stream in streams if (reason := _reason_against(stream.language, wanted))
    )
    kept = _without(streams, dropped)
    if kept or not _is_sound(streams):
        return Selection(kept, dropped)
    return _some_sound(streams, dropped, wanted)


def moved_default(before: Sequence[Stream], kept: Sequence[Stream], language: str | None) -> Stream | None:
    """The stream that takes over the default disposition: the first of `language`, else the first that is kept.

    None when the default stays where it is, there was none, or nothing is kept.
    """
    if any(stream.default for stream in kept) or not any(stream.default for stream in before):
        return None
    spoken = (stream for stream in kept if canonical_language(stream.language) == canonical_language(language))
    return next(spoken if language else iter(()), next(iter(kept), None))


def _reason_against(language: str | None, wanted: LanguageSelection) -> str | None:
    canonical = canonical_language(language)
    if wanted.include:
        listed = canonical in {canonical_language(code) for code in wanted.include}
        has = f"its language is {language}" if canonical else "it has no language"
        return None if listed else f"{has}, wanted is {_alternatives(wanted.include)}"
    excluded = canonical in {canonical_language(code) for code in wanted.exclude}
    return f"language {language or 'und'} is excluded" if excluded else None


def _alternatives(languages: Sequence[str]) -> str:
    return " or ".join(languages)


def _some_sound(streams: Sequence[Stream], dropped: Sequence[Dropped], wanted: LanguageSelection) -> Selection:
    untagged = tuple(stream for stream in streams if canonical_language(stream.language) is None)
    if wanted.include and untagged:
        others = tuple(each for each in dropped if each.stream not in untagged)
        return Selection(untagged, others, f"no audio in {_alternatives(wanted.include)}: kept what has no language")
    return Selection(tuple(streams), note="the language selection would leave the film without sound: kept all audio")


def _without(streams: Sequence[Stream], dropped: Sequence[Dropped]) -> tuple[Stream, ...]:
    gone = {each.stream.index for each in dropped}
    return tuple(stream for stream in streams if stream.index not in gone)


def _is_sound(streams: Sequence[Stream]) -> bool:
    return any(stream.kind is StreamKind.AUDIO for stream in streams)
