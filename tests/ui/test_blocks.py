from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pytranscoder.jobs.events import Direction, Event
from pytranscoder.ui.board import board_lines
from tests.ui.samples import (
    CLUSTER,
    GB,
    attempt_failed,
    ended,
    finished,
    host_ready,
    host_unavailable,
    media,
    progress,
    queued,
    ready,
    run_finished,
    staged,
    started,
    tally_of,
    transfer,
)


def on(host: str, job: int, percent: float, **values: float) -> list[Event]:
    """A host encodes a job and has told how far it is."""
    return [started(job, host=host, cluster=CLUSTER), progress(job, percent, host=host, time=10.0, **values)]


def fetch(job: int, done_bytes: int, host: str = "nas", **values: float) -> Event:
    return transfer(job, done_bytes, host=host, direction=Direction.FETCH, **values)


def lines_of(*events: Event, width: int = 80, height: int = 24, now: float = 10.0) -> list[str]:
    return [line.plain.rstrip() for line in board_lines(tally_of(*events), now, width, height)]


def rows_of(*events: Event, now: float = 10.0) -> list[str]:
    """What the rows of the hosts are about: the names, and a word for the stage."""
    lines = lines_of(*events, width=40, now=now)[:-1]
    return [" ".join(line.split()).replace(".mp4", "") for line in lines]


THREE_HOSTS = (
    *(queued(job, cluster=CLUSTER) for job in range(1, 49)),
    host_ready("nas"),
    host_unavailable("mac", "key does not match known_hosts; remove the old one with `ssh-keygen -R mac`"),
    host_ready("gamingpc"),
    *on("nas", 1, 30.4),
    *on("nas", 2, 99.9, speed=12.51, fps=312.0, compression=-4.0, eta_s=3.0),
    *(transfer(3, done, host="gamingpc", time=10.0) for done in (0, 450_000_000)),
    *on("gamingpc", 4, 61.0),
    transfer(5, 0, host="gamingpc"),
    staged(5, "gamingpc"),
    *on("gamingpc", 6, 99.0),
    ended(6),
    fetch(6, 120_000_000, "gamingpc", time=10.0),
    finished(7, host="nas", cluster=CLUSTER),
)


def test_three_hosts_at_80_columns() -> None:
    assert lines_of(*THREE_HOSTS, now=15.0) == [
        "gamingpc Film 4.mp4                   ━━━━━━━━╌╌╌╌╌╌  61 %  3.1x  −62 %    12:05",
        "         Film 3.mp4                   ━━━━━━╌╌╌╌╌╌╌╌  45 %  ↑ 11.2 MB/s     1:00",
        "         Film 5.mp4                   ━━━━━━━━━━━━━━                      staged",
        "         Film 6.mp4                   ━╌╌╌╌╌╌╌╌╌╌╌╌╌  12 %  ↓ 11.2 MB/s     1:00",
        "mac      key does not match known_hosts                            again in 0:45",
        "nas      Film 1.mp4                   ━━━━╌╌╌╌╌╌╌╌╌╌  30 %  3.1x  −62 %    12:05",
        "         Film 2.mp4                   ━━━━━━━━━━━━━╌  99 % 12.5x   +4 %     0:00",
        "1 of 48 done, 3 encoding, 2 in transfer · 1.2 GB → 504.0 MB (−58 %)",
    ]


def test_three_hosts_at_40_columns() -> None:
    assert lines_of(*THREE_HOSTS, now=15.0, width=40) == [
        "gamingpc Film 4.mp4        61 %    12:05",
        "         Film 3.mp4        45 %     1:00",
        "         Film 5.mp4               staged",
        "         Film 6.mp4        12 %     1:00",
        "mac      key does not ma…  again in 0:45",
        "nas      Film 1.mp4        30 %    12:05",
        "         Film 2.mp4        99 %     0:00",
        "1 of 48 done, 3 encoding, 2 in transfer",
        "1.2 GB → 504.0 MB (−58 %)",
    ]


FIVE_TIMES_EIGHT = [
    event for host in range(1, 6) for slot in range(8) for event in on(f"h{host}", 10 * host + slot, 10.0 * slot + 5)
]


