import os
from pathlib import Path

import pytest

from pytranscoder.encode.choose import Chooser, PlannedJob, Policy, Skip
from pytranscoder.errors import PlanError, UsageError
from pytranscoder.jobs.sources import Selection
from pytranscoder.media.model import Stream, StreamKind
from pytranscoder.profiles.criteria import parse_criterion
from pytranscoder.profiles.definition import LanguageDefinition, ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.rules import SKIP, Rule
from pytranscoder.profiles.streams import Verdict
from tests.encode.samples import MKV, SAME, choose, media, planned_job

QUICK = ProfileDefinition("quick", output_options_video=("-preset fast",))
SMALL = TemplateDefinition("small", video_codec="-c:v libx265", extension=".mkv")
PROFILES = {definition.name: definition for definition in (MKV, SAME, QUICK)}
TEMPLATES = {"small": SMALL}
IS_HEVC = (parse_criterion("vcodec", "hevc"),)
IS_H264 = (parse_criterion("vcodec", "h264"),)


def policy(*rules: Rule) -> Policy:
    return Policy(profiles=PROFILES, templates=TEMPLATES, rules=rules)


def chosen(*rules: Rule, selection: Selection | None = None) -> PlannedJob:
    choice = choose(policy(*rules), media(), selection)
    assert isinstance(choice, PlannedJob)
    return choice


def test_first_rule_that_matches_chooses_the_profile_and_says_why() -> None:
    choice = chosen(Rule("compact", SKIP, IS_HEVC), Rule("old", "mkv", IS_H264), Rule("rest", "same"))

    assert (choice.profile.name, choice.rule, choice.why) == ("mkv", "old", "vcodec is h264")


def test_rule_may_name_a_template() -> None:
    assert chosen(Rule("rest", "small")).profile.name == "small"


def test_rule_that_skips_leaves_the_media_alone() -> None:
    assert choose(policy(Rule("done", SKIP, IS_H264)), media()) == Skip("done", "vcodec is h264")


def test_media_that_no_rule_matches_is_left_alone() -> None:
    assert choose(policy(Rule("compact", "mkv", IS_HEVC)), media()) == Skip(None, "no rule matches")


def test_profile_on_the_command_line_wins_over_the_rules() -> None:
    choice = chosen(Rule("all", SKIP), selection=Selection(profile="mkv"))

    assert (choice.profile.name, choice.rule, choice.why) == ("mkv", None, "")


def test_template_on_the_command_line_wins_over_the_rules() -> None:
    assert chosen(Rule("all", SKIP), selection=Selection(template="small")).profile.name == "small"


