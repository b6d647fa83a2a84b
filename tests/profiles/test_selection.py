"""Which streams language selection keeps, and which becomes the default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.media.model import Stream, StreamKind
from pytranscoder.profiles.profile import LanguageSelection
from pytranscoder.profiles.selection import canonical_language, moved_default, select

LANGUAGES = st.sampled_from(["eng", "ger", "deu", "jpn", "fr", "zxx", None])


def streams(languages: str, kind: StreamKind = StreamKind.AUDIO) -> tuple[Stream, ...]:
    """Streams of these languages; ``-`` has none, ``*`` marks a default."""
    return tuple(
        Stream(index, kind, "aac", None if word.strip("*") == "-" else word.strip("*"), default="*" in word)
        for index, word in enumerate(languages.split())
    )


def spoken(kept: tuple[Stream, ...]) -> str:
    return " ".join(stream.language or "-" for stream in kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("en", "eng"),
        ("de", "ger"),
        ("ger", "deu"),
        ("fr", "fra"),
        ("fre", "fra"),
        ("ja", "jpn"),
        ("zh", "chi"),
        ("dut", "nld"),
        ("EN", "eng"),
        ("pt-BR", "por"),
        ("zh_Hant", "zho"),
        ("und", ""),
        ("xyz", "XYZ"),
    ],
)
def test_spellings_of_one_language_are_equal(one: str, other: str) -> None:
    assert canonical_language(one) == canonical_language(other)


@pytest.mark.parametrize(("one", "other"), [("en", "de"), ("nob", "nor"), ("xyz", "zyx"), ("und", "eng")])
def test_languages_differ(one: str, other: str) -> None:
    assert canonical_language(one) != canonical_language(other)


AUDIO, SUBTITLE = StreamKind.AUDIO, StreamKind.SUBTITLE
CASES = {
    "nothing is selected": (AUDIO, "eng jpn -", LanguageSelection(), "eng jpn -"),
    "included": (AUDIO, "eng jpn ger", LanguageSelection(include=("en", "de")), "eng ger"),
    "excluded": (AUDIO, "eng jpn fra", LanguageSelection(exclude=("fre",)), "eng jpn"),
    "include wins": (AUDIO, "eng jpn", LanguageSelection(include=("eng",), exclude=("eng",)), "eng"),
    "untagged audio beside a match": (AUDIO, "eng -", LanguageSelection(include=("eng",)), "eng"),
    "untagged audio without a match": (AUDIO, "jpn -", LanguageSelection(include=("eng",)), "-"),
    "untagged subtitle without a match": (SUBTITLE, "jpn -", LanguageSelection(include=("eng",)), ""),
    "und is included": (SUBTITLE, "jpn -", LanguageSelection(include=("und",)), "-"),
    "untagged is not excluded": (SUBTITLE, "jpn -", LanguageSelection(exclude=("jpn",)), "-"),
    "und is excluded": (SUBTITLE, "jpn -", LanguageSelection(exclude=("und",)), "jpn"),
    "no audio matches": (AUDIO, "jpn ger", LanguageSelection(include=("eng",)), "jpn ger"),
    "all audio is excluded": (AUDIO, "jpn -", LanguageSelection(exclude=("jpn", "und")), "jpn -"),
    "no subtitle matches": (SUBTITLE, "jpn ger", LanguageSelection(include=("eng",)), ""),
    "no audio at all": (AUDIO, "", LanguageSelection(include=("eng",)), ""),
}


@pytest.mark.parametrize(("kind", "languages", "wanted", "kept"), CASES.values(), ids=CASES.keys())
def test_selection_keeps(kind: StreamKind, languages: str, wanted: LanguageSelection, kept: str) -> None:
    assert spoken(select(streams(languages, kind), wanted).kept) == kept


def test_keeping_all_audio_against_the_selection_is_said() -> None:
    selection = select(streams("jpn"), LanguageSelection(include=("eng",)))

    assert selection.note == "the language selection would leave the film without sound: kept all audio"


def test_reason_names_language_and_what_was_wanted() -> None:
    selection = select(streams("eng jpn"), LanguageSelection(include=("en", "de")))

    assert [each.reason for each in selection.dropped] == ["its language is jpn, wanted is en or de"]


@given(st.lists(LANGUAGES, max_size=6), st.lists(LANGUAGES, max_size=3), st.lists(LANGUAGES, max_size=3))
def test_each_stream_is_kept_or_dropped_and_sound_remains(
    languages: list[str | None], include: list[str | None], exclude: list[str | None]
) -> None:
    audio = tuple(Stream(index, AUDIO, language=language) for index, language in enumerate(languages))
    wanted = LanguageSelection(tuple(code or "und" for code in include), tuple(code or "und" for code in exclude))

    selection = select(audio, wanted)

    gone = tuple(each.stream for each in selection.dropped)
    assert sorted(selection.kept + gone, key=lambda stream: stream.index) == list(audio)
    assert bool(selection.kept) == bool(audio)


@pytest.mark.parametrize(
    ("before", "kept", "language", "default"),
    [
        pytest.param("jpn* eng ger", (1, 2), "de", 2, id="to the default language"),
        pytest.param("jpn* eng ger", (1, 2), None, 1, id="to the first kept"),
        pytest.param("jpn* eng ger", (1, 2), "fre", 1, id="to the first kept if the language is absent"),
        pytest.param("jpn* eng", (0, 1), "eng", None, id="stays if kept"),
        pytest.param("jpn eng", (1,), "eng", None, id="there was none"),
        pytest.param("jpn* eng*", (1,), "eng", None, id="another default is kept"),
        pytest.param("jpn*", (), "eng", None, id="nothing is kept"),
        pytest.param("jpn* -", (1,), "und", 1, id="to what has no language"),
    ],
)
def test_default_moves(before: str, kept: tuple[int, ...], language: str | None, default: int | None) -> None:
    all_streams = streams(before)

    moved = moved_default(all_streams, [all_streams[index] for index in kept], language)

    assert (moved.index if moved else None) == default
