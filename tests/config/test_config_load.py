from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from pytranscoder.config.document import parse_document
from pytranscoder.config.load import build_config, default_config, default_config_path, load_config
from pytranscoder.config.settings import Config
from pytranscoder.config.starter import STARTER
from pytranscoder.config.values import read_address, read_bandwidth
from pytranscoder.errors import ConfigError
from pytranscoder.hosts.definition import HostDefinition, HostType, PathSubstitution
from pytranscoder.profiles.builtin import BUILTIN_PROFILES, BUILTIN_RULES
from pytranscoder.profiles.definition import LanguageDefinition, ProfileDefinition, TemplateDefinition

CASES = Path(__file__).parent / "cases"


def config_of(text: str) -> Config:
    return build_config(parse_document(text, "test.yml"))


def profile_of(body: str) -> ProfileDefinition:
    return config_of(f"profiles:\n  p: {{{body}}}\n").profiles["p"]


@pytest.fixture(scope="module")
def nas() -> Config:
    return load_config(CASES / "local_nas.yml")


@pytest.fixture(scope="module")
def home() -> dict[str, HostDefinition]:
    return dict(load_config(CASES / "clusters.yml").clusters["home"].hosts)


def test_globals_are_read(nas: Config) -> None:
    assert nas.default_queue_file == Path("/volume1/video/transcode_queue.txt")
    assert nas.ffmpeg == "/usr/bin/ffmpeg"
    assert nas.queues == {"cuda": 2, "qsv": 1}
    assert nas.colorize is True
    assert nas.fls_path == Path("/tmp")
    assert nas.source == CASES / "local_nas.yml"


def test_absent_globals_have_defaults() -> None:
    config = config_of("profiles: {p: {}}")

    assert config == Config(profiles={"p": ProfileDefinition("p")})
    assert (config.automap, config.colorize, config.stall_after_s) == (True, None, 600.0)


def test_profile_keeps_text_and_lists_apart(nas: Config) -> None:
    base = nas.profiles["base"]

    assert base == ProfileDefinition(
        "base",
        output_options=("-crf 20", "-f matroska", "-max_muxing_queue_size 1024"),
        output_options_audio="-c:a copy",
        output_options_subtitle="-c:s copy",
        extension=".mkv",
        threshold=20.0,
        threshold_check=30.0,
        automap=True,
    )


def test_profile_has_includes_and_languages(nas: Config) -> None:
    assert nas.profiles["hevc_cuda"] == ProfileDefinition(
        "hevc_cuda",
        include=("base", "cuda"),
        audio=LanguageDefinition(include_languages=("eng", "jpn"), default_language="eng"),
        subtitle=LanguageDefinition(exclude_languages=("ger", "fre"), default_language="eng"),
    )


def test_template_is_read(nas: Config) -> None:
    assert nas.templates["qsv"] == TemplateDefinition(
        "qsv",
        video_codec="-c:v hevc_qsv -preset medium -qmin 19 -qmax 21",
        audio_codec="-c:a copy",
        subtitles="-c:s copy",
        audio_lang="eng* jpn",
        subtitle_lang="eng",
        threshold=15.0,
        threshold_check=20.0,
        queue="qsv",
        extension=".mkv",
    )


def test_rules_keep_the_order_of_the_file(nas: Config) -> None:
    assert [(rule.name, rule.profile) for rule in nas.rules] == [
        ("skip what is compact", "SKIP"),
        ("anime", "qsv"),
        ("short films", "hevc_cuda"),
        ("default", "hevc_cuda"),
    ]


def test_criteria_are_read_as_written(nas: Config) -> None:
    assert [(criterion.name, criterion.text) for criterion in nas.rules[2].criteria] == [
        ("runtime", "<120"),
        ("filesize_mb", ">2500"),
        ("res_height", "720-1080"),
        ("vcodec", "!hevc"),
    ]


def test_rule_with_empty_criteria_matches_always() -> None:
    config = load_config(CASES / "clusters.yml")

    assert config.rules[0].criteria == ()


def test_mounted_host_has_its_substitutions(home: dict[str, HostDefinition]) -> None:
    assert home["workstation"] == HostDefinition(
        "workstation",
        HostType.MOUNTED,
        os="linux",
        ip="192.168.2.63",
        user="me",
        ffmpeg="/usr/bin/ffmpeg",
        path_substitutions=(
            PathSubstitution("/volume1/media/", "/mnt/media/"),
            PathSubstitution("/volume1/my films", "/mnt/films"),
        ),
        profiles=("hevc_cuda",),
        queues={"cuda": 2},
    )


