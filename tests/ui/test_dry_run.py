import io
from pathlib import Path

import pytest

from pytranscoder.jobs.events import Event, Notice, Outcome
from pytranscoder.ui.dry_run import DryRun
from pytranscoder.ui.output import Output
from tests.ui.samples import CLUSTER, finished, host_ready, host_unavailable, planned, run_finished


def printed(*events: Event) -> str:
    stdout = io.StringIO()
    with DryRun(Output(stdout)) as screen:
        for event in events:
            screen.handle(event)
    return stdout.getvalue()


def test_plan_ends_with_the_command() -> None:
    plan = planned(rule="big", why="height is 2160", queue="cuda", notes=("stream 3 is dropped",))

    assert printed(plan) == (
        "/films/Film 1.mp4\n"
        "  rule     big: height is 2160\n"
        "  profile  hevc (queue cuda)\n"
        "  host     local\n"
        "  output   /films/Film.mkv\n"
        "  note     stream 3 is dropped\n"
        "ffmpeg -i '/films/Film 1.mp4' /films/Film.mkv\n"
        "\n"
    )


def test_profile_without_rule_or_queue_of_its_own_is_short() -> None:
    assert "  profile  hevc\n" in printed(planned())
    assert "rule" not in printed(planned())


def test_command_with_a_newline_in_a_name_is_one_line() -> None:
    text = printed(planned(media=Path("/films/a\nb"), argv=("ffmpeg", "-i", "/films/a\nb")))

    assert text.splitlines()[0] == "/films/a\\nb"
    assert text.splitlines()[-2] == "ffmpeg -i $'/films/a\\012b'"


def test_files_that_would_not_be_encoded_say_why() -> None:
    text = printed(
        finished(1, Outcome.SKIPPED, reason="rule done: vcodec is hevc"),
        finished(2, Outcome.FAILED, reason="no such file"),
    )

    assert text == (
        "/films/Film 1.mp4\n  skipped: rule done: vcodec is hevc\n\n/films/Film 2.mp4\n  failed: no such file\n\n"
    )


def test_last_line_counts() -> None:
    text = printed(planned(1), planned(2), run_finished(skipped=1, failed=3))

    assert text.splitlines()[-1] == "2 files would be encoded, 1 skipped, 3 failed"


def test_notices_are_lines() -> None:
    assert printed(Notice(time=0.0, level="warning", text="no configuration")) == "no configuration\n"


def test_check_of_a_host_says_what_it_found() -> None:
    assert printed(host_ready("nas", free_bytes=120_300_000_000)) == (
        "host nas\n"
        "  type     streaming\n"
        "  os       linux\n"
        "  ffmpeg   7.1 (/usr/bin/ffmpeg)\n"
        "  space    120.3 GB free in working_dir\n"
        "  slots    cuda 2, default 1\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("confinement", "told"),
    [("landlock, no network", "landlock, no network"), ("", "no, its arguments are examined only")],
)
def test_check_of_an_agent_says_whether_its_ffmpeg_is_confined(confinement: str, told: str) -> None:
    assert f"  confined {told}\n" in printed(host_ready("nas", host_type="agent", confinement=confinement))


def test_host_that_cannot_be_used_says_why_once() -> None:
    text = printed(host_unavailable("nas"), host_unavailable("nas"), run_finished(no_host=True))

    assert text == (
        "host nas\n  not usable: connection refused\n\n0 files would be encoded\nno usable host in cluster home\n"
    )


def test_plan_of_a_cluster_names_the_type_of_the_host() -> None:
    text = printed(host_ready("nas"), planned(host="nas", host_type="streaming", cluster=CLUSTER))

    assert "  host     nas (streaming)\n" in text


def test_local_mode_tells_of_no_check() -> None:
    assert not printed(host_ready("local", cluster=None))
