"""Encodes that do not save enough."""

from pathlib import Path

from tests.end_to_end.command import PROFILES, Place, left_running, run_pytranscoder


def test_output_that_saves_too_little_is_rejected_at_the_end(place: Place, film: Path) -> None:
    place.configure()
    source = place.add(film)

    done = run_pytranscoder(place, "--json", "-p", "large", source)

    assert (done.status, done.outcomes) == (0, {"film.mp4": "rejected"})
    assert "% smaller, the threshold is 20 %" in done.reasons[0]
    assert (place.names(), source.read_bytes()) == (["film.mp4"], film.read_bytes())


def test_hopeless_encode_is_stopped_at_the_position_where_it_is_checked(place: Place, film: Path) -> None:
    place.configure(PROFILES + "    threshold_check: 30\n", ffmpeg=place.fake_ffmpeg("bloat"))
    source = place.add(film)

    done = run_pytranscoder(place, "--json", "-p", "large", source)

    assert (done.status, done.outcomes) == (0, {"film.mp4": "rejected"})
    percents = [event["percent"] for event in done.of("progress")]
    assert [percent >= 30 for percent in percents] == [False] * (len(percents) - 1) + [True]
    assert (place.names(), source.read_bytes()) == (["film.mp4"], film.read_bytes())
    assert left_running(place) == []


def test_rejected_film_leaves_the_queue_file(place: Place, film: Path) -> None:
    place.configure()
    queue_file = place.root / "queue.txt"
    queue_file.write_text(f"{place.add(film)}\n")

    run_pytranscoder(place, "-p", "large", "--from-file", queue_file)

    assert not queue_file.exists()