def test_windows_host_keeps_its_backslashes(home: dict[str, HostDefinition]) -> None:
    gamer = home["gamer"]

    assert (gamer.os, gamer.enabled) == ("windows", False)
    assert gamer.ffmpeg == r"c:\ffmpeg\bin\ffmpeg.exe"
    assert gamer.path_substitutions == (PathSubstitution("/volume1/media", "Z:"),)


def test_streaming_host_has_what_copying_needs(home: dict[str, HostDefinition]) -> None:
    mini = home["mini"]

    assert (mini.type, mini.os, mini.port, mini.working_dir, mini.bandwidth) == (
        HostType.STREAMING,
        "macos",
        2222,
        "/Users/me/encode",
        40e6,
    )


def test_clusters_keep_the_order_of_the_file() -> None:
    clusters = load_config(CASES / "clusters.yml").clusters

    assert {name: list(cluster.hosts) for name, cluster in clusters.items()} == {
        "home": ["manager", "workstation", "gamer", "mini"],
        "work": ["render1", "box"],
        "empty": [],
    }


def test_last_of_two_entries_with_one_name_counts() -> None:
    config = load_config(CASES / "clusters.yml")

    assert config.profiles["hevc_cuda"].output_options_video == "-c:v hevc_nvenc -cq 25"


def test_anchors_and_merge_keys_are_followed() -> None:
    profiles = load_config(CASES / "anchors.yml").profiles

    assert (profiles["hevc"].threshold, profiles["hevc"].extension, profiles["hevc"].queue) == (10.0, ".mkv", "cuda")
    assert profiles["hevc"].output_options == ("-c:v libx265", "-tune film", "-map 0", "-t", "60", "-tune film")
    assert (profiles["both"].threshold, profiles["both"].extension) == (5.0, ".mkv")


@pytest.mark.parametrize(
    ("body", "attribute", "expected"),
    [
        pytest.param("extension: mkv", "extension", ".mkv", id="extension gets its dot"),
        pytest.param("threshold: '20.5'", "threshold", 20.5, id="quoted number"),
        pytest.param("threshold: 0", "threshold", 0.0, id="zero is not absent"),
        pytest.param("automap: 'NO'", "automap", False, id="quoted no"),
        pytest.param("accept_damaged: yes", "accept_damaged", True, id="yes"),
        pytest.param("verify: decode", "verify", "decode", id="verify"),
        pytest.param("output_options: [-t, 60]", "output_options", ("-t", "60"), id="number in a list"),
        pytest.param("output_options: ", "output_options", None, id="empty is absent"),
        pytest.param("include: ", "include", (), id="empty include"),
        pytest.param(
            "audio: {include_languages: no en-GB}",
            "audio",
            LanguageDefinition(include_languages=("no", "en-GB")),
            id="norwegian is a language",
        ),
        pytest.param(
            "subtitle: {exclude_languages: 'ger, fre'}",
            "subtitle",
            LanguageDefinition(exclude_languages=("ger", "fre")),
            id="languages with commas",
        ),
    ],
)
def test_profile_value_is_read(body: str, attribute: str, expected: object) -> None:
    assert getattr(profile_of(body), attribute) == expected


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("600", 600.0), ("90s", 90.0), ("10m", 600.0), ("1h", 3600.0), ("1.5 h", 5400.0), ("'30'", 30.0)],
)
def test_time_is_read_as_seconds(written: str, seconds: float) -> None:
    assert config_of(f"config: {{stall_after: {written}}}").stall_after_s == seconds


@pytest.mark.parametrize("written", ["0", "-5", "10d", "ten", "inf", "9" * 400])
def test_senseless_time_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="expected a time such as 600"):
        config_of(f"config: {{stall_after: {written}}}")


@pytest.mark.parametrize(
    ("written", "bytes_per_s"),
    [("5000000", 5e6), ("40M", 40e6), ("2.5 M", 2.5e6), ("800k", 800e3), ("800K", 800e3), ("1G", 1e9), ("1", 1.0)],
)
def test_bandwidth_is_read_as_bytes_per_second(written: str, bytes_per_s: float) -> None:
    assert read_bandwidth(written) == bytes_per_s


@pytest.mark.parametrize(
    "written", ["0", "0.5", "-1M", "40m", "40MB", "100Mbit", "fast", "inf", "9" * 400, ["1"], None]
)
def test_senseless_bandwidth_is_refused(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="expected bytes per second such as 40M"):
        read_bandwidth(written)


