from pathlib import Path

import pytest

from pytranscoder.encode.remains import below, clean_dead_runs, run_directory
from pytranscoder.errors import HostError, LostError
from tests.encode.fake_files import FakeFiles, refusal


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("/work", "/work/a/b"),
        ("/work/", "/work/a/b"),
        ("/", "/a/b"),
        ("/w\\", "/w\\/a/b"),
        ("C:\\work", "C:\\work\\a\\b"),
        ("D:\\", "D:\\a\\b"),
        ("D:", "D:\\a\\b"),
    ],
)
def test_paths_are_spelled_as_the_host_does(directory: str, expected: str) -> None:
    assert below(directory, "a", "b") == expected


def test_run_has_a_directory_of_its_own() -> None:
    assert run_directory("/work", "cafe") == "/work/pytranscoder-cafe"


def work_with(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name / "1-1").mkdir(parents=True)
        (folder / name / "1-1" / "source.mkv").write_bytes(b"a film")
    return str(folder)


async def test_only_what_dead_runs_of_ours_left_is_removed(tmp_path: Path) -> None:
    work = work_with(
        tmp_path, "pytranscoder-dead", "pytranscoder-alive", "pytranscoder-", "dead", "pytranscoder-x/dead"
    )

    told = await clean_dead_runs(lambda run: run == "dead", FakeFiles(), work)

    assert told == [f"{work}/pytranscoder-dead: removed, left by an earlier run"]
    assert not (tmp_path / "pytranscoder-dead").exists()
    assert len(list(tmp_path.iterdir())) == 4


async def test_working_directory_that_is_not_there_has_no_remains(tmp_path: Path) -> None:
    assert await clean_dead_runs(lambda _: True, FakeFiles(), str(tmp_path / "none")) == []


async def test_directory_that_cannot_be_removed_is_told_of(tmp_path: Path) -> None:
    files = FakeFiles()
    files.on["remove_tree"] = refusal(HostError("nas", "permission denied"))

    (told,) = await clean_dead_runs(lambda _: True, files, work_with(tmp_path, "pytranscoder-dead"))

    assert told.endswith("left by an earlier run, cannot be removed: permission denied")


async def test_connection_that_breaks_meanwhile_is_for_the_caller(tmp_path: Path) -> None:
    files = FakeFiles()
    files.on["remove_tree"] = refusal(LostError("nas", "cable pulled"))

    with pytest.raises(LostError):
        await clean_dead_runs(lambda _: True, files, work_with(tmp_path, "pytranscoder-dead"))
