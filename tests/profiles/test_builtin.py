from pathlib import Path

import pytest

from pytranscoder.media.model import Identity, Media, Stream, StreamKind
from pytranscoder.profiles.builtin import BUILTIN_PROFILES, BUILTIN_RULES
from pytranscoder.profiles.definition import ProfileDefinition
from pytranscoder.profiles.facts import Facts
from pytranscoder.profiles.options import option_values
from pytranscoder.profiles.resolve import check_includes, resolve_profile
from pytranscoder.profiles.rules import SKIP, choose_rule


@pytest.mark.parametrize(("name", "encoder"), [("hevc", "libx265"), ("av1", "libsvtav1"), ("h264", "libx264")])
def test_a_builtin_profile_encodes_the_video_and_copies_the_sound(name: str, encoder: str) -> None:
    profile = resolve_profile(BUILTIN_PROFILES, name)
    assert option_values(profile.options.all_output, "-c:v") == (encoder,)
    assert option_values(profile.options.all_output, "-c:a") == ("copy",)
    assert (profile.extension, profile.automap, profile.threshold_percent) == (".mkv", True, None)


def test_a_profile_that_includes_a_builtin_one_changes_a_single_option() -> None:
    mine = ProfileDefinition("mine", include=("hevc",), output_options_video=("-crf 18",))
    profile = resolve_profile({**BUILTIN_PROFILES, "mine": mine}, "mine")
    assert option_values(profile.options.video, "-crf") == ("18",)
    assert option_values(profile.options.video, "-c:v") == ("libx265",)


@pytest.mark.parametrize(("codec", "profile"), [("hevc", SKIP), ("av1", SKIP), ("h264", "hevc"), ("vc1", "hevc")])
def test_builtin_rules_skip_what_is_compact_already(codec: str, profile: str) -> None:
    video = Stream(0, StreamKind.VIDEO, codec)
    media = Media(Path("/a.mkv"), Identity(1, 1, 1, 1), "matroska,webm", 60.0, (video,))
    match = choose_rule(BUILTIN_RULES, Facts(media, now=0.0))
    assert match is not None
    assert match.rule.profile == profile


def test_builtin_rules_name_profiles_that_exist() -> None:
    assert {rule.profile for rule in BUILTIN_RULES} - {SKIP} <= set(BUILTIN_PROFILES)
    assert check_includes(BUILTIN_PROFILES) == []
