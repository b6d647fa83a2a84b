"""Every path of ours has one name on the host: the longest prefix of whole components is replaced, and nothing else."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.hosts.definition import PathSubstitution
from pytranscoder.hosts.mapping import PathMapping, is_windows_path

# Also what a file name of POSIX may contain and nobody likes: newlines, quotes, backslashes, bytes that are not UTF-8.
names = st.text(
    st.sampled_from(["a", "b", "A", " ", "'", "$", "\n", "\\", ":", "-", "é", "\udcff"]), min_size=1, max_size=4
)
folders = st.lists(names, max_size=4).map(lambda parts: PurePosixPath("/", *parts))
substitutions = st.builds(PathSubstitution, folders.map(str), st.sampled_from(["/mnt", "/", "/a b", "Z:", r"\\nas\m"]))


def mapping(*entries: tuple[str, str]) -> PathMapping:
    return PathMapping([PathSubstitution(*entry) for entry in entries])


@pytest.mark.parametrize(
    ("ours", "theirs", "path", "expected"),
    [
        pytest.param("/media", "/mnt/media", "/media/tv/a.mkv", "/mnt/media/tv/a.mkv", id="plain"),
        pytest.param("/media/", "/mnt/media/", "/media/tv/a.mkv", "/mnt/media/tv/a.mkv", id="trailing slashes"),
        pytest.param("/media//", "/mnt/media//", "/media/a.mkv", "/mnt/media/a.mkv", id="many trailing slashes"),
        pytest.param("/media", "/mnt", "/media", "/mnt", id="the prefix itself"),
        pytest.param("/media", "/mnt", "/media2/a.mkv", "/media2/a.mkv", id="whole components only"),
        pytest.param("/media", "/mnt", "/films/media/a.mkv", "/films/media/a.mkv", id="at the beginning only"),
        pytest.param("/media", "/mnt", "/Media/a.mkv", "/Media/a.mkv", id="case counts"),
        pytest.param("/", "/mnt", "/media/a.mkv", "/mnt/media/a.mkv", id="all of ours"),
        pytest.param("/media", "/", "/media/a.mkv", "/a.mkv", id="all of theirs"),
        pytest.param("/", "/", "/", "/", id="the top"),
        pytest.param("/my films", "/mnt/my films", "/my films/a.mkv", "/mnt/my films/a.mkv", id="spaces"),
        pytest.param("/media", "/mnt", "/media/\udcff\n.mkv", "/mnt/\udcff\n.mkv", id="not UTF-8"),
        pytest.param("/media", "Z:", "/media/tv/a.mkv", r"Z:\tv\a.mkv", id="drive"),
        pytest.param("/media", "Z:\\", "/media/tv/a.mkv", r"Z:\tv\a.mkv", id="drive with backslash"),
        pytest.param("/media", "Z:", "/media", "Z:\\", id="the drive itself"),
        pytest.param("/media", r"c:\media", "/media/tv/a.mkv", r"c:\media\tv\a.mkv", id="folder of Windows"),
        pytest.param("/media", "c:/media/", "/media/tv/a.mkv", r"c:\media\tv\a.mkv", id="Windows with slashes"),
        pytest.param("/media", r"\\nas\media", "/media/tv/a.mkv", r"\\nas\media\tv\a.mkv", id="UNC"),
        pytest.param("/media", "\\\\nas\\media\\", "/media/a.mkv", r"\\nas\media\a.mkv", id="UNC with backslash"),
        pytest.param("/media", r"\\nas\media", "/media", "\\\\nas\\media\\", id="the share itself"),
        pytest.param("/media", "Z:", "/media/C:a.mkv", r"Z:\C:a.mkv", id="no other drive by a name of ours"),
    ],
)
def test_prefix_is_replaced(ours: str, theirs: str, path: str, expected: str) -> None:
    assert mapping((ours, theirs)).theirs(PurePosixPath(path)) == expected


def test_path_that_nothing_covers_is_used_as_it_is() -> None:
    empty = PathMapping([])

    assert (empty.theirs(PurePosixPath("/media/a.mkv")), empty.covering(PurePosixPath("/media"))) == (
        "/media/a.mkv",
        None,
    )


def test_covering_names_the_entry_as_it_was_written() -> None:
    home = mapping(("/media/", "Z:"), ("/media/tv/", "/mnt/tv"))

    assert home.covering(PurePosixPath("/media/tv/a.mkv")) == PathSubstitution("/media/tv/", "/mnt/tv")


def test_first_of_two_entries_for_one_prefix_counts() -> None:
    assert mapping(("/media", "/a"), ("/media/", "/b")).theirs(PurePosixPath("/media/x")) == "/a/x"


@pytest.mark.parametrize(("text", "expected"), [("z:", True), (r"\\nas\x", True), ("//nas/x", False), ("/c:", False)])
def test_path_of_windows_is_recognised(text: str, *, expected: bool) -> None:
    assert is_windows_path(text) is expected


@given(folders, folders, st.sampled_from(["/mnt", "/a b/c"]))
def test_only_the_prefix_is_replaced(ours: PurePosixPath, rest: PurePosixPath, theirs: str) -> None:
    inner = rest.relative_to("/")

    assert mapping((str(ours), theirs)).theirs(ours / inner) == str(PurePosixPath(theirs) / inner)


@given(folders, names)
def test_longer_name_is_not_covered(ours: PurePosixPath, more: str) -> None:
    beside = PurePosixPath(f"{ours}{more}") if ours.name else PurePosixPath("..")

    assert mapping((str(ours), "/mnt")).covering(beside) is None


@given(st.lists(substitutions, max_size=4), folders)
def test_no_entry_with_a_longer_prefix_is_passed_over(entries: Sequence[PathSubstitution], path: PurePosixPath) -> None:
    chosen = PathMapping(entries).covering(path)
    lengths = [len(PurePosixPath(each.ours).parts) for each in entries if path.is_relative_to(each.ours)]

    assert max(lengths, default=0) == (len(PurePosixPath(chosen.ours).parts) if chosen else 0)


@given(st.lists(substitutions, max_size=4, unique_by=lambda each: each.ours), folders)
def test_order_of_the_entries_does_not_matter(entries: Sequence[PathSubstitution], path: PurePosixPath) -> None:
    assert PathMapping(entries).theirs(path) == PathMapping(entries[::-1]).theirs(path)
