"""Runs the system's own tools as root and says what they said when they fail. Knows none of them."""

import os
import shutil
import subprocess
from collections.abc import Sequence

# Where Debian keeps sshd, ip and tc; a user's own path may lack them.
SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


class LabError(Exception):
    """The lab cannot do what it was asked for."""


def find(program: str) -> str | None:
    """The absolute path of a program, None where it is not installed."""
    return shutil.which(program, path=SEARCH_PATH)


def require(program: str) -> str:
    """The absolute path of a program; raises LabError where it is not installed."""
    path = find(program)
    if path is None:
        raise LabError(f"{program} is not installed; run `sh tests/lab/install.sh`")
    return path


def run(argv: Sequence[str], text: str = "") -> str:
    """Run a command with this text as its input and return what it printed; raises LabError with its own words."""
    done = subprocess.run([require(argv[0]), *argv[1:]], check=False, capture_output=True, input=text, text=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
