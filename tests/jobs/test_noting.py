from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.queue_file import prune


@pytest.mark.parametrize("content", ["/films/a.mkv\n", "/films/a.mkv\n/films/b.mkv\n"], ids=["emptied", "rewritten"])
def test_file_written_aside_is_noted_for_as_long_as_it_may_be_there(tmp_path: Path, content: str) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_text(content)
    noted: list[Path] = []

    @contextmanager
    def noting(path: Path) -> Iterator[None]:
        assert not path.exists()
        yield
        assert not path.exists()
        noted.append(path)

    prune(queue_file, lambda entry: entry.path.name == "a.mkv", noting)

    assert [path.parent for path in noted] == [tmp_path]


def test_queue_file_without_a_line_to_go_writes_nothing_aside(tmp_path: Path) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_text("/films/a.mkv\n")
    noted: list[Path] = []

    @contextmanager
    def noting(path: Path) -> Iterator[None]:
        noted.append(path)
        yield

    prune(queue_file, lambda _: False, noting)

    assert noted == []


def test_journal_knows_a_noted_file_until_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / ".queue.txt.ptc-1234"
    with closing(Journal(tmp_path)) as journal:
        with journal.noting(path, "cafe"):
            assert journal.partials("cafe") == [path]
        journal.flush()

        assert journal.partials("cafe") == []


def test_journal_keeps_a_noted_file_that_an_error_may_have_left(tmp_path: Path) -> None:
    path = tmp_path / ".queue.txt.ptc-1234"
    with closing(Journal(tmp_path)) as journal:
        with pytest.raises(OSError, match="disk"), journal.noting(path, "cafe"):
            raise OSError("disk")
        journal.flush()

        assert journal.partials("cafe") == [path]
