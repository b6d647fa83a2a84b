"""What paths on a command line stand for."""

import os
import shutil
from pathlib import Path

import pytest

from pytranscoder.errors import UsageError
from pytranscoder.jobs.sources import Request, Selection, expand, media_files

SELECTION = Selection(profile="hevc", mixins=("stereo",))


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in media_files(folder)]


def test_a_file_stands_for_itself_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, ".odd name")

    assert found(tmp_path / ".odd name") == ["."]


@pytest.mark.parametrize("name", ["gone.mkv", "x" * 300 + ".mkv", "file.mkv/below"])
def test_a_path_that_is_not_there_is_found_all_the_same(tmp_path: Path, name: str) -> None:
    make(tmp_path, "file.mkv")

    assert list(media_files(tmp_path / name)) == [tmp_path / name]


def test_a_directory_stands_for_its_media_files_sorted_and_recursively(tmp_path: Path) -> None:
    make(tmp_path, "b.mkv", "a.MP4", "z/2.avi", "z/1.ts", "c/deep/x.webm")

    assert found(tmp_path) == ["a.MP4", "b.mkv", "c/deep/x.webm", "z/1.ts", "z/2.avi"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(".hidden.mkv", id="hidden"),
        pytest.param(".film.ptc-ab12-1-1.mkv", id="partial"),
        pytest.param(".trash/a.mkv", id="in a hidden directory"),
        pytest.param("cover.jpg", id="no media"),
        pytest.param("film.mkv.tmp", id="left by -k"),
        pytest.param("mkv", id="no extension"),
    ],
)
def test_what_is_left_out_of_a_directory(tmp_path: Path, name: str) -> None:
    make(tmp_path, name, "film.mkv")

    assert found(tmp_path) == ["film.mkv"]


def test_a_file_name_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    make(tmp_path, os.fsdecode(b"\xff.mkv"))

    assert found(tmp_path) == ["\udcff.mkv"]


def test_links_to_directories_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "a/film.mkv")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)

    assert found(tmp_path) == ["a/film.mkv"]


def test_paths_are_absolute_and_normal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert list(media_files(Path("a/../-b.mkv"))) == [tmp_path / "-b.mkv"]


def test_a_link_keeps_its_own_name(tmp_path: Path) -> None:
    make(tmp_path, "real.mkv")
    (tmp_path / "link.mkv").symlink_to("real.mkv")

    assert list(media_files(tmp_path / "link.mkv")) == [tmp_path / "link.mkv"]


def test_files_have_the_selection_of_their_request(tmp_path: Path) -> None:
    make(tmp_path, "a.mkv", "b.mkv")

    sources = list(expand(Request(tmp_path, SELECTION)))

    assert [source.selection for source in sources] == [SELECTION, SELECTION]
    assert [source.queue_file for source in sources] == [None, None]


def test_a_list_stands_for_its_entries_in_order(tmp_path: Path) -> None:
    make(tmp_path, "folder/2.mkv", "folder/1.mkv")
    queue_file = tmp_path / "queue.txt"
    queue_file.write_text(f"/z.mkv\n# no\n{tmp_path / 'folder'}\n/a.mkv\n")

    sources = list(expand(Request(queue_file, SELECTION, is_list=True)))

    folder = tmp_path / "folder"
    assert [source.path for source in sources] == [Path("/z.mkv"), folder / "1.mkv", folder / "2.mkv", Path("/a.mkv")]


def test_files_of_a_list_know_their_line(tmp_path: Path) -> None:
    queue_file = tmp_path / "queue.txt"
    queue_file.write_bytes(b"/a.mkv\r\n")

    (source,) = expand(Request(queue_file, SELECTION, is_list=True))

    assert source.queue_file == queue_file
    assert source.entry is not None
    assert source.entry.line == b"/a.mkv\r\n"


def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the list .*gone\.txt: No such file or directory"):
        list(expand(Request(tmp_path / "gone.txt", SELECTION, is_list=True)))


def test_directory_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "film.mkv").touch()
    files = media_files(tmp_path)
    first = next(files)
    shutil.rmtree(tmp_path / "b")
    assert [first, *files] == [tmp_path / "a" / "film.mkv", tmp_path / "b"]
