"""The shells that a POSIX host may have as ``/bin/sh``. Starts none."""

import os
import shutil

import pytest

SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}


def require_shell(name: str) -> tuple[str, ...]:
    """Return the command of a shell; skip the test where it is not installed, but never in CI."""
    if shutil.which(name) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed; the tests in CI need it")
        pytest.skip(f"{name} is not installed")
    return SHELLS[name]
