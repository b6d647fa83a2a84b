"""Films that are encoded and replaced on this machine, with a configuration."""

import os
import stat
from pathlib import Path

import pytest

from pytranscoder.media.model import Media
from pytranscoder.media.probe import probe
from tests.clips import make_clip
from tests.end_to_end.command import PROFILES, Place, run_pytranscoder

DAMAGED = """\
  tolerant:
    include: small
    accept_damaged: yes
"""


@pytest.fixture(autouse=True)
def configuration(place: Place) -> None:
    place.configure()


def codecs(media: Media) -> list[str]:
    return [stream.codec for stream in media.streams]


def test_mp4_is_replaced_by_a_mkv_with_all_its_streams(place: Place, film: Path) -> None:
    source = place.add(film)

    done = run_pytranscoder(place, "--json", "-p", "small", source)

    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})
    assert place.names() == ["film.mkv"]
    output = probe(place.media / "film.mkv")
    assert codecs(output) == ["h264", "aac", "subrip"]
    assert output.size_bytes < film.stat().st_size


def test_run_on_this_machine_alone_loads_no_ssh(place: Place, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")

    done = run_pytranscoder(place, "-p", "small", place.add(film))

    assert done.status == 0
    assert "pytranscoder.cli" in done.stderr
    assert "asyncssh" not in done.stderr


def test_film_is_replaced_under_its_own_name_when_the_extension_stays(place: Place, film_mkv: Path) -> None:
    source = place.add(film_mkv)

    done = run_pytranscoder(place, "-p", "small", source)

    assert done.status == 0
    assert place.names() == ["film.mkv"]
    assert source.stat().st_size < film_mkv.stat().st_size


def test_mkv_with_subtitles_becomes_a_mp4(place: Place, film_mkv: Path) -> None:
    place.configure(PROFILES.replace(".mkv", ".mp4"))

    done = run_pytranscoder(place, "-p", "small", place.add(film_mkv))

    assert (done.status, place.names()) == (0, ["film.mp4"])
    assert codecs(probe(place.media / "film.mp4")) == ["h264", "aac", "mov_text"]


def test_replacement_has_the_mtime_and_mode_of_its_source(place: Place, film: Path) -> None:
    source = place.add(film)
    source.chmod(0o640)
    os.utime(source, ns=(10**18, 10**18 + 123456789))

    run_pytranscoder(place, "-p", "small", source)

    status = (place.media / "film.mkv").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o640, 10**18 + 123456789)


def test_k_keeps_the_source_beside_the_verified_output(place: Place, film: Path) -> None:
    source = place.add(film)

    done = run_pytranscoder(place, "-k", "-p", "small", source)

    assert (done.status, place.names()) == (0, ["film.mkv.tmp", "film.mp4"])
    assert source.read_bytes() == film.read_bytes()
    assert codecs(probe(place.media / "film.mkv.tmp")) == ["h264", "aac", "subrip"]


def test_profile_template_and_mixin_hold_for_the_files_that_follow(place: Place, film: Path) -> None:
    place.configure(
        PROFILES
        + '  mono:\n    output_options_audio: ["-c:a aac", "-ac 1", "-b:a 32k"]\n'
        + 'templates:\n  web:\n    cli:\n      video-codec: "-c:v libx264 -preset ultrafast"\n'
        + '      audio-codec: "-c:a copy"\n    extension: .mp4\n'
    )
    names = ("a.mp4", "b.mp4", "c.mp4")
    a, b, c = (place.add(film, name) for name in names)

    done = run_pytranscoder(place, "--json", "-p", "large", a, "-t", "web", b, "-p", "small", "-m", "mono", c)

    assert done.status == 0
    profiles = {Path(event["media"]).name: event["profile"] for event in done.of("job_finished")}
    assert profiles == {"a.mp4": "large", "b.mp4": "web", "c.mp4": "small"}
    argvs = {Path(event["media"]).name: event["argv"] for event in done.of("encode_started")}
    assert [("-ac" in argvs[name], "-crf" in argvs[name]) for name in names] == [
        (False, True),
        (False, False),
        (True, True),
    ]


def test_directory_stands_for_the_media_files_in_it(place: Place, film: Path) -> None:
    place.add(film, "series/season 1/1.mp4")
    place.add(film, "series/2.mp4")
    for name in ("series/.hidden.mp4", "series/.trash/3.mp4", "series/notes.txt"):
        place.add(film, name)

    done = run_pytranscoder(place, "--json", "-p", "small", "series")

    assert list(done.outcomes.items()) == [("2.mp4", "encoded"), ("1.mp4", "encoded")]
    assert place.names() == [
        "series/.hidden.mp4",
        "series/.trash/3.mp4",
        "series/2.mkv",
        "series/notes.txt",
        "series/season 1/1.mkv",
    ]


