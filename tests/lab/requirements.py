"""What a lab needs of the machine it is on, and whether that is there. Installs nothing; `install.sh` does."""

import os
import subprocess
import sys
from functools import cache

from tests.lab.commands import find, require

PROGRAMS = ("sshd", "ssh", "ip", "tc", "unshare", "nsenter", "mount", "bash", "dash", "busybox", "fish")


@cache
def what_is_missing() -> str | None:
    """Why no lab can be made here, as a sentence; None when one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "makes network namespaces, which only root on Linux may"
    if absent := [program for program in PROGRAMS if find(program) is None]:
        return f"needs {', '.join(absent)}; `sh tests/lab/install.sh` installs what the lab needs"
    trial = [require("unshare"), "--mount", "--uts", "--net", "--pid", "--fork", "--mount-proc", "true"]
    done = subprocess.run(trial, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        return f"makes namespaces, which are not allowed here ({done.stderr.strip()}); a privileged container may"
    return None
