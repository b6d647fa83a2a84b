"""Runs commands confined, as this user and as a normal one. Tests nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import pytranscoder
from pytranscoder.hosts.supervisor import GRACE_S
from pytranscoder.hosts.wardens.confinement import Confinement, what_confines
from pytranscoder.hosts.wardens.warden import warden_argv
from tests.hosts.sshd import GROUP_ID, USER_ID

PACKAGE = Path(pytranscoder.__file__).parent


def require_confinement() -> None:
    """Skip the test where nothing confines, but never in CI."""
    if not what_confines():
        if os.environ.get("CI"):
            pytest.fail("this machine has no Landlock; the tests in CI need it")
        pytest.skip("this machine has no Landlock")


@dataclass(frozen=True, slots=True)
class Person:
    """Who runs a warden: a Python and a package that they can read, and their user id; None is us."""

    python: str
    root: Path
    user: int | None = None

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a warden, or another program of ours, to its end."""
        ours = {sys.executable: self.python, str(PACKAGE.parent): str(self.root)}
        words = [ours.get(word, word) for word in command]
        group = None if self.user is None else GROUP_ID
        pipe = subprocess.PIPE
        with subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, user=self.user, group=group,
            extra_groups=None if self.user is None else [], text=True, cwd="/",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            stdout, stderr = process.stdout.read(), process.stderr.read()
            return subprocess.CompletedProcess(words, process.wait(), stdout, stderr)


def us() -> Person:
    return Person(sys.executable, PACKAGE.parent)


def normal_user(folder: Path) -> Person:
    """Return a normal user, who has a copy of the package in `folder`; root's own may be closed to them."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    for module in (PACKAGE / "__init__.py", *PACKAGE.glob("*.py"), *PACKAGE.glob("hosts/**/*.py")):
        copy = folder / "package" / module.relative_to(PACKAGE.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, copy)
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if python is None:
        pytest.skip("there is no Python for everybody")
    return Person(python, folder / "package", USER_ID)


@dataclass(frozen=True, slots=True)
class Place:
    """Three folders of a person, of which the command may read one, write one, and must not see the other."""

    person: Person
    read: Path
    write: Path
    other: Path

    def run(self, *argv: str, partials: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command confined to them."""
        confinement = Confinement((str(self.read),), (str(self.write),))
        return self.person.run(warden_argv(argv, partials, grace_s=GRACE_S, confinement=confinement))


def place_of(person: Person, folder: Path) -> Place:
    """Make the folders."""
    place = Place(person, folder / "read", folder / "write", folder / "other")
    for made in (place.read, place.write, place.other):
        made.mkdir()
        if person.user is not None:
            os.chown(made, person.user, GROUP_ID)
    return place
