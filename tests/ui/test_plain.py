import io
from pathlib import Path

import pytest

from pytranscoder.jobs.events import Direction, Event, Notice, Outcome, Progress
from pytranscoder.ui.output import Output
from pytranscoder.ui.plain import Plain, progress_line
from tests.ui.samples import (
    CLUSTER,
    GB,
    ended,
    finished,
    host_ready,
    host_unavailable,
    progress,
    queued,
    ready,
    run_finished,
    staged,
    started,
    transfer,
)


def printed(*events: Event, verbose: bool = False) -> str:
    stdout = io.StringIO()
    with Plain(Output(stdout), verbose=verbose) as screen:
        for event in events:
            screen.handle(event)
    return stdout.getvalue()


def test_a_run_from_start_to_end() -> None:
    text = printed(
        queued(1),
        queued(2),
        finished(2, Outcome.SKIPPED, reason="rule small", attempt=None),
        ready(1),
        started(1),
        *(progress(1, percent) for percent in (0.0, 5.0, 31.4, 35.0, 62.0, 100.0)),
        finished(1),
        run_finished(encoded=1, skipped=1, source_bytes=1_200_000_000, output_bytes=504_000_000),
    )

    assert text == (
        "Film 2.mp4: skipped: rule small\n"
        "encoding Film 1.mp4 with hevc (1.2 GB, 1:42:10)\n"
        "Film 1.mp4 31 % 3.1x 62 % smaller, 0:12:10 left\n"
        "Film 1.mp4 62 % 3.1x 62 % smaller, 0:12:10 left\n"
        "Film 1.mp4: encoded 1.2 GB → 504.0 MB (−58 %) in 0:32:10\n"
        "\n"
        "file                             outcome      before     after  change      time\n"
        "Film 2.mp4                       skipped      1.2 GB\n"
        "Film 1.mp4                       encoded      1.2 GB  504.0 MB   −58 %     32:10\n"
        "\n"
        "1 encoded, 1 skipped in 1:02:03\n"
        "1.2 GB → 504.0 MB (−58 %), 696.0 MB saved\n"
    )


def test_every_tenth_percent_is_a_line() -> None:
    text = printed(started(1), *(progress(1, percent / 4) for percent in range(401)))

    assert [line.split()[2] for line in text.splitlines()[1:]] == ["10", "20", "30", "40", "50", "60", "70", "80", "90"]


def test_second_attempt_begins_at_the_first_percent() -> None:
    text = printed(started(1), progress(1, 40.0), started(1, attempt="b"), progress(1, 10.0, attempt="b"))

    assert text.splitlines()[-1].startswith("Film 1.mp4 10 %")


def test_progress_of_unknown_length_says_nothing() -> None:
    assert printed(started(1, duration_s=None), progress(1, None)) == "encoding Film 1.mp4 with hevc (1.2 GB)\n"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (progress(1, 30.9, compression=-4.2), "F.mp4 30 % 3.1x 4 % larger, 0:12:10 left"),
        (progress(1, 30.0, speed=None, compression=None, eta_s=None), "F.mp4 30 %"),
    ],
    ids=["larger", "nothing known"],
)
def test_progress_line_says_what_is_known(event: Progress, line: str) -> None:
    assert progress_line("F.mp4", event) == line


def test_names_stay_on_one_line() -> None:
    odd = Path("/films/a\n[b]\udcff.mp4")

    lines = printed(started(1, media=odd), progress(1, 20.0), finished(1, media=odd)).splitlines()

    assert len(lines) == 3
    assert all(line.count("a\\n[b]\\xff.mp4") == 1 for line in lines)


def test_notices_are_lines() -> None:
    notices = [Notice(time=0.0, level=level, text=level) for level in ("info", "warning", "detail")]

    assert printed(*notices) == "info\nwarning\n"
    assert printed(*notices, verbose=True) == "info\nwarning\ndetail\n"


def test_a_job_of_a_cluster_from_start_to_end() -> None:
    text = printed(
        host_ready("nas"),
        host_unavailable("mac"),
        transfer(1, 0),
        transfer(1, GB),
        staged(1),
        started(1, host="nas", cluster=CLUSTER),
        progress(1, 31.4, host="nas"),
        ended(1),
        transfer(1, 0, direction=Direction.FETCH, total_bytes=504_000_000),
        transfer(1, 504_000_000, direction=Direction.FETCH, total_bytes=504_000_000),
        finished(1, host="nas", cluster=CLUSTER),
        host_ready("mac"),
    )

    assert text == (
        "host mac: connection refused (tried again in 0:01:00)\n"
        "nas: uploading Film 1.mp4 (1.0 GB)\n"
        "nas: encoding Film 1.mp4 with hevc (1.2 GB, 1:42:10)\n"
        "nas: Film 1.mp4 31 % 3.1x 62 % smaller, 0:12:10 left\n"
        "nas: fetching Film 1.mp4 (504.0 MB)\n"
        "nas: Film 1.mp4: encoded 1.2 GB → 504.0 MB (−58 %) in 0:32:10\n"
        "host mac is back\n"
    )


def test_slow_transfer_is_a_line_every_minute() -> None:
    text = printed(*(transfer(1, 1_000_000 * second, time=float(second)) for second in range(150)))

    assert text == (
        "nas: uploading Film 1.mp4 (1.0 GB)\n"
        "nas: uploading Film 1.mp4 (1.0 GB) 6 %, 11.2 MB/s, 0:01:05 left\n"
        "nas: uploading Film 1.mp4 (1.0 GB) 12 %, 11.2 MB/s, 0:01:05 left\n"
    )


def test_job_that_was_on_no_host_names_none() -> None:
    text = printed(host_ready("nas"), finished(1, Outcome.SKIPPED, reason="rule small", attempt=None, cluster=CLUSTER))

    assert text == "Film 1.mp4: skipped: rule small\n"
