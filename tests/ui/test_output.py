import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytranscoder.ui.output import Output


def output_in(encoding: str) -> tuple[Output, io.BytesIO]:
    raw = io.BytesIO()
    return Output(io.TextIOWrapper(raw, encoding=encoding, newline="\n")), raw


def test_decorations_are_written_in_ascii_where_the_encoding_lacks_them() -> None:
    output, raw = output_in("ascii")

    output.line("✓ 1.2 GB → 0.5 GB (−58 %) · ━━╌╌ 1…2 ↑ ↓")

    assert raw.getvalue() == b"+ 1.2 GB > 0.5 GB (-58 %) | ##.. 1~2 ^ v\n"


def test_decorations_that_the_encoding_has_are_kept() -> None:
    output, raw = output_in("latin-1")

    output.line("1 · 2 → 3")

    assert raw.getvalue() == "1 · 2 > 3\n".encode("latin-1")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "é→\\n\\xff"), ("latin-1", "é\\u2192\\n\\xff"), ("ascii", "\\xe9\\u2192\\n\\xff")],
)
def test_names_are_shown_with_escapes(encoding: str, shown: str) -> None:
    output, _ = output_in(encoding)

    assert output.show(Path("é→\n\udcff")) == shown


def test_each_line_is_there_at_once() -> None:
    output, raw = output_in("utf-8")

    output.paragraph("one\ntwo")

    assert raw.getvalue() == b"one\ntwo\n"


def test_closed_stream_is_given_up_silently() -> None:
    stream = io.StringIO()
    output = Output(stream)
    stream.close()

    output.line("nobody reads this")

    assert not output.isatty()


PRINT_A_LOT = """
import sys
from pytranscoder.ui.output import Output
output = Output(sys.stdout)
for _ in range(3):
    output.line("x" * 100_000)
sys.exit(7)
"""


@pytest.fixture
def pipe_without_reader() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_closed_pipe_neither_raises_nor_changes_the_exit_status(pipe_without_reader: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINT_A_LOT], stdout=pipe_without_reader, stderr=subprocess.PIPE, check=False
    )

    assert (done.returncode, done.stderr) == (7, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_neither_raises_nor_changes_the_exit_status() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", PRINT_A_LOT], stdout=full, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (7, b"")
