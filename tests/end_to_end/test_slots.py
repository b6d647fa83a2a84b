"""How many encodes run side by side, by the times that the encodes themselves have noted."""

from pathlib import Path

from tests.end_to_end.command import Finished, Place, run_pytranscoder

QUEUES = """\
profiles:
  fast:
    output_options_video: ["-c:v libx264", "-preset ultrafast"]
    output_options_audio: ["-c:a copy"]
    extension: .mkv
    queue: cuda
  plain:
    include: fast
    queue: default
rules:
  marked:
    profile: fast
    criteria:
      path: cuda
  others:
    profile: plain
"""


def side_by_side(place: Place, kind: str) -> int:
    """How many encodes of files with this in their names ran at once, at most."""
    entries = [line.split("\t") for line in place.diary.read_text().splitlines()]
    changes = sorted((float(time), what) for what, _, time, name in entries if kind in name)
    running = most = 0
    for _, what in changes:
        running += 1 if what == "start" else -1
        most = max(most, running)
    return most


def encode(place: Place, film: Path, behaviour: str, names: list[str], *options: str) -> Finished:
    place.configure(QUEUES, ffmpeg=place.fake_ffmpeg(behaviour), queues={"cuda": 2})
    return run_pytranscoder(place, "--json", *options, *(place.add(film, f"{name}.mp4") for name in names))


def test_queue_with_two_slots_runs_two_encodes_side_by_side(place: Place, film: Path) -> None:
    done = encode(place, film, "meet=2", ["cuda1", "cuda2", "cuda3", "cuda4"])

    assert (done.status, set(done.outcomes.values())) == (0, {"encoded"})
    assert side_by_side(place, "cuda") == 2


def test_default_queue_runs_one_encode_at_a_time(place: Place, film: Path) -> None:
    done = encode(place, film, "normal", ["plain1", "plain2", "plain3"])

    assert (done.status, set(done.outcomes.values())) == (0, {"encoded"})
    assert side_by_side(place, "plain") == 1


def test_all_queues_are_used_at_once(place: Place, film: Path) -> None:
    done = encode(place, film, "meet=3", ["plain1", "plain2", "cuda1", "cuda2", "cuda3"])

    assert (done.status, set(done.outcomes.values())) == (0, {"encoded"})
    assert (side_by_side(place, "plain"), side_by_side(place, "cuda")) == (1, 2)
    assert side_by_side(place, "") == 3


def test_s_runs_one_encode_at_a_time_over_all_queues(place: Place, film: Path) -> None:
    done = encode(place, film, "normal", ["cuda1", "plain1", "cuda2"], "-s")

    assert (done.status, set(done.outcomes.values())) == (0, {"encoded"})
    assert side_by_side(place, "") == 1
