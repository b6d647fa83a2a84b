"""Names of other machines on Windows."""

from pathlib import Path

import pytest

from pytranscoder.agent.unc import require_ours
from pytranscoder.errors import ForbiddenError

ROOTS = (Path("C:\\work"), Path("\\\\nas\\share\\films"))


@pytest.mark.parametrize(
    "name",
    [
        "\\\\evil\\share\\film.mkv",
        "//evil/share/film.mkv",
        "/\\evil/share",
        "\\/evil/share",
        "\\\\?\\UNC\\evil\\share",
        "//./pipe/x",
        "\\\\nas\\other\\film.mkv",
        "\\\\nas\\share\\films\\..\\other\\x",
        "\\\\nas\\share\\filmsx",
        "\\\\?\\C:\\work\\film.mkv",
        "///evil/share",
        "\\\\evil",
        "\\\\",
    ],
)
def test_name_of_another_machine_is_refused_on_windows(name: str) -> None:
    with pytest.raises(ForbiddenError, match="outside the folders of this agent"):
        require_ours(name, ROOTS, "win32")


@pytest.mark.parametrize(
    "name",
    [
        "film.mkv",
        "\\film.mkv",
        "C:\\evil",
        "\\\\nas\\share\\films\\a.mkv",
        "//NAS/Share/Films/b/../a.mkv",
        "a//b",
        "D:/x",
    ],
)
def test_other_names_are_for_the_folders_to_judge(name: str) -> None:
    assert require_ours(name, ROOTS, "win32") == name


def test_two_slashes_are_as_one_elsewhere() -> None:
    assert require_ours("//evil/share", ROOTS, "linux") == "//evil/share"
