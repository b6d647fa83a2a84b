import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.profiles.options import (
    canonical_name,
    group_options,
    merge_options,
    option_values,
    split_options,
)

NAMES = ("-c:v", "-codec:v", "-vcodec", "-c:a", "-acodec", "-c:a:0", "-map", "-crf", "-vf", "-filter:v", "-an", "-b")
VALUES = ("copy", "aac", "-1", "-0.5", "0:v", "", "a b", "-", "-0:d", "scale=-2:720")

options = st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(VALUES), max_size=2)).map(
    lambda option: (option[0], *option[1])
)
option_lists = st.lists(options, max_size=6)


def joined(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(word for group in groups for word in group)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", (), id="empty"),
        pytest.param((), (), id="empty-list"),
        pytest.param("-c:v  libx265\n-crf 20", ("-c:v", "libx265", "-crf", "20"), id="white-space"),
        pytest.param("-vf 'scale=-2:720, hflip'", ("-vf", "scale=-2:720, hflip"), id="single-quotes"),
        pytest.param('-metadata title="A \\"B\\""', ("-metadata", 'title=A "B"'), id="double-quotes"),
        pytest.param("-metadata title=A\\ B", ("-metadata", "title=A B"), id="backslash"),
        pytest.param("-metadata title=''", ("-metadata", "title="), id="nothing-in-quotes"),
        pytest.param(("-c:a copy", "-sn"), ("-c:a", "copy", "-sn"), id="list-of-options"),
        pytest.param(("-c:a", "copy"), ("-c:a", "copy"), id="list-of-words"),
        pytest.param("-metadata #1 -map 0", ("-metadata", "#1", "-map", "0"), id="no-comments"),
    ],
)
def test_text_is_split_like_in_a_posix_shell(text: str | tuple[str, ...], words: tuple[str, ...]) -> None:
    assert split_options(text) == words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("-vf 'scale", r"a quote that is not closed in \"-vf 'scale\"", id="quote"),
        pytest.param(("-an", '-vf "x'), "a quote that is not closed in '-vf \"x'", id="quote-in-a-list"),
        pytest.param("-vf x\\", "a backslash at the end in", id="backslash"),
        pytest.param("copy -an", "'copy' is not an option", id="file-name"),
        pytest.param("'' -an", "'' is not an option", id="empty-word"),
    ],
)
def test_text_that_cannot_be_options_says_why(text: str | tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_options(text)


@given(option_lists)
def test_quoted_words_are_split_into_the_same_words(groups: list[tuple[str, ...]]) -> None:
    words = joined(groups)
    assert split_options(shlex.join(words)) == words
    assert split_options(tuple(shlex.quote(word) for word in words)) == words


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        pytest.param("-an -sn", [("-an",), ("-sn",)], id="without-values"),
        pytest.param("-bf -1 -qdiff -0.5 -x -.5", [("-bf", "-1"), ("-qdiff", "-0.5"), ("-x", "-.5")], id="numbers"),
        pytest.param("-map 0 -map -0:d", [("-map", "0"), ("-map", "-0:d")], id="negative-mapping"),
        pytest.param("-i - -an", [("-i", "-"), ("-an",)], id="lone-dash"),
        pytest.param("-disposition:a -default -an", [("-disposition:a", "-default"), ("-an",)], id="disposition"),
        pytest.param("-movflags -faststart -an", [("-movflags", "-faststart"), ("-an",)], id="flags"),
        pytest.param("-flags:v -cgop", [("-flags:v", "-cgop")], id="flags-of-a-stream"),
        pytest.param("-/filter_complex g.txt", [("-/filter_complex", "g.txt")], id="value-from-a-file"),
        pytest.param("stray -an", [("stray",), ("-an",)], id="stray-word"),
    ],
)
def test_an_option_is_a_name_and_the_words_up_to_the_next(text: str, groups: list[tuple[str, ...]]) -> None:
    assert list(group_options(text.split())) == groups


@given(option_lists)
def test_groups_joined_again_are_the_words(groups: list[tuple[str, ...]]) -> None:
    assert joined(list(group_options(joined(groups)))) == joined(groups)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("-c:v", "-c:v"),
        ("-codec", "-c"),
        ("-codec:v", "-c:v"),
        ("-codec:a:1", "-c:a:1"),
        ("-vcodec", "-c:v"),
        ("-vcodec:0", "-c:v:0"),
        ("-acodec", "-c:a"),
        ("-scodec", "-c:s"),
        ("-vf", "-filter:v"),
        ("-af", "-filter:a"),
        ("-b", "-b:v"),
        ("-b:a", "-b:a"),
        ("-vb", "-b:v"),
        ("-ab", "-b:a"),
        ("-q", "-q"),
        ("-qscale", "-q:v"),
        ("-qscale:a", "-q:a"),
        ("-crf", "-crf"),
    ],
)
def test_synonyms_have_one_canonical_name(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


def test_values_are_found_under_any_spelling() -> None:
    words = ["-vcodec", "copy", "-codec:v", "libx264", "-an", "-c:a", "aac"]
    assert option_values(words, "-c:v") == ("copy", "libx264")
    assert option_values(words, "-an") == ("",)
    assert option_values(words, "-map") == ()


@pytest.mark.parametrize(
    ("parent", "child", "merged"),
    [
        pytest.param("-c:a copy -sn", "-c:a aac", "-sn -c:a aac", id="child-wins"),
        pytest.param("-acodec copy", "-c:a aac", "-c:a aac", id="synonym"),
        pytest.param("-c:a copy", "-c:a:0 aac", "-c:a copy -c:a:0 aac", id="another-specifier"),
        pytest.param("-map 0:v -map 0:a", "-crf 20", "-map 0:v -map 0:a -crf 20", id="repeated-in-the-parent"),
        pytest.param("-map 0 -an", "-map 0:v -map 0:a", "-an -map 0:v -map 0:a", id="repeated-in-the-child"),
        pytest.param("-movflags -faststart -an", "-movflags +rtphint", "-an -movflags +rtphint", id="signed-flags"),
    ],
)
def test_child_options_replace_those_of_the_parent(parent: str, child: str, merged: str) -> None:
    assert merge_options(parent.split(), child.split()) == tuple(merged.split())


@given(option_lists)
def test_merging_with_nothing_changes_nothing(groups: list[tuple[str, ...]]) -> None:
    words = joined(groups)
    assert merge_options(words, ()) == words
    assert merge_options((), words) == words


@given(option_lists, option_lists)
def test_every_option_of_the_child_survives_in_order(
    parent: list[tuple[str, ...]], child: list[tuple[str, ...]]
) -> None:
    merged = group_options(merge_options(joined(parent), joined(child)))
    assert list(merged[len(merged) - len(child) :]) == child


@given(option_lists, option_lists)
def test_parent_options_survive_as_often_as_they_were_unless_replaced(
    parent: list[tuple[str, ...]], child: list[tuple[str, ...]]
) -> None:
    replaced = {canonical_name(option[0]) for option in child}
    kept = [option for option in parent if canonical_name(option[0]) not in replaced]
    assert merge_options(joined(parent), joined(child)) == joined(kept + child)


@given(option_lists, option_lists)
def test_merging_twice_is_merging_once(parent: list[tuple[str, ...]], child: list[tuple[str, ...]]) -> None:
    once = merge_options(joined(parent), joined(child))
    assert merge_options(once, joined(child)) == once