def test_file_that_is_named_twice_is_one_job(place: Place, film: Path) -> None:
    source = place.add(film)

    done = run_pytranscoder(place, "--json", "-p", "small", source, "film.mp4", place.media, "./film.mp4")

    assert (done.status, len(done.of("job_finished"))) == (0, 1)


def test_missing_file_fails_and_the_others_are_encoded(place: Place, film: Path) -> None:
    done = run_pytranscoder(place, "--json", "-p", "small", "nowhere.mp4", place.add(film))

    assert (done.status, done.outcomes) == (1, {"nowhere.mp4": "failed", "film.mp4": "encoded"})
    assert "no such file" in done.reasons[0]


@pytest.mark.parametrize("content", [b"", b"not a film at all\n" * 100], ids=["empty", "text"])
def test_file_that_is_no_media_fails_and_stays(place: Place, content: bytes) -> None:
    (place.media / "film.mp4").write_bytes(content)

    done = run_pytranscoder(place, "--json", "-p", "small", "film.mp4")

    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert (place.media / "film.mp4").read_bytes() == content


def test_first_rule_that_matches_decides(place: Place, film: Path, film_mkv: Path) -> None:
    place.configure(
        PROFILES
        + "rules:\n  trailers:\n    profile: SKIP\n    criteria:\n      path: trailers/\n"
        + "  containers:\n    profile: small\n    criteria:\n      container: mp4\n      runtime: <5\n"
    )
    for name in ("trailers/one.mp4", "two.mp4"):
        place.add(film, name)
    place.add(film_mkv, "three.mkv")

    done = run_pytranscoder(place, "--json", place.media)

    assert (done.status, done.outcomes) == (0, {"one.mp4": "skipped", "two.mp4": "encoded", "three.mkv": "skipped"})
    rules = {Path(event["media"]).name: (event["rule"], event["profile"]) for event in done.of("job_finished")}
    assert rules == {"one.mp4": ("trailers", None), "two.mp4": ("containers", "small"), "three.mkv": (None, None)}
    assert place.names() == ["three.mkv", "trailers/one.mp4", "two.mkv"]


def test_final_name_that_is_taken_fails_the_job_before_the_encode(place: Place, film: Path) -> None:
    source = place.add(film)
    taken = place.media / "film.mkv"
    taken.write_bytes(b"another film")

    done = run_pytranscoder(place, "--json", "-p", "small", source)

    assert (done.status, done.of("encode_started")) == (1, [])
    assert "film.mkv exists already; move it away or remove it" in done.reasons[0]
    assert (source.read_bytes(), taken.read_bytes()) == (film.read_bytes(), b"another film")


def truncated(place: Place, film_mkv: Path) -> Path:
    source = place.add(film_mkv)
    source.write_bytes(film_mkv.read_bytes()[: film_mkv.stat().st_size // 3])
    return source


def test_damaged_source_fails_and_stays(place: Place, film_mkv: Path) -> None:
    source = truncated(place, film_mkv)
    content = source.read_bytes()

    done = run_pytranscoder(place, "--json", "-p", "small", source)

    assert (done.status, place.names()) == (1, ["film.mkv"])
    assert "damaged: its packets end at" in done.reasons[0]
    assert "`accept_damaged: yes`" in done.reasons[0]
    assert source.read_bytes() == content


def test_damaged_source_is_encoded_where_the_profile_accepts_it(place: Place, film_mkv: Path) -> None:
    place.configure(PROFILES + DAMAGED)
    source = truncated(place, film_mkv)

    done = run_pytranscoder(place, "--json", "-p", "tolerant", source)

    assert (done.status, done.outcomes) == (0, {"film.mkv": "encoded"})
    assert codecs(probe(source)) == ["h264", "aac", "subrip"]


def test_output_that_decodes_passes_the_thorough_verification(place: Place, film: Path) -> None:
    place.configure(PROFILES + "  thorough:\n    include: small\n    verify: decode\n")

    done = run_pytranscoder(place, "--json", "-p", "thorough", place.add(film))

    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})


def test_copied_sound_of_a_dvd_passes_the_thorough_verification(place: Place, tmp_path: Path) -> None:
    """Its time stamps step back by a tick here and there, which is no fault of what it decodes to."""
    options = "    output_options: -c:v libx264 -preset ultrafast -c:a copy\n    extension: mkv\n"
    place.configure("profiles:\n  thorough:\n    verify: decode\n" + options)
    like_a_dvd = ["-ar", "44100", "-bf", "2"]
    film = make_clip(tmp_path / "dvd.vob", seconds=8, vcodec="mpeg2video", acodec="ac3", output=like_a_dvd)

    done = run_pytranscoder(place, "--json", "-p", "thorough", place.add(film))

    assert done.outcomes == {"dvd.vob": "encoded"}


