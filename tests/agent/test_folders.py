"""Which names lie inside the folders of an agent, on a real file system with real links."""

import os
from pathlib import Path

import pytest

from pytranscoder.agent.folders import Folders, input_file, output_file
from pytranscoder.errors import ForbiddenError


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """A working directory with a film, a share to read, one to write, and a secret outside of them."""
    root = tmp_path.resolve()
    for name in ("work", "share", "inbox", "elsewhere"):
        (root / name).mkdir()
    (root / "work/film.mkv").touch()
    (root / "share/film.mkv").touch()
    (root / "elsewhere/secret").touch()
    return Folders(root / "work", (root / "share",), (root / "inbox",))


def test_relative_name_counts_from_the_working_directory(folders: Folders) -> None:
    assert folders.readable("film.mkv") == folders.working_dir / "film.mkv"


@pytest.mark.parametrize("name", ["../share/film.mkv", "../inbox/new.mkv", "new/../film.mkv", ".", "a:b.mkv", "-i"])
def test_name_inside_may_be_read(folders: Folders, name: str) -> None:
    assert folders.readable(name) == Path(os.path.realpath(folders.working_dir / name))  # independent


@pytest.mark.parametrize("name", ["new.mkv", "../inbox/new.mkv", "../inbox/deep/new.mkv"])
def test_name_inside_may_be_written_before_it_exists(folders: Folders, name: str) -> None:
    assert folders.writable(name).name == "new.mkv"


@pytest.mark.parametrize("name", ["../elsewhere/secret", "/etc/passwd", "..", "../workshop", "~/x/../../..", "/"])
def test_name_outside_may_neither_be_read_nor_written(folders: Folders, name: str) -> None:
    with pytest.raises(ForbiddenError, match=r"outside the folders of this agent; start it with --share"):
        folders.readable(name)
    with pytest.raises(ForbiddenError, match=r"outside the folders that this agent may write; .*--share-rw"):
        folders.writable(name)


def test_share_may_not_be_written(folders: Folders) -> None:
    with pytest.raises(ForbiddenError, match="may write"):
        folders.writable("../share/film.mkv")


@pytest.mark.parametrize("name", ["", "film.mkv\0.txt", "\ud800.mkv"], ids=["empty", "NUL", "lone surrogate"])
def test_word_that_is_no_name_is_refused(folders: Folders, name: str) -> None:
    with pytest.raises(ForbiddenError, match="give its path"):
        folders.readable(name)


def test_bytes_that_are_no_text_are_a_name(folders: Folders) -> None:
    name = os.fsdecode(b"caf\xe9.mkv")

    assert folders.readable(name) == folders.working_dir / name


def test_link_that_leads_outside_is_refused(folders: Folders) -> None:
    (folders.working_dir / "link").symlink_to("../elsewhere")

    for name in ("link/secret", "link/new", "link"):
        with pytest.raises(ForbiddenError, match="outside"):
            folders.readable(name)


def test_link_to_nothing_outside_is_refused(folders: Folders) -> None:
    (folders.working_dir / "link").symlink_to("../elsewhere/not there yet")

    with pytest.raises(ForbiddenError, match="outside"):
        folders.writable("link")


def test_link_that_leads_inside_is_followed(folders: Folders) -> None:
    (folders.working_dir / "link").symlink_to("../share")

    assert folders.readable("link/film.mkv") == folders.shares[0] / "film.mkv"


def test_links_in_a_circle_are_no_file(folders: Folders) -> None:
    (folders.working_dir / "link").symlink_to("link")

    with pytest.raises(ForbiddenError):
        input_file(folders, "link")
    with pytest.raises(ForbiddenError):
        output_file(folders, "link")


def test_share_that_is_named_by_a_link_is_the_folder_behind_it(folders: Folders) -> None:
    alias = folders.working_dir.parent / "alias"
    alias.symlink_to("share")

    assert Folders(folders.working_dir, (alias,)).readable(f"{alias}/film.mkv") == folders.shares[0] / "film.mkv"


def test_folder_that_is_replaced_by_a_link_leads_nowhere(folders: Folders) -> None:
    share = folders.shares[0]
    share.rename(share.with_name("moved"))
    share.symlink_to("elsewhere")

    for name in (f"{share}/secret", f"{share}"):
        with pytest.raises(ForbiddenError, match="outside"):
            folders.readable(name)


def test_folder_and_what_it_lies_in_stay_where_they_are(folders: Folders) -> None:
    for place in (*folders.roots, folders.working_dir.parent, Path("/")):
        with pytest.raises(ForbiddenError, match="which stays where it is"):
            folders.require_movable(place)

    folders.require_movable(folders.working_dir / "film.mkv")
    folders.require_movable(folders.working_dir / "missing.mkv")


@pytest.mark.parametrize("name", ["missing.mkv", ".", "fifo"])
def test_input_must_be_a_file(folders: Folders, name: str) -> None:
    os.mkfifo(folders.working_dir / "fifo")

    with pytest.raises(ForbiddenError, match="no file on this agent's machine; check the path"):
        input_file(folders, name)


@pytest.mark.parametrize("name", [".", "fifo"])
def test_output_that_exists_must_be_a_file(folders: Folders, name: str) -> None:
    os.mkfifo(folders.working_dir / "fifo")

    with pytest.raises(ForbiddenError, match="exists and is no file; give another name"):
        output_file(folders, name)


@pytest.mark.parametrize(
    "name", ["concat:film.mkv|film.mkv", "file:film.mkv", "tcp://h:1", "subfile,,start,0,,:film.mkv"]
)
def test_file_is_not_named_by_an_address(folders: Folders, name: str) -> None:
    for check in (input_file, output_file):
        with pytest.raises(ForbiddenError, match=r"an address; .* begin a name that has a colon with \./"):
            check(folders, name)


def test_colon_in_a_name_is_a_colon(folders: Folders) -> None:
    film = folders.working_dir / "Alien: Romulus.mkv"
    film.touch()

    assert input_file(folders, "./Alien: Romulus.mkv") == input_file(folders, str(film)) == film
