from collections.abc import Mapping

import pytest

from pytranscoder.errors import UsageError
from pytranscoder.profiles.definition import LanguageDefinition, OptionText, ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.profile import LanguageSelection, Profile
from pytranscoder.profiles.resolve import check_includes, parse_languages, resolve_profile, template_profile


def named(*definitions: ProfileDefinition) -> Mapping[str, ProfileDefinition]:
    return {definition.name: definition for definition in definitions}


def including(**includes: str) -> Mapping[str, ProfileDefinition]:
    return {name: ProfileDefinition(name, include=tuple(parents.split())) for name, parents in includes.items()}


def test_a_profile_alone_has_its_own_settings() -> None:
    definition = ProfileDefinition(
        "hq",
        input_options="-hwaccel auto",
        output_options="-f matroska",
        output_options_video=("-c:v libx265", "-crf 20"),
        output_options_audio="-c:a copy",
        output_options_subtitle="-c:s copy",
        extension=".mkv",
        queue="cuda",
        threshold=20,
        threshold_check=30,
        automap=False,
        verify="decode",
        accept_damaged=True,
    )
    profile = resolve_profile(named(definition), "hq")
    assert profile.options.input == ("-hwaccel", "auto")
    assert " ".join(profile.options.all_output) == "-f matroska -c:a copy -c:v libx265 -crf 20 -c:s copy"
    assert (profile.extension, profile.queue) == (".mkv", "cuda")
    assert (profile.threshold_percent, profile.threshold_check_percent) == (20, 30)
    assert (profile.automap, profile.verify_by_decoding, profile.accept_damaged) == (False, True, True)


def test_a_profile_that_says_nothing_has_the_defaults() -> None:
    assert resolve_profile(including(plain=""), "plain") == Profile("plain")


@pytest.mark.parametrize(
    ("own", "given", "expected"), [(None, True, True), (None, False, False), (True, False, True), (False, True, False)]
)
def test_automap_of_the_profile_wins_over_the_global_one(own: bool | None, given: bool, expected: bool) -> None:
    definitions = named(ProfileDefinition("a", automap=own))
    assert resolve_profile(definitions, "a", automap=given).automap is expected


@pytest.mark.parametrize(
    ("threshold", "check", "expected"),
    [(None, None, (None, 100.0)), (0, 0, (None, 0)), (15.5, 60, (15.5, 60))],
)
def test_no_threshold_accepts_any_size(
    threshold: float | None, check: float | None, expected: tuple[float | None, float]
) -> None:
    profile = resolve_profile(named(ProfileDefinition("a", threshold=threshold, threshold_check=check)), "a")
    assert (profile.threshold_percent, profile.threshold_check_percent) == expected


@pytest.mark.parametrize(("written", "extension"), [("mkv", ".mkv"), (".mkv", ".mkv"), ("", None), (None, None)])
def test_extension_has_one_dot(written: str | None, extension: str | None) -> None:
    assert resolve_profile(named(ProfileDefinition("a", extension=written)), "a").extension == extension


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        pytest.param(("-c:a copy", "-ac 2"), ("-c:a aac",), "-ac 2 -c:a aac", id="lists-are-merged"),
        pytest.param("-c:a copy -ac 2", ("-c:a aac",), "-c:a aac", id="string-above-is-replaced"),
        pytest.param(("-c:a copy", "-ac 2"), "-c:a aac", "-c:a aac", id="string-below-replaces"),
        pytest.param(("-c:a copy",), None, "-c:a copy", id="absent-below"),
        pytest.param(("-c:a copy",), (), "-c:a copy", id="empty-list-below"),
        pytest.param("-c:a copy", "", "-c:a copy", id="empty-string-below"),
        pytest.param(None, "-c:a aac", "-c:a aac", id="absent-above"),
    ],
)
def test_included_options_give_way_to_the_child(
    parent: OptionText | None, child: OptionText | None, expected: str
) -> None:
    definitions = named(
        ProfileDefinition("base", output_options_audio=parent),
        ProfileDefinition("film", include=("base",), output_options_audio=child),
    )
    assert " ".join(resolve_profile(definitions, "film").options.audio) == expected


