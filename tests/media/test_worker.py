import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clips import Clips


class Worker:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        assert process.stdout
        self.process, self.stdin, self.stdout = process, process.stdin, process.stdout

    def ask(self, do: str, path: Path) -> dict[str, Any]:
        self.stdin.write(json.dumps({"do": do, "path": os.fspath(path)}) + "\n")
        self.stdin.flush()
        answer: dict[str, Any] = json.loads(self.stdout.readline())
        return answer


@pytest.fixture
def worker() -> Iterator[Worker]:
    command = [sys.executable, "-m", "pytranscoder.media.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Worker(process)
        process.kill()


def test_requests_are_answered_one_by_one(worker: Worker, clips: Clips) -> None:
    assert worker.ask("probe", clips.plain())["media"]["container"] == "matroska,webm"
    assert worker.ask("examine", clips.plain())["ends"]["complete"] is True


def test_unreadable_file_is_answered_with_the_reason(worker: Worker, tmp_path: Path) -> None:
    assert worker.ask("probe", tmp_path) == {"error": "is a directory, not a file"}


def test_interrupt_is_ignored(worker: Worker, clips: Clips) -> None:
    worker.ask("probe", clips.plain())
    worker.process.send_signal(signal.SIGINT)
    assert "media" in worker.ask("probe", clips.plain())


def test_end_of_input_ends_it(worker: Worker) -> None:
    worker.stdin.close()
    assert worker.process.wait(timeout=20) == 0
