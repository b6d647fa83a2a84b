"""Lines leave their queue files when all jobs that they stand for are settled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytranscoder.jobs.pruner import INTERVAL_S, QueuePruner
from pytranscoder.jobs.queue_file import parse_entries
from pytranscoder.jobs.sources import Selection, Source, media_files

ALL = Selection()


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Listing:
    """A queue file and the jobs of its lines, numbered by path from 1."""

    file: Path
    pruner: QueuePruner
    clock: Clock
    numbers: dict[Path, int] = field(default_factory=dict)

    def write(self, *lines: str) -> None:
        self.file.write_text("".join(f"{line}\n" for line in lines))

    def expect_all(self) -> None:
        for entry in parse_entries(self.file.read_bytes()):
            for path in media_files(entry.path):
                number = self.numbers.setdefault(path, len(self.numbers) + 1)
                self.pruner.expect(number, Source(path, ALL, self.file, entry))

    def settle(self, path: Path | str, *, settled: bool = True, at_once: bool = True) -> None:
        self.pruner.settle(self.numbers[Path(path)], settled=settled, at_once=at_once)

    @property
    def left(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    clock = Clock()
    return Listing(tmp_path / "queue.txt", QueuePruner(clock), clock)


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """A folder with two films."""
    folder = tmp_path / "season"
    folder.mkdir()
    for name in ("1.mkv", "2.mkv"):
        (folder / name).touch()
    return folder


def test_a_settled_job_takes_its_line(listing: Listing) -> None:
    listing.write("/a", "/b")
    listing.expect_all()

    listing.settle("/a")

    assert listing.left == ["/b"]


def test_a_job_that_failed_keeps_its_line(listing: Listing) -> None:
    listing.write("/a", "/b")
    listing.expect_all()

    listing.settle("/a", settled=False)
    listing.settle("/b")

    assert listing.left == ["/a"]


def test_a_path_that_is_listed_twice_takes_both_lines(listing: Listing) -> None:
    listing.write("/a", '"/a"', "/b", "/a")
    listing.expect_all()

    listing.settle("/a")

    assert listing.left == ["/b"]


def test_a_line_that_is_found_after_its_job_ended_goes_as_well(listing: Listing) -> None:
    listing.write("/a", "/b")
    listing.expect_all()
    listing.settle("/a")
    listing.write("/b", "/./a")
    listing.expect_all()

    listing.pruner.flush()

    assert listing.left == ["/b"]


def test_a_folder_stays_until_all_its_jobs_are_settled(listing: Listing, season: Path) -> None:
    listing.write(str(season), "/b")
    listing.expect_all()
    listing.pruner.complete()

    listing.settle(season / "1.mkv")
    assert listing.left == [str(season), "/b"]
    listing.settle(season / "2.mkv")
    assert listing.left == ["/b"]


def test_a_folder_with_a_failed_job_stays(listing: Listing, season: Path) -> None:
    listing.write(str(season))
    listing.expect_all()
    listing.pruner.complete()

    listing.settle(season / "1.mkv", settled=False)
    listing.settle(season / "2.mkv")

    assert listing.left == [str(season)]


def test_a_folder_stays_while_more_of_its_files_may_be_found(listing: Listing, season: Path) -> None:
    listing.write(str(season))
    listing.expect_all()
    for name in ("1.mkv", "2.mkv"):
        listing.settle(season / name)
    assert listing.left == [str(season)]

    listing.pruner.complete()
    listing.pruner.flush()

    assert listing.left == []


def test_lines_go_together_at_most_once_an_interval(listing: Listing) -> None:
    listing.write("/a", "/b", "/c")
    listing.expect_all()

    listing.settle("/a", at_once=False)
    assert listing.left == ["/a", "/b", "/c"]
    listing.clock.now += INTERVAL_S
    listing.settle("/b", at_once=False)
    assert listing.left == ["/c"]


def test_what_waits_for_the_interval_is_written_by_a_flush(listing: Listing) -> None:
    listing.write("/a", "/b")
    listing.expect_all()
    listing.settle("/a", at_once=False)

    listing.pruner.flush()

    assert listing.left == ["/b"]


def test_a_path_that_is_queued_again_later_stays(listing: Listing) -> None:
    listing.write("/a", "/b")
    listing.expect_all()
    listing.settle("/a")
    listing.write("/b", "/a")

    listing.settle("/b")

    assert listing.left == ["/a"]


def test_crlf_lines_and_a_last_line_without_newline_go(listing: Listing) -> None:
    listing.file.write_bytes(b"/a\r\n/b\r\n/c")
    listing.expect_all()

    listing.settle("/a")
    listing.settle("/c")

    assert listing.file.read_bytes() == b"/b\r\n"


def become_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [Path.unlink, become_a_folder])
def test_a_list_that_cannot_be_written_is_only_read(listing: Listing, spoil: Callable[[Path], None]) -> None:
    listing.write("/a")
    listing.expect_all()
    spoil(listing.file)

    listing.settle("/a")

    assert not listing.file.is_file()


def test_a_file_that_was_named_on_the_command_line_has_no_line(listing: Listing) -> None:
    listing.write("/a")
    listing.pruner.expect(1, Source(Path("/a"), ALL))

    listing.pruner.settle(1, settled=True, at_once=True)

    assert listing.left == ["/a"]