def test_words_with_spaces_survive_two_merges() -> None:
    definitions = named(
        ProfileDefinition("a", output_options=("-metadata 'title=it is \"A\"'",)),
        ProfileDefinition("b", include=("a",), output_options=("-an",)),
        ProfileDefinition("c", include=("b",), output_options=("-sn",)),
    )
    assert resolve_profile(definitions, "c").options.output == ("-metadata", 'title=it is "A"', "-an", "-sn")


def test_a_later_parent_wins_over_an_earlier_one_and_the_child_over_both() -> None:
    definitions = named(
        ProfileDefinition("a", output_options_video=("-crf 20", "-preset slow"), queue="cuda", extension=".mp4"),
        ProfileDefinition("b", output_options_video=("-crf 24", "-tune film"), queue="qsv"),
        ProfileDefinition("c", include=("a", "b"), output_options_video=("-tune grain",)),
    )
    profile = resolve_profile(definitions, "c")
    assert " ".join(profile.options.video) == "-preset slow -crf 24 -tune grain"
    assert (profile.name, profile.queue, profile.extension) == ("c", "qsv", ".mp4")


def test_a_child_takes_back_what_its_parent_set() -> None:
    definitions = named(
        ProfileDefinition("a", threshold=20, automap=True, accept_damaged=True),
        ProfileDefinition("b", include=("a",), threshold=0, automap=False, accept_damaged=False),
    )
    profile = resolve_profile(definitions, "b")
    assert (profile.threshold_percent, profile.automap, profile.accept_damaged) == (None, False, False)


def test_a_profile_included_twice_is_merged_as_if_once() -> None:
    definitions = {**including(b="a", c="a", d="b c"), "a": ProfileDefinition("a", output_options=("-map 0",))}
    assert resolve_profile(definitions, "d").options.output == ("-map", "0")


def test_languages_are_combined_key_by_key() -> None:
    definitions = named(
        ProfileDefinition("a", audio=LanguageDefinition(include_languages=("eng",), default_language="eng")),
        ProfileDefinition("b", include=("a",), audio=LanguageDefinition(("jpn",), exclude_languages=("ger",))),
    )
    assert resolve_profile(definitions, "b").audio == LanguageSelection(("jpn",), ("ger",), "eng")


def test_a_section_of_a_mixin_replaces_that_of_the_profile_whole() -> None:
    definitions = named(
        ProfileDefinition(
            "film",
            output_options_video=("-c:v libx265",),
            output_options_audio=("-c:a copy", "-ac 2"),
            audio=LanguageDefinition(("eng",), default_language="eng"),
            queue="cuda",
        ),
        ProfileDefinition("small", output_options_audio=("-c:a aac",), audio=LanguageDefinition(("jpn",)), threshold=9),
    )
    profile = resolve_profile(definitions, "film", ["small"])
    assert (profile.name, profile.queue, profile.threshold_percent) == ("film", "cuda", 9)
    assert profile.options.video == ("-c:v", "libx265")
    assert profile.options.audio == ("-c:a", "aac")
    assert profile.audio == LanguageSelection(include=("jpn",))


def test_the_last_mixin_that_has_a_section_wins() -> None:
    definitions = named(
        ProfileDefinition("film"),
        ProfileDefinition("a", output_options_audio="-c:a aac", queue="qsv"),
        ProfileDefinition("b", output_options_audio="-c:a libopus", audio=LanguageDefinition(), output_options=()),
    )
    profile = resolve_profile(definitions, "film", ["a", "b"])
    assert (profile.options.audio, profile.queue) == (("-c:a", "libopus"), "qsv")


def test_a_mixin_brings_what_it_includes() -> None:
    definitions = named(
        ProfileDefinition("film", output_options_audio="-c:a copy"),
        ProfileDefinition("stereo", output_options_audio=("-ac 2",)),
        ProfileDefinition("aac", include=("stereo",), output_options_audio=("-c:a aac",)),
    )
    assert resolve_profile(definitions, "film", ["aac"]).options.audio == ("-ac", "2", "-c:a", "aac")