@pytest.mark.parametrize("written", ["10.0.0.2", "nas", "nas.local", "fe80::1%eth0", "::1", "my_alias-2", "1.10"])
def test_address_or_name_is_taken_as_it_is(written: str) -> None:
    assert read_address(written) == written


@pytest.mark.parametrize("written", ["", "me@nas", "nas:22", "ssh://nas", "-oProxyCommand=x", "a b", "[::1]", ["nas"]])
def test_what_is_no_address_is_refused(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="expected an address or a name"):
        read_address(written)


@pytest.mark.parametrize(
    ("written", "ours", "theirs"),
    [
        pytest.param("/a /b", "/a", "/b", id="plain"),
        pytest.param(r"/media Z:\films", "/media", r"Z:\films", id="windows"),
        pytest.param('\'"/my films" "Z:\\my films"\'', "/my films", r"Z:\my films", id="quoted"),
        pytest.param("/media Z:", "/media", "Z:", id="ends in a colon, which YAML takes for a key"),
    ],
)
def test_path_substitution_is_two_paths(written: str, ours: str, theirs: str) -> None:
    host = f"        type: local\n        path-substitutions:\n        - {written}\n"
    config = config_of(f"config:\n  clusters:\n    c:\n      h:\n{host}")

    assert config.clusters["c"].hosts["h"].path_substitutions == (PathSubstitution(ours, theirs),)


def test_file_without_profiles_gets_the_built_in_ones() -> None:
    config = config_of("config: {queues: {default: 2}}")

    assert (config.profiles, config.rules) == (BUILTIN_PROFILES, BUILTIN_RULES)


def test_rules_may_name_built_in_profiles_when_the_file_has_none() -> None:
    config = load_config(CASES / "only_rules.yml")

    assert [rule.profile for rule in config.rules] == ["av1"]


def test_file_with_templates_alone_gets_no_built_in_profiles() -> None:
    config = config_of("templates: {t: {}}")

    assert (config.profiles, config.rules) == ({}, ())


def test_no_file_gives_the_built_in_profiles() -> None:
    assert default_config() == Config(profiles=BUILTIN_PROFILES, rules=BUILTIN_RULES)


def test_starter_file_loads_without_a_warning() -> None:
    config = config_of(STARTER)

    assert (config.warnings, [rule.profile for rule in config.rules]) == ((), ["SKIP", "hevc"])


def test_what_the_starter_file_suggests_loads_without_a_warning() -> None:
    settings, rest = STARTER.split("\nprofiles:")

    config = config_of(settings.replace("\n  # ", "\n  ") + "\nprofiles:" + rest)

    assert config.warnings == ()
    assert [host.type for host in config.clusters["home"].hosts.values()] == ["local", "mounted", "streaming"]


def test_default_path_is_in_the_home_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")

    assert default_config_path() == Path("/somewhere/.transcode.yml")


def test_queue_file_may_be_in_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")

    assert config_of("config: {default_queue_file: ~/queue}").default_queue_file == Path("/somewhere/queue")


def directory(path: Path) -> None:
    path.mkdir()


def latin1(path: Path) -> None:
    path.write_bytes("profiles:\n  a: {queue: é}\n".encode("latin-1"))


def film(path: Path) -> None:
    path.write_bytes(b"x" * 1_000_001)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda _: None, "c.yml: cannot be read: No such file or directory", id="missing"),
        pytest.param(directory, "c.yml: cannot be read: Is a directory", id="directory"),
        pytest.param(latin1, "c.yml:2: not UTF-8 text: byte 0xe9; save the file as UTF-8", id="latin-1"),
        pytest.param(film, "c.yml: larger than 1 MB, not a configuration file", id="too large"),
    ],
)
def test_unreadable_file_is_a_problem(
    make: Callable[[Path], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("c.yml"))

    with pytest.raises(ConfigError) as caught:
        load_config(Path("c.yml"))

    assert str(caught.value) == message


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_bytes(b"\xef\xbb\xbfprofiles: {a: {}}\n")

    assert list(load_config(path).profiles) == ["a"]


def test_endless_nesting_is_refused_before_it_overflows_the_stack() -> None:
    with pytest.raises(ConfigError, match=r"nested more than 50 levels|maximum nesting depth"):
        parse_document("a: " + "[" * 300_000, "test.yml")
