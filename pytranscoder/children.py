"""How a child process is kept from the terminal's signals, and how it is killed, on every system. Starts none."""

import os
import signal
import sys
from contextlib import suppress
from typing import Any

# Of Windows' CreateProcess; `subprocess` has them there alone.
_CREATE_NEW_PROCESS_GROUP = 0x00000200
_CREATE_NO_WINDOW = 0x08000000


def apart(platform: str = sys.platform) -> dict[str, Any]:
    """Returns what to start a child with, so that Ctrl-C in our terminal is for us alone.

    On POSIX it leads a session and a process group. On Windows it has a console of its own, which is never seen, and
    leads a group too.
    """
    if platform == "win32":
        return {"creationflags": _CREATE_NO_WINDOW | _CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def kill(process: int) -> None:
    """Kills a child whose exit status nobody has fetched yet; not its children."""
    with suppress(OSError):
        # os.kill ends a process of Windows by force whatever the signal; there is no SIGKILL.
        os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def kill_group(leader: int) -> None:
    """Kills a child that is `apart`, and its group. Windows has none to kill: there a child sees to its own."""
    if sys.platform == "win32":
        kill(leader)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
