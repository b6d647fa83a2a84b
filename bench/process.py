"""What a process has used so far, from ``/proc``: Linux only."""

import os
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Seconds of processor time, that of its children not counted."""
    user, system = stat_fields(pid)[11:13]
    return (int(user) + int(system)) / _TICKS_A_SECOND


def peak_mb(pid: int) -> float:
    """The most memory that it had at a time."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def stat_fields(pid: int) -> list[str]:
    """The fields of proc(5)'s stat from the third one on; the second may have spaces and parentheses in it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