def test_forty_encodes_fold_into_a_line_a_host_from_the_last_one_up() -> None:
    lines = lines_of(*FIVE_TIMES_EIGHT, height=23)

    assert [line.split()[0] for line in lines if line[0] == "h"] == ["h1", "h2", "h3", "h4", "h5"]
    assert lines[16:19] == [
        "h3 8 encoding                 ━━━━━╌╌╌╌╌╌╌╌  40 % 25.1x  594 fps           12:10",
        "h4 8 encoding                 ━━━━━╌╌╌╌╌╌╌╌  40 % 25.1x  594 fps           12:10",
        "h5 8 encoding                 ━━━━━╌╌╌╌╌╌╌╌  40 % 25.1x  594 fps           12:10",
    ]


@pytest.mark.parametrize(("height", "folded"), [(41, 0), (40, 1), (34, 1), (33, 2), (6, 5)])
def test_no_more_hosts_are_folded_than_needed(height: int, folded: int) -> None:
    lines = lines_of(*FIVE_TIMES_EIGHT, height=height)

    assert sum("8 encoding" in line for line in lines[:-1]) == folded
    assert len(lines) == 41 - 7 * folded


def test_more_hosts_than_lines_are_counted() -> None:
    assert lines_of(*FIVE_TIMES_EIGHT, height=4)[1:3] == [
        "h2 8 encoding                 ━━━━━╌╌╌╌╌╌╌╌  40 % 25.1x  594 fps           12:10",
        "+ 3 more hosts: 24 encoding",
    ]


PIPELINE = (
    *on("nas", 1, 50.0),
    *(transfer(2, done) for done in (0, 400_000_000)),
    *(transfer(3, done, bytes_per_s=1_000_000.0, eta_s=200.0) for done in (0, 200_000_000)),
    transfer(4, 0),
    staged(4),
)


def test_transfers_fold_before_encodes_do() -> None:
    assert lines_of(*PIPELINE, height=3, now=0.0)[:2] == [
        "nas Film 1.mp4                ━━━━━━╌╌╌╌╌╌╌  50 %  3.1x   74 fps  −62 %    12:10",
        "    1 staged, ↑ 2             ━━━╌╌╌╌╌╌╌╌╌╌  30 %           ↑ 12.2 MB/s     3:20",
    ]


def test_host_in_one_line_says_what_else_it_has() -> None:
    assert lines_of(*PIPELINE, height=2, now=0.0)[0].startswith("nas 1 encoding, 1 staged, ↑ 2 ━━━━━━╌")


def test_idle_hosts_have_a_line_while_there_is_room() -> None:
    events = [host_ready("a"), host_ready("b"), *on("c", 1, 5.0), *on("c", 2, 5.0), host_ready("d")]

    assert [line.split()[:2] for line in lines_of(*events, height=6)[:2]] == [["a", "idle"], ["b", "idle"]]
    assert lines_of(*events, height=5)[2:4] == ["+ 3 hosts idle", "0 of 0 done, 2 encoding"]


def test_encode_keeps_its_row_when_its_neighbour_is_replaced() -> None:
    before = [started(job, host="nas", cluster=CLUSTER) for job in (1, 2)]

    assert rows_of(*before) == ["nas Film 1 starting", "Film 2 starting"]
    assert rows_of(*before, ended(1)) == ["nas Film 1 checking", "Film 2 starting"]
    assert rows_of(*before, ended(1), started(3, host="nas", cluster=CLUSTER), now=1.0) == [
        "nas Film 3 starting",
        "Film 2 starting",
    ]


def test_check_that_takes_long_has_a_row_below_the_encodes() -> None:
    events = [started(1, host="nas", cluster=CLUSTER), ended(1), started(2, host="nas", cluster=CLUSTER)]

    assert rows_of(*events, now=1.9) == ["nas Film 2 starting"]
    assert rows_of(*events, now=2.0) == ["nas Film 2 starting", "Film 1 checking"]


def test_job_goes_from_upload_to_check_on_a_host_that_is_copied_to() -> None:
    fetched = [fetch(1, done, time=10.0) for done in (0, GB)]
    way = [transfer(1, 0, time=10.0), staged(1), *on("nas", 1, 40.0), ended(1), *fetched]

    assert [rows_of(*way[:end])[-1] for end in (1, 2, 4, 5, 6, 7)] == [
        "nas Film 1 0 % ↑",
        "nas Film 1 staged",
        "nas Film 1 40 % 3.1x 12:10",
        "nas Film 1 checking",
        "nas Film 1 0 % ↓",
        "nas Film 1 checking",
    ]


def test_copy_of_which_nothing_is_heard_promises_nothing() -> None:
    way = [transfer(1, 0), transfer(1, 450_000_000)]

    assert [rows_of(*way, now=now)[-1] for now in (9.0, 26.0)] == ["nas Film 1 45 % ↑ 0:56", "nas Film 1 ↑ silent 0:26"]