def test_an_unknown_profile_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(UsageError) as caught:
        resolve_profile(including(hevc="", av1=""), "hevk")
    assert str(caught.value) == "unknown profile 'hevk'; did you mean 'hevc'? known: av1, hevc"


def test_an_unknown_mixin_is_an_error() -> None:
    with pytest.raises(UsageError, match="unknown profile 'zzz'; known: hevc"):
        resolve_profile(including(hevc=""), "hevc", ["zzz"])


def test_resolving_a_loop_is_an_error() -> None:
    with pytest.raises(UsageError, match="profile 'a' includes itself: a -> b -> a; remove"):
        resolve_profile(including(a="b", b="a"), "a")


@pytest.mark.parametrize(
    ("includes", "mistakes"),
    [
        pytest.param({"a": "", "b": "a", "c": "a b"}, [], id="none"),
        pytest.param({"a": "a"}, [("a", "includes itself: a -> a")], id="itself"),
        pytest.param({"a": "b", "b": "a"}, [("a", "includes itself: a -> b -> a")], id="loop-of-two"),
        pytest.param(
            {"x": "a", "a": "b", "b": "c", "c": "a"}, [("a", "includes itself: a -> b -> c -> a")], id="loop-below"
        ),
        pytest.param(
            {"a": "b a", "b": "a"},
            [("a", "includes itself: a -> b -> a"), ("a", "includes itself: a -> a")],
            id="two-loops",
        ),
        pytest.param(
            {"hevc": "", "film": "hevk"},
            [("film", "includes unknown profile 'hevk'; did you mean 'hevc'? known: film, hevc")],
            id="unknown",
        ),
        pytest.param({"a": "b b", "b": "b"}, [("b", "includes itself: b -> b")], id="once-only"),
    ],
)
def test_mistakes_in_includes_are_all_found(includes: dict[str, str], mistakes: list[tuple[str, str]]) -> None:
    assert check_includes(including(**includes)) == mistakes


def test_a_template_stands_for_a_profile() -> None:
    template = TemplateDefinition(
        "qsv",
        video_codec="-c:v hevc_qsv",
        audio_codec="-c:a copy",
        subtitles="-c:s copy",
        input_options="-hwaccel qsv",
        audio_lang="eng jpn*",
        subtitle_lang="eng",
        threshold=20,
        threshold_check=50,
        queue="qsv",
        extension="mkv",
    )
    profile = template_profile(template, automap=False)
    assert profile.options.input == ("-hwaccel", "qsv")
    assert " ".join(profile.options.all_output) == "-c:a copy -c:v hevc_qsv -c:s copy"
    assert profile.audio == LanguageSelection(("eng", "jpn"), default="jpn")
    assert profile.subtitle == LanguageSelection(("eng",))
    assert (profile.threshold_percent, profile.threshold_check_percent) == (20, 50)
    assert (profile.name, profile.queue, profile.extension, profile.automap) == ("qsv", "qsv", ".mkv", False)


def test_mixins_are_laid_over_a_template() -> None:
    template = TemplateDefinition("t", audio_codec="-c:a copy", queue="qsv")
    definitions = named(ProfileDefinition("aac", output_options_audio="-c:a aac"))
    profile = template_profile(template, ["aac"], definitions)
    assert (profile.options.audio, profile.queue) == (("-c:a", "aac"), "qsv")


@pytest.mark.parametrize(
    ("text", "languages", "default"),
    [
        ("eng", ("eng",), None),
        ("eng jpn*", ("eng", "jpn"), "jpn"),
        ("eng* jpn", ("eng", "jpn"), "eng"),
        ("eng*,jpn , ger", ("eng", "jpn", "ger"), "eng"),
        ("* eng", ("eng",), None),
    ],
)
def test_languages_of_a_template_mark_the_default(text: str, languages: tuple[str, ...], default: str | None) -> None:
    assert parse_languages(text) == LanguageDefinition(languages, default_language=default)


@pytest.mark.parametrize("text", [None, "", " , ", "*"])
def test_no_languages_select_nothing(text: str | None) -> None:
    assert parse_languages(text) is None
