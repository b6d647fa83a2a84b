"""A share of the processor for a host's processes and all that they start, by cgroup, version 1 or 2."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.lab.commands import LabError

_TREE = Path("/sys/fs/cgroup")
_IS_VERSION_2 = (_TREE / "cgroup.controllers").exists()
GROUPS = _TREE if _IS_VERSION_2 else _TREE / "cpu"
# Short, so that a host with a small share is slow rather than fitful.
_PERIOD_US = 20_000
_EMPTY_WITHIN_S = 5.0


class Share:
    """The share of one host, by a name that is unique on the machine."""

    def __init__(self, name: str) -> None:
        self._group = GROUPS / name
        self.cores: float | None = None

    def limit(self, cores: float, pids: Iterable[int]) -> None:
        """Let these processes and their children have as much time as so many cores have.

        Raises LabError where cgroups cannot be used.
        """
        quota = max(1000, int(cores * _PERIOD_US))
        try:
            self._group.mkdir(exist_ok=True)
            if _IS_VERSION_2:
                (_TREE / "cgroup.subtree_control").write_text("+cpu")
                (self._group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
            else:
                (self._group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
                (self._group / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            raise LabError(f"no share of the processor can be set here: {error}") from error
        self.cores = cores
        self.admit(pids)

    def admit(self, pids: Iterable[int]) -> None:
        """Put processes under the limit."""
        for pid in pids:
            with suppress(ProcessLookupError):
                (self._group / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Remove the group, if there is one; its processes have been killed and are gone soon."""
        deadline = time.monotonic() + _EMPTY_WITHIN_S
        while self._group.exists():
            try:
                self._group.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
