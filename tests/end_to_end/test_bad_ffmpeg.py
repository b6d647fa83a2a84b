from pathlib import Path

import pytest

from tests.end_to_end.command import PROFILES, Finished, Place, left_running, run_pytranscoder


def encode_with(place: Place, behaviour: str, *sources: Path, config: str = PROFILES, **settings: object) -> Finished:
    place.configure(config, ffmpeg=place.fake_ffmpeg(behaviour), **settings)
    return run_pytranscoder(place, "--json", "-p", "small", *sources)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("cut_in_time", "the picture ends at 0.8 s, it should at 2.0 s"),
        ("cut_in_bytes", "the output is truncated"),
        ("empty", "the output cannot be read: the file is empty"),
        ("garbage", "the output cannot be read"),
        ("stream_missing", "the output has 0 audio streams, 1 were to be kept"),
        ("fails_at_end", "ffmpeg exited with status 1: Error writing trailer: Input/output error"),
        ("no_end", "ffmpeg exited with status 0 without saying that it had finished"),
        ("no_space", "no space left"),
        ("no_session", "its encoder takes no more sessions at the moment"),
    ],
)
def test_bad_output_never_replaces_the_source(place: Place, film: Path, behaviour: str, reason: str) -> None:
    source = place.add(film)

    done = encode_with(place, behaviour, source)

    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert reason in done.reasons[0]
    assert place.names() == ["film.mp4"]
    assert source.read_bytes() == film.read_bytes()
    assert left_running(place) == []


def test_output_that_does_not_decode_is_found_by_the_thorough_verification(place: Place, film: Path) -> None:
    source = place.add(film)

    done = encode_with(place, "corrupt", source, config=PROFILES.replace("  large:", "    verify: decode\n  large:"))

    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert "the output does not decode" in done.reasons[0]
    assert (place.names(), source.read_bytes()) == (["film.mp4"], film.read_bytes())


@pytest.mark.parametrize("behaviour", ["flood", "odd_progress", "orphan"])
def test_oddities_of_a_good_encode_do_no_harm(place: Place, film: Path, behaviour: str) -> None:
    done = encode_with(place, behaviour, place.add(film))

    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})
    assert place.names() == ["film.mkv"]
    assert left_running(place) == []


@pytest.mark.parametrize("behaviour", ["stall", "silent", "grandchild"])
def test_stalled_encode_is_stopped_and_tried_three_times(place: Place, film: Path, behaviour: str) -> None:
    source = place.add(film)

    done = encode_with(place, behaviour, source, stall_after="1s")

    assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
    assert [event["reason"] for event in done.of("attempt_failed")] == ["no progress for 1 s, stopped"] * 3
    assert place.names() == ["film.mp4"]
    assert source.read_bytes() == film.read_bytes()
    assert left_running(place) == []


def test_odd_progress_is_reported_as_unknown(place: Place, film: Path) -> None:
    done = encode_with(place, "odd_progress", place.add(film))

    first = done.of("progress")[0]
    assert [first[name] for name in ("percent", "position_s", "speed", "fps", "output_bytes")] == [None] * 5


def test_reason_shows_the_last_words_of_a_flood_at_most(place: Place, film: Path) -> None:
    source = place.add(film)
    source.write_bytes(film.read_bytes()[:4000])

    done = encode_with(place, "flood", source)

    assert done.status == 1
    assert len(done.reasons[0]) < 50_000


def test_lack_of_sessions_lowers_the_slots_and_fails_nothing(place: Place, film: Path) -> None:
    sources = [place.add(film, f"{number}.mp4") for number in range(3)]
    config = PROFILES.replace("  large:", "    queue: cuda\n  large:")

    done = encode_with(place, "one_session", *sources, config=config, queues={"cuda": 2})

    assert (done.status, set(done.outcomes.values())) == (0, {"encoded"})
    assert [event["no_capacity"] for event in done.of("attempt_failed")] == [True]
    assert len(done.of("encode_started")) == 4


def test_ffmpeg_that_is_not_there_is_no_usable_host(place: Place, film: Path) -> None:
    place.configure(ffmpeg=place.root / "no-ffmpeg")

    done = run_pytranscoder(place, "--json", "-p", "small", place.add(film))

    assert done.status == 3
    assert set(done.outcomes.values()) <= {"cancelled"}  # none, when that was known before the file was found
    assert "no ffmpeg at" in done.of("host_unavailable")[0]["reason"]
    assert place.names() == ["film.mp4"]


def test_program_that_is_no_ffmpeg_is_no_usable_host(place: Place, film: Path) -> None:
    place.configure(ffmpeg="/bin/echo")

    done = run_pytranscoder(place, "--json", "-p", "small", place.add(film))

    assert done.status == 3
    assert "is no ffmpeg that can be run" in done.of("host_unavailable")[0]["reason"]
