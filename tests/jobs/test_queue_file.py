"""Queue files are read as people and programs write them, and pruned without touching anything else."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.jobs.queue_file import QueueEntry, parse_entries, prune, unquoted, without

LINES = st.binary(max_size=12).map(lambda line: line.replace(b"\n", b""))
CONTENT = st.lists(LINES, max_size=8).map(b"\n".join) | st.binary(max_size=60)
NAMES = st.binary(min_size=1, max_size=12).map(lambda name: os.fsdecode(name.replace(b"\0", b"x")))


def paths(content: bytes) -> list[str]:
    return [str(entry.path) for entry in parse_entries(content)]


def everything(_: QueueEntry) -> bool:
    return True


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b"/a\n/b", ["/a", "/b"], id="no newline at the end"),
        pytest.param(b"/a\r\n/b\r\n", ["/a", "/b"], id="CRLF"),
        pytest.param(b"\n   \n/a\n\n", ["/a"], id="blank lines"),
        pytest.param(b"# /a\n  # /b\n/c#1\n", ["/c#1"], id="comments"),
        pytest.param(b"/a b/c d.mkv\n", ["/a b/c d.mkv"], id="spaces"),
        pytest.param(b"/it's $(touch x) [glob]*\n", ["/it's $(touch x) [glob]*"], id="nothing is expanded"),
        pytest.param(b'"/a\\nb"\n"# c"\n', ["/a\nb", "# c"], id="JSON strings"),
        pytest.param(b'"/a\n"\n', ['"/a', '"'], id="no JSON string"),
        pytest.param(b'""\n', [], id="no name at all"),
        pytest.param(b'"/a\\u0000b"\n', ['"/a\\u0000b"'], id="a name that cannot be"),
        pytest.param(b'"\\ud800"\n', ['"\\ud800"'], id="a character that cannot be"),
        pytest.param(b"\xef\xbb\xbf/a\n/b\n", ["/a", "/b"], id="UTF-8 with a byte order mark"),
        pytest.param("/é 🎬\n".encode(), ["/é 🎬"], id="UTF-8"),
        pytest.param(b"/\xff\xfe\n", ["/\udcff\udcfe"], id="not UTF-8"),
        pytest.param(b"/a\nb\0# c\0", ["/a\nb", "# c"], id="NUL-separated"),
        pytest.param(b"/a\0\0# b\n", ["/a", "# b\n"], id="NUL-separated, one empty, no NUL at the end"),
    ],
)
def test_the_paths_of_a_queue_file(content: bytes, expected: list[str]) -> None:
    assert paths(content) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(r'"C:\temp\new.mkv"', r"C:\temp\new.mkv", id="copied from Explorer"),
        pytest.param(r'"\\nas\Films\a.mkv"', r"\\nas\Films\a.mkv", id="copied from Explorer, on a share"),
        pytest.param(r'"C:\\temp\\new.mkv"', r"C:\temp\new.mkv", id="JSON"),
        pytest.param(r'"\\\\nas\\a.mkv"', r"\\nas\a.mkv", id="JSON, on a share"),
        pytest.param('"C:/new.mkv"', "C:/new.mkv", id="both"),
    ],
)
def test_a_quoted_path_of_windows(text: str, expected: str) -> None:
    assert unquoted(text, "win32") == expected


@pytest.mark.parametrize(("before", "after"), [(b"/a\n/b\n", b"/b\n"), (b"/a\n", None)], ids=["some left", "none left"])
def test_a_file_that_cannot_be_renamed_while_open_is_pruned_too(
    tmp_path: Path, before: bytes, after: bytes | None
) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(before)

    prune(queue_file, lambda entry: entry.path == Path("/a"), renames_open_files=False)

    assert (queue_file.read_bytes() if queue_file.exists() else None) == after


@given(CONTENT)
def test_nothing_done_changes_nothing(content: bytes) -> None:
    assert without(content, lambda _: False) == content


@given(CONTENT)
def test_what_is_left_when_all_is_done_has_no_paths(content: bytes) -> None:
    assert paths(without(content, everything)) == []


@given(CONTENT, st.randoms(use_true_random=False))
def test_pruning_takes_the_done_entries_and_keeps_the_order_of_others(content: bytes, random: Random) -> None:
    done = {entry.line for entry in parse_entries(content) if random.random() < 0.5}

    after = without(content, lambda entry: entry.line in done)

    expected = [str(entry.path) for entry in parse_entries(content) if entry.line not in done]
    assert paths(after) == expected


@given(CONTENT)
def test_every_path_is_one_that_a_file_can_have(content: bytes) -> None:
    for entry in parse_entries(content):
        assert b"\0" not in os.fsencode(entry.path)


@given(st.lists(NAMES, max_size=6))
def test_names_written_as_json_are_read_back(names: list[str]) -> None:
    content = "".join(f"{json.dumps(name)}\n" for name in names).encode()

    assert [entry.path for entry in parse_entries(content)] == [Path(name) for name in names]


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_names_separated_by_nul_are_read_back(names: list[str]) -> None:
    content = b"".join(os.fsencode(name) + b"\0" for name in names)

    assert [entry.path for entry in parse_entries(content)] == [Path(name) for name in names]


def is_b(entry: QueueEntry) -> bool:
    return entry.path == Path("/b")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"# mine\n\n/a\n/b\n# end\n/c", b"# mine\n\n/a\n# end\n/c", id="comments and blank lines stay"),
        pytest.param(b"/a\r\n/b\r\n/\xff\r\n", b"/a\r\n/\xff\r\n", id="CRLF and foreign bytes stay"),
        pytest.param(b'"/a\\n"\n"/b"\n', b'"/a\\n"\n', id="JSON strings"),
        pytest.param(b"/a\n1\0/b\0/c\0", b"/a\n1\0/c\0", id="NUL-separated"),
        pytest.param(b"/b\0/a\n1", b"/a\n1\0", id="NUL-separated, one left without"),
        pytest.param(b"/b\n/a\n/b\n", b"/a\n", id="all lines of a path"),
        pytest.param(b"/a\n", b"/a\n", id="nothing to do"),
        pytest.param(b"/b\n# kept\n", b"# kept\n", id="a comment is worth a file"),
    ],
)
def test_pruning_a_file_leaves_all_else_as_it_is(tmp_path: Path, before: bytes, after: bytes) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(before)

    prune(queue_file, is_b)

    assert queue_file.read_bytes() == after
    assert list(tmp_path.iterdir()) == [queue_file]


@pytest.mark.parametrize("content", [b"/b\n", b"/b", b"\n/b\r\n  \n", b"/b\0/b\0"])
def test_an_emptied_file_is_removed(tmp_path: Path, content: bytes) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(content)

    prune(queue_file, is_b)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"/a\n/b\n", b"/a\n/new\n", id="to a file that stays"),
        pytest.param(b"/b\n", b"/new\n", id="to a file that is emptied"),
    ],
)
def test_lines_that_are_appended_meanwhile_are_kept(tmp_path: Path, before: bytes, after: bytes) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(before)

    def is_b_while_somebody_appends(entry: QueueEntry) -> bool:
        if is_b(entry):
            with queue_file.open("ab") as file:
                file.write(b"/new\n")
        return is_b(entry)

    prune(queue_file, is_b_while_somebody_appends)

    assert queue_file.read_bytes() == after


@pytest.mark.parametrize("before", [b"/a\n/b\n", b"/b\n"])
def test_lines_that_are_appended_meanwhile_are_kept_on_a_disk_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(before)
    flush = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: _fail() if stat.S_ISDIR(os.fstat(file).st_mode) else flush(file))

    @contextmanager
    def appending(_: Path) -> Iterator[None]:
        with queue_file.open("ab") as file:
            file.write(b"/new\n")
        yield

    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        prune(queue_file, is_b, appending)

    assert queue_file.read_bytes() == before.replace(b"/b\n", b"") + b"/new\n"


def _fail() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_the_mode_is_kept(tmp_path: Path) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(b"/a\n/b\n")
    queue_file.chmod(0o640)

    prune(queue_file, is_b)

    assert queue_file.stat().st_mode & 0o7777 == 0o640


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "queue.txt"
    target.write_bytes(b"/a\n/b\n")
    link = tmp_path / "link"
    link.symlink_to(target)

    prune(link, is_b)

    assert link.is_symlink()
    assert target.read_bytes() == b"/a\n"


def test_a_file_that_is_not_there_is_pruned_already(tmp_path: Path) -> None:
    prune(tmp_path / "gone.txt", everything)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        prune(tmp_path, everything)