def test_other_hard_link_keeps_the_old_data_and_the_report_says_so(place: Place, film: Path) -> None:
    source = place.add(film)
    other = place.root / "seeding.mp4"
    os.link(source, other)

    done = run_pytranscoder(place, "-p", "small", source)

    assert (done.status, place.names()) == (0, ["film.mkv"])
    assert "keep the old data; no space was saved there" in done.stdout
    assert other.read_bytes() == film.read_bytes()


def test_what_a_symbolic_link_points_to_stays(place: Place, film: Path) -> None:
    store = place.root / "store.mp4"
    store.write_bytes(film.read_bytes())
    (place.media / "film.mp4").symlink_to(store)

    done = run_pytranscoder(place, "-p", "small", "film.mp4")

    assert (done.status, place.names()) == (0, ["film.mkv"])
    assert "what it points to stays" in done.stdout
    assert not (place.media / "film.mkv").is_symlink()
    assert store.read_bytes() == film.read_bytes()


def test_embedded_ffmpeg_is_used_where_the_machine_has_none(place: Place, film: Path) -> None:
    done = run_pytranscoder(place, "--json", "-p", "small", place.add(film), environment={"PATH": str(place.home)})

    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})
    assert "imageio_ffmpeg" in done.of("host_ready")[0]["ffmpeg"]


def test_encoder_that_ffmpeg_lacks_fails_the_job_at_planning(place: Place, film: Path) -> None:
    place.configure(PROFILES.replace("libx264", "libx264rgb2"))

    done = run_pytranscoder(place, "--json", "-p", "small", place.add(film))

    assert (done.status, done.of("encode_started")) == (1, [])
    assert "has no encoder libx264rgb2; did you mean libx264" in done.reasons[0]


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_queue_of_another_machine_fails_the_job_at_planning(place: Place, film: Path, words: tuple[str, ...]) -> None:
    hosts = {"home": {"mac": {"type": "local", "queues": {"gpu": 1}}}}
    place.configure(PROFILES.replace("    threshold", "    queue: gpu\n    threshold"), clusters=hosts)

    done = run_pytranscoder(place, "--json", *words, "-p", "large", place.add(film))

    assert (done.status, done.of("planned"), done.of("encode_started")) == (1, [], [])
    assert "this machine has no queue gpu; give it a number of slots" in done.reasons[0]


def test_dropped_subtitle_is_told(place: Place, film: Path) -> None:
    place.configure(PROFILES + "  german:\n    include: small\n    subtitle:\n      include_languages: [ger]\n")

    done = run_pytranscoder(place, "--json", "-p", "german", place.add(film))

    assert any("subtitle" in note for note in done.of("encode_started")[0]["notes"])
    assert codecs(probe(place.media / "film.mkv")) == ["h264", "aac"]


def test_json_tells_of_a_job_in_the_order_in_which_it_happens(place: Place, film: Path) -> None:
    source = place.add(film)

    done = run_pytranscoder(place, "--json", "-p", "small", source)

    order = ["run_started", "job_queued", "job_ready", "encode_started", "encode_ended", "job_finished", "run_finished"]
    assert [event["event"] for event in done.events if event["event"] in order] == order
    assert done.of("progress")
    assert done.of("encode_started")[0]["media"] == str(source)
    assert done.of("job_finished")[0]["output"] == str(place.media / "film.mkv")
    assert [done.of("run_finished")[0][name] for name in ("encoded", "failed", "source_bytes")] == [
        1,
        0,
        film.stat().st_size,
    ]
    assert done.stderr == ""


def test_plain_lines_end_in_a_summary(place: Place, film: Path) -> None:
    done = run_pytranscoder(place, "-p", "small", place.add(film), "nowhere.mp4")

    assert "encoding film.mp4 with small" in done.stdout
    assert "1 encoded, 1 failed" in done.stdout
    assert f"{place.media}/nowhere.mp4: cannot be read: no such file or directory" in done.stdout
    assert done.stderr == ""


def test_v_shows_the_command_and_what_ffmpeg_said(place: Place, film: Path) -> None:
    place.configure(PROFILES.replace("-preset ultrafast", "-preset nosuch"))

    done = run_pytranscoder(place, "-v", "-p", "small", place.add(film))

    assert done.status == 1
    assert "-preset nosuch" in done.stdout
    assert "while opening encoder" in done.stdout