@pytest.mark.parametrize("selection", [Selection("mkv", None, ("quick",)), Selection(None, None, ("quick",))])
def test_mixin_is_laid_over_the_profile_however_that_was_chosen(selection: Selection) -> None:
    choice = chosen(Rule("rest", "mkv"), selection=selection)

    assert choice.profile.options.video == ("-preset", "fast")


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        (Selection(profile="mvk"), "mvk"),
        (Selection(template="smal"), "unknown template 'smal'; known: small"),
        (Selection(profile="mkv", mixins=("quik",)), "quik"),
        (Selection(), "no rules in the configuration; choose one with -p"),
    ],
    ids=["profile", "template", "mixin", "nothing to choose by"],
)
def test_selection_of_what_does_not_exist_is_known_before_anything_starts(selection: Selection, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Chooser(policy()).check(selection)


def test_mixin_that_does_not_exist_is_known_before_a_rule_is_asked() -> None:
    with pytest.raises(UsageError, match="quik"):
        Chooser(policy(Rule("all", SKIP), Rule("rest", "mkv"))).check(Selection(mixins=("quik",)))


def test_selection_that_can_be_used_passes() -> None:
    Chooser(policy(Rule("all", SKIP), Rule("rest", "small"))).check(Selection(mixins=("quick",)))


@pytest.mark.parametrize(
    ("definition", "flags", "final", "remove_source"),
    [
        pytest.param(MKV, {}, "Film.mkv", True, id="new extension"),
        pytest.param(SAME, {}, "Film.mp4", True, id="extension of the source"),
        pytest.param(MKV, {"keep": True}, "Film.mkv.tmp", False, id="keep"),
        pytest.param(SAME, {"keep": True}, "Film.mp4.tmp", False, id="keep, extension of the source"),
        pytest.param(MKV, {"own_name": True}, "Film.mkv.mkv", False, id="name of its own"),
        pytest.param(SAME, {"own_name": True}, "Film.same.mp4", False, id="name of its own, extension of the source"),
    ],
)
def test_policy_decides_where_the_output_goes_and_whether_the_source_stays(
    definition: ProfileDefinition, flags: dict[str, bool], final: str, remove_source: bool
) -> None:
    choice = planned_job(media("/films/Film.mp4"), definition, **flags)

    assert (choice.final, choice.remove_source) == (Path("/films") / final, remove_source)


def test_kept_output_is_made_in_the_container_of_its_real_extension() -> None:
    choice = planned_job(media(), MKV, keep=True)

    assert choice.muxer == "matroska"
    assert choice.partial(Path("/fast"), "cafe-1-1") == Path("/fast/.Film.ptc-cafe-1-1.mkv")


@pytest.mark.parametrize(("stem_bytes", "fits"), [(251, True), (252, False)])
@pytest.mark.parametrize("letter", ["x", "é", "\udcff"], ids=["ascii", "utf-8", "not utf-8"])
def test_name_of_the_output_fits_the_file_system_or_the_job_is_not_begun(
    letter: str, stem_bytes: int, fits: bool
) -> None:
    count, rest = divmod(stem_bytes, len(os.fsencode(letter)))
    film = media(f"/films/{letter * count}{'x' * rest}.ts")

    if fits:
        assert len(os.fsencode(planned_job(film).final.name)) == 255
    else:
        with pytest.raises(PlanError, match="name of the output would be too long"):
            planned_job(film)


def test_partial_name_of_the_longest_name_fits_the_file_system() -> None:
    partial = planned_job(media(f"/films/{'é' * 125}x.mp4"), SAME).partial(Path("/films"), "0123abcd-10000-3")

    assert len(os.fsencode(partial.name)) <= 255
    assert partial.suffix == ".mp4"


def test_media_of_which_nothing_would_be_left_is_not_begun() -> None:
    film = media(streams=(Stream(0, StreamKind.DATA, "bin_data"),))

    with pytest.raises(PlanError, match="nothing would be left"):
        planned_job(film)


def test_streams_that_are_not_simply_kept_are_told_of() -> None:
    film = media(streams=(*media().streams, Stream(2, StreamKind.DATA, "bin_data", codec_tag="tmcd")))

    assert planned_job(film).notes == ("data 2 (bin_data) is dropped: players do not need it",)


def test_kinds_with_a_dropped_stream_need_not_end_where_the_source_does() -> None:
    only_english = ProfileDefinition(
        "english", output_options="-c copy", extension=".mkv", audio=LanguageDefinition(include_languages=("eng",))
    )
    streams = (
        Stream(0, StreamKind.VIDEO, "h264"),
        Stream(1, StreamKind.AUDIO, "aac", language="eng"),
        Stream(2, StreamKind.AUDIO, "aac", language="fre"),
    )

    choice = planned_job(media(streams=streams), only_english)

    assert [decision.verdict for decision in choice.plan.decisions][2] is Verdict.DROP
    assert choice.whole_kinds == {StreamKind.VIDEO}


@pytest.mark.parametrize(
    ("count", "expected"), [(1, {StreamKind.VIDEO, StreamKind.AUDIO}), (2, {StreamKind.VIDEO})], ids=["one", "two"]
)
def test_with_a_users_own_map_only_single_streams_are_known_to_be_whole(count: int, expected: set[StreamKind]) -> None:
    streams = (Stream(0, StreamKind.VIDEO, "h264"), *(Stream(n, StreamKind.AUDIO, "aac") for n in range(1, count + 1)))

    assert planned_job(media(streams=streams), automap=False).whole_kinds == expected


def test_longer_and_larger_films_are_more_work() -> None:
    hour = media(duration_s=3600.0)

    assert planned_job(hour).work > planned_job(media()).work > planned_job(media(streams=media().streams[1:])).work


def test_sound_alone_is_not_encoded_with_a_profile_for_video() -> None:
    song = media("/music/song.mp3", streams=(Stream(0, StreamKind.AUDIO, "mp3"),))
    video = ProfileDefinition("video", output_options_video=("-c:v libx265",))

    chosen = choose(Policy(profiles={"video": video}), song, Selection(profile="video"))

    assert chosen == Skip(None, "it has no video, which this profile is for")
