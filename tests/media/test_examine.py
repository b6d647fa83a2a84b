from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg  # type: ignore[import-untyped]  # has no annotations
import pytest

from pytranscoder.errors import UnreadableMediaError
from pytranscoder.media.examine import examine
from tests.clips import Clips, make_clip, run_ffmpeg

SECONDS = 30

# Each long enough that its end is looked at first.
FILMS: dict[str, dict[str, Any]] = {
    "film.mkv": {},
    "film.mp4": {"output": ["-movflags", "+faststart"]},
    "fragments.mp4": {"output": ["-movflags", "frag_keyframe+empty_moov"]},
    "timecode.mp4": {"subtitles": ["mov_text:eng"], "output": ["-movflags", "+faststart", "-timecode", "01:00:00:00"]},
    "film.avi": {},
    "film.flv": {},
    "film.webm": {"vcodec": "libvpx", "acodec": "libopus", "output": ["-deadline", "realtime", "-cpu-used", "8"]},
    "film.ts": {},
    "film.mpg": {"vcodec": "mpeg2video", "acodec": "mp2"},
    "cover.mkv": {"attachments": ["cover.png"]},
    "outlasted.mkv": {
        "subtitles": ["subrip:eng"],
        "subtitle_end_s": SECONDS + 20,
        "output": ["-write_crc32", "0"],  # so that a test may change its tags
    },
    "endless subtitle.mkv": {"subtitles": ["dvd_subtitle:eng"]},
    "late.mkv": {"output": ["-output_ts_offset", "100"]},
    "silent.mkv": {"audio": []},
    "song.mka": {"vcodec": None},
}
STOP_ANYWHERE = ("film.ts", "film.mpg")

MakeFilm = Callable[[str], Path]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> MakeFilm:
    folder = tmp_path_factory.mktemp("films")

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else make_clip(path, seconds=SECONDS, **FILMS[name])

    return make


def half_of(source: Path, target: Path) -> Path:
    content = source.read_bytes()
    target.write_bytes(content[: len(content) // 2])
    return target


@pytest.mark.parametrize("name", FILMS)
def test_whole_file_is_complete(film: MakeFilm, name: str) -> None:
    ends = examine(film(name))

    assert ends.complete
    assert ends.end_s == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize("name", [name for name in FILMS if name not in STOP_ANYWHERE])
def test_file_cut_in_half_is_incomplete(film: MakeFilm, tmp_path: Path, name: str) -> None:
    ends = examine(half_of(film(name), tmp_path / name))

    assert not ends.complete
    assert ends.end_s == pytest.approx(SECONDS / 2, abs=3)


@pytest.mark.parametrize("name", STOP_ANYWHERE)
def test_recording_that_stops_early_is_complete_and_shorter(film: MakeFilm, tmp_path: Path, name: str) -> None:
    ends = examine(half_of(film(name), tmp_path / name))

    assert ends.complete
    assert ends.end_s == pytest.approx(SECONDS / 2, abs=3)


def test_video_and_audio_have_ends_of_their_own(film: MakeFilm, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    run_ffmpeg(
        "-i",
        str(film("film.mkv")),
        "-t",
        "12",
        "-i",
        str(film("film.mkv")),
        "-map",
        "0:a",
        "-map",
        "1:v",
        "-c",
        "copy",
        str(path),
    )

    ends = examine(path)

    assert ends.complete
    assert ends.audio_end_s == pytest.approx(SECONDS, abs=0.2)
    assert ends.video_end_s == pytest.approx(12, abs=0.2)


def test_missing_kind_of_stream_has_no_end(film: MakeFilm) -> None:
    assert examine(film("silent.mkv")).audio_end_s is None
    assert examine(film("song.mka")).video_end_s is None


def test_duration_is_that_of_the_film_and_not_of_its_subtitles(film: MakeFilm) -> None:
    assert examine(film("outlasted.mkv")).duration_s == pytest.approx(SECONDS, abs=0.1)


@pytest.fixture
def untagged(film: MakeFilm, tmp_path: Path) -> Path:
    """A film that a subtitle outlasts, with one duration for both as not all muxers write matroska's tags."""
    path = tmp_path / "untagged.mkv"
    path.write_bytes(film("outlasted.mkv").read_bytes().replace(b"DURATION", b"LASTSFOR"))
    return path


def test_subtitle_that_outlasts_the_film_counts_when_the_header_has_one_duration(untagged: Path) -> None:
    ends = examine(untagged)

    assert ends.complete
    assert ends.duration_s == pytest.approx(SECONDS + 20, abs=0.1)
    assert ends.end_s == pytest.approx(SECONDS, abs=0.1)


def test_cut_file_without_its_index_is_unreadable(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match="moov atom not found"):
        examine(half_of(clips.timecode(), tmp_path / "a.mp4"))


def test_short_file_is_read_whole(clips: Clips) -> None:
    assert examine(clips.rich()).end_s == pytest.approx(2, abs=0.1)


def test_file_filled_with_zeros_is_incomplete(film: MakeFilm, tmp_path: Path) -> None:
    content = film("film.mkv").read_bytes()
    half = len(content) // 2
    path = tmp_path / "download.mkv"
    path.write_bytes(content[:half] + bytes(len(content) - half))

    assert not examine(path).complete


def test_empty_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").touch()
    with pytest.raises(UnreadableMediaError):
        examine(tmp_path / "a.mkv")


@pytest.fixture(params=["film.ts", "film.mpg"])
def recording(request: pytest.FixtureRequest, film: MakeFilm) -> Path:
    return film(request.param)


def test_joined_recordings_that_count_again_from_the_start_have_the_length_of_all(
    recording: Path, tmp_path: Path
) -> None:
    path = tmp_path / recording.name
    path.write_bytes(recording.read_bytes() * 3)

    ends = examine(path)

    assert ends.complete
    assert (ends.video_end_s, ends.audio_end_s) == pytest.approx((SECONDS * 3, SECONDS * 3), abs=0.3)


def test_hole_in_a_recording_is_no_part_of_its_length(film: MakeFilm, tmp_path: Path) -> None:
    path, later = tmp_path / "a.ts", tmp_path / "later.ts"
    run_ffmpeg("-i", str(film("film.ts")), "-c", "copy", "-output_ts_offset", "1000", str(later))
    path.write_bytes(film("film.ts").read_bytes() + later.read_bytes())

    ends = examine(path)

    assert ends.complete
    assert ends.end_s == pytest.approx(SECONDS * 2, abs=0.3)


def test_codec_delay_is_no_missing_end(film: MakeFilm, tmp_path: Path) -> None:
    """Matroska's durations count what a codec delay hides; current ffmpeg makes one of an mp4's edit list."""
    cut, path, part = tmp_path / "cut.mp4", tmp_path / "a.mkv", tmp_path / "part.mkv"
    run_ffmpeg("-ss", "3.9", "-i", str(film("film.mp4")), "-c", "copy", str(cut))
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy")
    run_ffmpeg("-i", str(cut), *encode, str(path), ffmpeg=imageio_ffmpeg.get_ffmpeg_exe())

    assert examine(path).complete
    assert not examine(half_of(path, part)).complete


def test_lead_is_what_an_edit_list_hides(film: MakeFilm, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    run_ffmpeg("-ss", "1.5", "-i", str(film("film.mp4")), "-c", "copy", str(path))

    assert examine(path).lead_s == pytest.approx(0.5, abs=0.1)  # a picture that stands alone comes each second
    assert examine(film("film.mp4")).lead_s == pytest.approx(0, abs=0.1)
