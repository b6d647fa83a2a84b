from pathlib import Path

import pytest
from rich.cells import cell_len

from pytranscoder.jobs.events import CancelRequested, Event, JobFinished, Notice, Outcome
from pytranscoder.ui.board import board_lines, finished_line, told_lines
from tests.ui.samples import ended, finished, progress, queued, ready, run_finished, started, tally_of

LONG = Path("/films/The Return of a Very Long Name - Extended Edition (2003) [1080p].mkv")


def lines_of(*events: Event, width: int = 80, height: int = 24, now: float = 0.0) -> list[str]:
    return [line.plain.rstrip() for line in board_lines(tally_of(*events), now, width, height)]


THREE_ENCODES = (
    *(queued(job) for job in range(1, 49)),
    ready(1),
    ready(2, work=300.0),
    ready(3),
    ready(4),
    finished(4),
    started(1),
    started(2, media=LONG),
    started(3),
    progress(1, 30.4, time=10.0),
    progress(2, 99.9, time=10.0, speed=12.51, fps=312.0, compression=-4.0, eta_s=3.0),
    ended(3, time=10.0),
)


def test_board_at_80_columns() -> None:
    assert lines_of(*THREE_ENCODES, now=15.0) == [
        "Film 1.mp4                   ━━━━╌╌╌╌╌╌╌╌╌╌  30 %  3.1x   74 fps  −62 %    12:05",
        "The Return of …) [1080p].mkv ━━━━━━━━━━━━━╌  99 % 12.5x  312 fps   +4 %     0:00",
        "Film 3.mp4                                      ━━━━━━━━━━━━━━━━━━━━━━━ checking",
        "1 of 48 done, 3 running · 1.2 GB → 504.0 MB (−58 %) · 12:05 left",
    ]


def test_board_at_40_columns() -> None:
    assert lines_of(*THREE_ENCODES, now=15.0, width=40) == [
        "Film 1.mp4           30 %  3.1x    12:05",
        "The Retur…080p].mkv  99 % 12.5x     0:00",
        "Film 3.mp4                      checking",
        "1 of 48 done, 3 running",
        "1.2 GB → 504.0 MB (−58 %) · 12:05 left",
    ]


def test_board_of_a_run_that_is_being_stopped_promises_no_end() -> None:
    last = lines_of(*THREE_ENCODES, CancelRequested(time=15.0), now=15.0)[-1]

    assert last == "1 of 48 done, 3 running · 1.2 GB → 504.0 MB (−58 %) · stopping"


@pytest.mark.parametrize("width", range(1, 140, 7))
def test_no_line_exceeds_the_width(width: int) -> None:
    lines = board_lines(tally_of(*THREE_ENCODES, started(5, media=Path("東京" * 60))), 15.0, width, 24)

    assert max(cell_len(line.plain) for line in lines) <= width


@pytest.mark.parametrize(
    ("now", "end"), [(19.9, "━━━━╌╌╌╌╌╌╌╌╌╌  30 %  3.1x   74 fps  −62 %    12:00"), (20.0, " silent 0:10")]
)
def test_encode_of_which_nothing_was_heard_for_long_says_so(now: float, end: str) -> None:
    assert lines_of(started(1), progress(1, 30.4, time=10.0), now=now)[0].endswith(end)


def test_encode_without_progress_is_starting() -> None:
    assert lines_of(started(1))[0].endswith("╌ starting")


def test_encode_of_unknown_length_has_no_percentage() -> None:
    line = lines_of(started(1), progress(1, None, eta_s=None, compression=None), width=40)[0]

    assert line == "Film 1.mp4                 3.1x"


@pytest.mark.parametrize(("height", "last_shown", "folded"), [(22, 20, None), (21, 19, None), (10, 8, 12), (3, 1, 19)])
def test_encodes_that_do_not_fit_the_height_are_counted(height: int, last_shown: int, folded: int | None) -> None:
    lines = lines_of(*(started(job) for job in range(1, 21)), height=height)

    assert len(lines) <= height
    if folded is not None:
        assert lines[-3].startswith(f"Film {last_shown}.mp4")
        assert lines[-2] == f"+ {folded} more"


@pytest.mark.parametrize("height", [-1, 0, 1, 2])
def test_tiny_terminal_still_has_the_totals(height: int) -> None:
    assert lines_of(started(1), started(2), height=height)[-1] == "0 of 0 done, 2 running"


def test_totals_count_what_went_otherwise() -> None:
    events = [finished(job, outcome) for job, outcome in enumerate(Outcome)]

    (line,) = lines_of(*events, width=200)

    assert line == ("5 of 5 done, 0 running, 1 failed, 1 rejected, 1 skipped, 1 cancelled · 1.2 GB → 504.0 MB (−58 %)")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (finished(1), "✓ Film 1.mp4  1.2 GB → 504.0 MB (−58 %)  32:10"),
        (
            finished(1, media=LONG),
            "✓ The Return of a Very L…on (2003) [1080p].mkv  1.2 GB → 504.0 MB (−58 %)  32:10",
        ),
        (finished(1, Outcome.SKIPPED, reason="rule small"), "- Film 1.mp4  skipped: rule small"),
        (finished(1, Outcome.REJECTED, reason="3 % saved"), "= Film 1.mp4  rejected: 3 % saved"),
        (finished(1, Outcome.CANCELLED), "x Film 1.mp4  cancelled"),
        (
            finished(1, Outcome.FAILED, reason="ffmpeg exited with status 1: " + "x" * 90),
            "✗ Film 1.mp4  failed: ffmpeg exited with status 1: " + "x" * 90,
        ),
    ],
    ids=["encoded", "long name", "skipped", "rejected", "cancelled", "reason in full"],
)
def test_finished_job_is_one_line(event: Event, line: str) -> None:
    (text,) = told_lines(event, 80)  # type: ignore[arg-type]  # a JobFinished, as a table of several kinds of job

    assert text.plain == line


def test_finished_job_fits_40_columns() -> None:
    assert finished_line(finished(1, media=LONG), 40).plain == "✓ The Re…p].mkv  504.0 MB (−58 %)  32:10"


@pytest.mark.parametrize(
    ("event", "width", "line"),
    [
        (finished(1), 80, "✓ Film 1.mp4  1.2 GB → 504.0 MB (−58 %)  32:10  nas"),
        (finished(1, media=LONG), 40, "✓ The Retu…0p].mkv  504.0 MB  32:10  nas"),
        (finished(1, Outcome.FAILED, reason="truncated"), 80, "✗ Film 1.mp4  failed on nas: truncated"),
    ],
    ids=["encoded", "narrow", "failed"],
)
def test_finished_job_of_a_cluster_names_the_host(event: JobFinished, width: int, line: str) -> None:
    assert finished_line(event, width, host="nas").plain == line


def test_names_are_never_markup() -> None:
    event = finished(1, media=Path("/films/[red]:smile:\x1b[31m\n.mp4"))

    assert finished_line(event, 80).plain.startswith("✓ [red]:smile:\\x1b[31m\\n.mp4  ")


def test_start_of_an_encode_is_seen_on_the_board_only() -> None:
    assert not told_lines(started(1), 80)


def test_notice_has_a_line_for_each_of_its_own() -> None:
    notice = Notice(time=0.0, level="detail", text="ffmpeg -i a\tb\nerror")

    assert [line.plain for line in told_lines(notice, 80)] == ["ffmpeg -i a\\tb", "error"]


def test_end_of_the_run_changes_nothing_on_the_board() -> None:
    assert lines_of(finished(1)) == lines_of(finished(1), run_finished(encoded=1))
