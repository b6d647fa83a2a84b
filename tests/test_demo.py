"""The demo to its end: real agents, real encodes, and nothing left of them."""

import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytranscoder.arguments import Arguments
from pytranscoder.cli import carry_out
from pytranscoder.demo import AGENTS, Clip, run_demo
from pytranscoder.errors import HostError
from pytranscoder.runner import Order

CLIPS = [Clip(name, "testsrc2=size=64x48:rate=25", seconds) for name, seconds in (("a", 2), ("b", 1), ("c", 3))]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    yield tmp_path
    assert list((tmp_path / "temporary").iterdir()) == []
    assert threading.active_count() <= 2  # beside ours, that of the test runner


def test_demo_shows_a_cluster_at_work(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    status = run_demo(home / "demo", lambda order: carry_out(order, Arguments(json=True), None), said.append, CLIPS)

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ready = {event["host"] for event in events if event["event"] == "host_ready"}
    ends = [event for event in events if event["event"] == "job_finished"]
    assert (status, ready) == (0, {"this-machine", *AGENTS})
    assert [event["outcome"] for event in ends] == ["encoded"] * 3
    assert len({event["host"] for event in ends}) > 1
    assert sorted(path.name for path in (home / "demo").iterdir()) == ["a.mkv", "b.mkv", "c.mkv"]
    assert said[-1].endswith("are HEVC in mkv now; their sources were replaced")


def test_demo_that_is_broken_off_leaves_no_agent(home: Path) -> None:
    def break_off(_: Order) -> int:
        raise HostError("this-machine", "is broken")

    with pytest.raises(HostError, match="is broken"):
        run_demo(home / "demo", break_off, lambda _: None, CLIPS[:1])