@pytest.mark.parametrize(
    "late",
    [transfer(1, 500), fetch(1, 0), transfer(2, 0, attempt="older"), staged(3)],
    ids=["upload of an attempt that is over", "fetch", "of an older attempt", "staged"],
)
def test_late_news_of_a_transfer_makes_no_row(late: Event) -> None:
    assert rows_of(host_ready("nas"), started(2, host="nas", cluster=CLUSTER), late) == ["nas Film 2 starting"]


def test_attempt_that_failed_leaves_the_host_idle() -> None:
    assert rows_of(transfer(1, 0), attempt_failed(1, cluster=CLUSTER)) == ["nas idle"]


@pytest.mark.parametrize(
    ("values", "now", "line"),
    [
        ({}, 18.0, "nas connection refused                                             again in 0:42"),
        ({}, 61.0, "nas connection refused                                              trying again"),
        ({"retry_in_s": None}, 0.0, "nas connection refused"),
        (
            {"reason": "no ffmpeg at /opt/ffmpeg; correct `ffmpeg` in the configuration", "retry_in_s": None},
            0.0,
            "nas no ffmpeg at /opt/ffmpeg; correct `ffmpeg` in the configuration",
        ),
        (
            {"reason": "no ffmpeg at /opt/ffmpeg; correct `ffmpeg` in the configuration file"},
            0.0,
            "nas no ffmpeg at /opt/ffmpeg                                       again in 1:00",
        ),
        (
            {"reason": "x" * 90, "retry_in_s": None},
            0.0,
            "nas " + "x" * 75 + "…",
        ),
    ],
    ids=["again", "now", "never", "remedy", "no room for the remedy", "no room for the reason"],
)
def test_host_that_is_down_says_why_in_one_line(values: dict[str, Any], now: float, line: str) -> None:
    assert lines_of(host_unavailable("nas", **values), now=now)[0] == line


def test_row_of_a_job_that_outlives_its_host_is_below_the_reason() -> None:
    events = [*on("nas", 1, 99.0), ended(1), host_unavailable("nas", "connection lost", retry_in_s=None)]

    assert rows_of(*events) == ["nas connection lost", "Film 1 checking"]


def test_two_clusters_with_the_same_host_show_both_names() -> None:
    events = [started(1, host="nas", cluster="home"), started(2, host="nas", cluster="work"), host_ready("mac")]

    assert [line.split()[0] for line in lines_of(*events)[:-1]] == ["mac", "home/nas", "work/nas"]


def test_end_of_the_run_changes_no_row() -> None:
    assert lines_of(*THREE_HOSTS) == lines_of(*THREE_HOSTS, run_finished(encoded=1))


NAMES = ["nas", "workstation-upstairs", "東京", "pc10"]
jobs = st.integers(1, 12)
names = st.sampled_from(NAMES)
clusters = st.sampled_from([None, "home", "work"])
counts = st.integers(0, GB)


def some_events() -> st.SearchStrategy[list[Event]]:
    times = st.floats(0, 100)
    host_events = [
        st.builds(host_ready, names, cluster=clusters),
        st.builds(host_unavailable, names, st.text(max_size=90), cluster=clusters, time=times),
    ]
    job_events = [
        st.builds(queued, jobs, cluster=clusters),
        st.builds(ready, jobs, cluster=clusters),
        st.builds(transfer, jobs, counts, host=names, cluster=clusters, direction=st.sampled_from(Direction)),
        st.builds(transfer, jobs, st.just(0), host=names, cluster=clusters, media=st.just(media(1) / ("長い" * 40))),
        st.builds(staged, jobs),
        st.builds(started, jobs, host=names, cluster=clusters, media=st.builds(media, counts), time=times),
        st.builds(progress, jobs, st.none() | st.floats(0, 100), time=times),
        st.builds(ended, jobs, time=times),
        st.builds(attempt_failed, jobs, host=names, cluster=clusters),
        st.builds(finished, jobs, host=names, cluster=clusters),
    ]
    return st.lists(st.one_of(*host_events, *job_events), max_size=60)


@settings(deadline=None)
@given(some_events(), st.integers(1, 130), st.integers(1, 30), st.floats(0, 200))
def test_board_is_never_larger_than_the_terminal(events: list[Event], width: int, height: int, now: float) -> None:
    lines = [line.plain for line in board_lines(tally_of(*events), now, width, height)]

    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert not any("\n" in line for line in lines)
