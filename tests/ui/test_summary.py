from pathlib import Path

import pytest
from rich.cells import cell_len

from pytranscoder.jobs.events import JobFinished, Outcome
from pytranscoder.ui.hosts import Hosts
from pytranscoder.ui.summary import FILES_LISTED, summary_lines
from tests.ui.samples import CLUSTER, attempt_failed, finished, host_ready, host_unavailable, run_finished, tally_of

JOBS = [
    finished(1),
    finished(2, Outcome.SKIPPED, attempt=None),
    finished(3, Outcome.REJECTED, output_bytes=1_100_000_000),
    finished(4, Outcome.FAILED, reason="ffmpeg exited with status 1", media=Path("/films/東京\n.mkv")),
]
COUNTS = {"encoded": 1, "skipped": 1, "rejected": 1, "failed": 1}
SIZES = {"source_bytes": 1_200_000_000, "output_bytes": 504_000_000}


def test_table_at_80_columns() -> None:
    assert summary_lines(run_finished(**COUNTS, **SIZES), JOBS) == [
        "file                             outcome      before     after  change      time",
        "Film 1.mp4                       encoded      1.2 GB  504.0 MB   −58 %     32:10",
        "Film 2.mp4                       skipped      1.2 GB",
        "Film 3.mp4                       rejected     1.2 GB                       32:10",
        "東京\\n.mkv                       failed       1.2 GB                       32:10",
        "",
        "1 encoded, 1 skipped, 1 rejected, 1 failed in 1:02:03",
        "1.2 GB → 504.0 MB (−58 %), 696.0 MB saved",
        "",
        "failed:",
        "  /films/東京\\n.mkv: ffmpeg exited with status 1",
    ]


def test_table_at_40_columns() -> None:
    lines = summary_lines(run_finished(encoded=1, **SIZES), JOBS[:1], 40)

    assert lines[:2] == [
        "file         outcome    change      time",
        "Film 1.mp4   encoded     −58 %     32:10",
    ]
    assert lines[-2:] == ["1.2 GB → 504.0 MB (−58 %), 696.0 MB", "saved"]


@pytest.mark.parametrize("width", [40, 63, 64, 80, 120])
def test_table_fits_the_width(width: int) -> None:
    jobs = [finished(job, media=Path(f"/films/{'長い' * 40}.mkv")) for job in range(3)]

    lines = summary_lines(run_finished(encoded=3), jobs, width)

    assert {cell_len(line) for line in lines[:4]} == {width}


def test_many_files_are_totals_and_failures_only() -> None:
    jobs = [*(finished(job) for job in range(FILES_LISTED)), finished(99, Outcome.FAILED, reason="truncated")]

    lines = summary_lines(run_finished(encoded=FILES_LISTED, failed=1, **SIZES), jobs)

    assert lines[0] == "50 encoded, 1 failed in 1:02:03"
    assert lines[-2:] == ["failed:", "  /films/Film 99.mp4: truncated"]


def test_very_many_failures_are_counted() -> None:
    jobs = [finished(job, Outcome.FAILED, reason="gone") for job in range(1000)]

    assert summary_lines(run_finished(failed=1000), jobs)[-1] == "  and 950 more, see above"


def test_notes_are_shown() -> None:
    jobs = [finished(1, notes=("other hard links keep the old data",))]

    lines = summary_lines(run_finished(encoded=1, **SIZES), jobs)

    assert lines[-2:] == ["notes:", "  /films/Film 1.mp4: other hard links keep the old data"]


def test_growth_is_not_called_a_saving() -> None:
    run = run_finished(encoded=1, source_bytes=1000, output_bytes=1500)

    assert "1.0 kB → 1.5 kB (+50 %), 500 B more than before" in summary_lines(run, JOBS)


@pytest.mark.parametrize(
    ("cancelled", "text"),
    [(0, "interrupted: all that was begun is done"), (1, "interrupted: 1 file not done")],
)
def test_interrupted_run_says_what_was_not_done(cancelled: int, text: str) -> None:
    run = run_finished(encoded=1, cancelled=cancelled, interrupted=True)

    assert summary_lines(run, JOBS)[-1] == text


@pytest.mark.parametrize(("interrupted", "text"), [(False, "nothing to do"), (True, "interrupted: nothing was done")])
def test_run_without_files_says_so(interrupted: bool, text: str) -> None:
    assert summary_lines(run_finished(interrupted=interrupted), []) == [text]


ON_HOSTS = [
    *(finished(job, host="nas", cluster=CLUSTER) for job in (1, 2, 3)),
    finished(4, host="gamingpc", cluster=CLUSTER),
    finished(5, Outcome.FAILED, host="nas", cluster=CLUSTER, reason="ffmpeg exited with status 1"),
]


def cluster_of(jobs: list[JobFinished]) -> Hosts:
    failed = attempt_failed(5, cluster=CLUSTER)
    return tally_of(host_ready("nas"), host_ready("gamingpc"), host_unavailable("mac"), failed, *jobs).hosts


def test_hosts_of_a_cluster_have_a_table() -> None:
    lines = summary_lines(run_finished(encoded=4, failed=1, **SIZES), ON_HOSTS, hosts=cluster_of(ON_HOSTS))

    assert lines[7:] == [
        "4 encoded, 1 failed in 1:02:03",
        "1.2 GB → 504.0 MB (−58 %), 696.0 MB saved",
        "",
        "host                               encoded    source   share      time  failures",
        "gamingpc                                 1    1.2 GB    25 %     32:10",
        "mac                                      0",
        "nas                                      3    3.6 GB    75 %   1:36:30         1",
        "",
        "failed:",
        "  /films/Film 5.mp4 on nas: ffmpeg exited with status 1",
        "",
        "not available at the end:",
        "  mac: connection refused",
    ]


def test_table_of_hosts_at_40_columns() -> None:
    lines = summary_lines(run_finished(), ON_HOSTS, 40, hosts=cluster_of(ON_HOSTS))

    assert lines[9:13] == [
        "host         encoded      time  failures",
        "gamingpc           1     32:10",
        "mac                0",
        "nas                3   1:36:30         1",
    ]


def test_cluster_without_usable_host_says_so() -> None:
    hosts = tally_of(host_unavailable("nas"), host_ready("pc", cluster="work")).hosts

    assert summary_lines(run_finished(no_host=True), [], hosts=hosts) == [
        "no usable host: nothing was done",
        "",
        "not available at the end:",
        "  nas: connection refused",
        "",
        "no usable host in cluster home",
    ]


def test_local_mode_has_no_table_of_hosts() -> None:
    local = tally_of(host_ready("local", cluster=None), *JOBS).hosts

    assert summary_lines(run_finished(**COUNTS), JOBS, hosts=local) == summary_lines(run_finished(**COUNTS), JOBS)
