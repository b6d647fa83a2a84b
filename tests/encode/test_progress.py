import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.encode.progress import Measure, ProgressReader, Snapshot, measure, report_every_s, saving
from pytranscoder.media.model import Media
from tests.encode.samples import media

# What ffmpeg 5.1 prints, with the padding that it puts before small numbers.
BLOCK = """\
frame=250
fps=125.50
stream_0_0_q=28.0
bitrate=  72.1kbits/s
total_size=90112
out_time_us=10000000
out_time_ms=10000000
out_time=00:00:10.000000
dup_frames=0
drop_frames=0
speed= 5.2x
progress=continue"""


def read(text: str) -> list[Snapshot]:
    reader = ProgressReader()
    snapshots = (reader.feed(line) for line in text.splitlines())
    return [snapshot for snapshot in snapshots if snapshot is not None]


def test_block_is_read_as_one_snapshot() -> None:
    assert read(BLOCK) == [Snapshot(250, 10.0, 90112, 125.5, 5.2)]


def test_end_of_the_stream_is_ffmpegs_own_word() -> None:
    assert [snapshot.ended for snapshot in read(f"{BLOCK}\nprogress=end")] == [False, True]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("out_time_us=2500000", Snapshot(position_s=2.5)),
        ("out_time_ms=2500000", Snapshot(position_s=2.5)),
        ("out_time_us=N/A", Snapshot()),
        ("out_time_us=-9223372036854775807", Snapshot()),
        ("out_time_us=-23220", Snapshot()),
        ("out_time=00:00:02.500000", Snapshot()),
        ("total_size=N/A", Snapshot()),
        ("total_size=", Snapshot()),
        ("speed=N/A", Snapshot()),
        ("speed= 932x", Snapshot(speed=932.0)),
        ("speed=   0x", Snapshot(speed=0.0)),
        ("speed=1.2e+03x", Snapshot(speed=1200.0)),
        ("fps= 0.0", Snapshot(fps=0.0)),
        ("fps=nan", Snapshot()),
        ("fps=inf", Snapshot()),
        ("frame= 1234", Snapshot(frame=1234)),
        ("frame", Snapshot()),
        ("[libx264 @ 0x5] frame=I:1 Avg QP:20", Snapshot()),
        ("", Snapshot()),
    ],
)
def test_what_ffmpeg_does_not_say_is_none(line: str, expected: Snapshot) -> None:
    assert read(f"{line}\nprogress=continue") == [expected]


def test_values_of_one_block_do_not_leak_into_the_next() -> None:
    assert read(f"{BLOCK}\nprogress=continue")[1] == Snapshot()


@given(st.lists(st.text()))
def test_reader_takes_any_line(lines: list[str]) -> None:
    reader = ProgressReader()

    for line in lines:
        reader.feed(line)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 50), st.integers(0, 1 << 50), st.integers(0, 8), st.booleans())
def test_written_progress_is_read_back(frame: int, size: int, position_us: int, padding: int, ended: bool) -> None:
    pad = " " * padding
    word = "end" if ended else "continue"

    [snapshot] = read(f"frame={pad}{frame}\ntotal_size={pad}{size}\nout_time_us={pad}{position_us}\nprogress={word}")

    assert (snapshot.frame, snapshot.output_bytes, snapshot.ended) == (frame, size, ended)
    assert snapshot.position_s == pytest.approx(position_us / 1e6)


@pytest.mark.parametrize(
    ("later", "moved"),
    [
        (Snapshot(250, 10.0, 90112), False),
        (Snapshot(250, 10.0, 90112, fps=1.0, speed=0.1), False),
        (Snapshot(251, 10.0, 90112), True),
        (Snapshot(250, 10.1, 90112), True),
        (Snapshot(250, 10.0, 90113), True),
    ],
    ids=["nothing", "only speed", "frame", "position", "size"],
)
def test_progress_is_what_moves_frames_position_or_size(later: Snapshot, moved: bool) -> None:
    assert later.has_moved_since(Snapshot(250, 10.0, 90112)) is moved


def test_first_progress_is_progress() -> None:
    assert Snapshot().has_moved_since(None)


@pytest.mark.parametrize(
    ("encodes", "stall_after_s", "expected"),
    [(1, 600.0, 1), (32, 600.0, 1), (33, 600.0, 2), (64, 600.0, 2), (1000, 600.0, 5), (1000, 6.0, 3), (64, 1.0, 1)],
)
def test_many_encodes_tell_of_themselves_less_often_but_before_one_is_stopped(
    encodes: int, stall_after_s: float, expected: int
) -> None:
    assert report_every_s(encodes, stall_after_s) == expected


@pytest.mark.parametrize(
    ("film", "snapshot", "elapsed_s", "expected"),
    [
        pytest.param(
            media(), Snapshot(position_s=30.0, output_bytes=200_000, speed=2.0), 15.0, (50, 30, 60, 15), id="half-way"
        ),
        pytest.param(media(), Snapshot(position_s=30.0), 60.0, (50, 30, None, 60), id="speed from the clock"),
        pytest.param(media(), Snapshot(frame=750, speed=1.0), 30.0, (50, 30, None, 30), id="position from frames"),
        pytest.param(media(), Snapshot(position_s=61.0, speed=1.0), 1.0, (100, 61, None, 0), id="past the end"),
        pytest.param(media(), Snapshot(), 1.0, (None, None, None, None), id="nothing known"),
        pytest.param(media(), Snapshot(position_s=30.0, speed=0.01), 0.9, (50, 30, None, None), id="just begun"),
        pytest.param(
            media(duration_s=None), Snapshot(position_s=30.0, output_bytes=1), 1.0, (None, 30, None, None),
            id="duration unknown",
        ),
        pytest.param(
            media(), Snapshot(position_s=30.0, output_bytes=48, speed=1.0), 1.0, (50, 30, None, 30), id="only a header"
        ),
        pytest.param(
            media(), Snapshot(position_s=30.0, output_bytes=750_000, speed=1.0), 1.0, (50, 30, -50, 30), id="larger"
        ),
    ],
)  # fmt: skip
def test_encode_is_measured_against_the_source_up_to_the_same_position(
    film: Media, snapshot: Snapshot, elapsed_s: float, expected: tuple[float | None, ...]
) -> None:
    seen = measure(film, snapshot, elapsed_s)

    assert (seen.percent, seen.position_s, seen.compression, seen.eta_s) == pytest.approx(expected)


@given(
    st.builds(
        Snapshot,
        frame=st.none() | st.integers(0, 1 << 40),
        position_s=st.none() | st.floats(0, 1e9),
        output_bytes=st.none() | st.integers(0, 1 << 50),
        speed=st.none() | st.floats(0, 1e6),
    ),
    st.floats(0, 1e9),
)
def test_measure_stays_within_its_bounds(snapshot: Snapshot, elapsed_s: float) -> None:
    seen: Measure = measure(media(), snapshot, elapsed_s)

    assert seen.percent is None or 0 <= seen.percent <= 100
    assert seen.eta_s is None or seen.eta_s >= 0
    assert seen.compression is None or seen.compression <= 99


@pytest.mark.parametrize(
    ("source", "output", "expected"),
    [(100, 40, 60.0), (100, 100, 0.0), (100, 150, -50.0), (0, 5, None), (100, None, None)],
)
def test_saving_is_in_percent_of_the_source(source: float, output: int | None, expected: float | None) -> None:
    assert saving(source, output) == pytest.approx(expected)
