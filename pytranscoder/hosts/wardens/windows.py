"""A warden on Windows: it puts itself into a job object, so that what it starts ends with it, however that comes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

_READ_BYTES = 4096
_STOPPED = 143
# A virus scanner, or a process that is just ending, may still have the file open, and then it cannot be removed.
_REMOVED_WITHIN_S = 2.0
_AGAIN_AFTER_S = 0.1


def exit_code(status: int) -> int:
    """Returns an exit status of Windows, of 32 bits without a sign, as the system's exit wants it.

    >>> exit_code(3), exit_code(0xC0000005)
    (3, -1073741819)
    """
    return status - 2**32 if status >= 2**31 else status


def remove(partials: Iterable[str], within_s: float = _REMOVED_WITHIN_S) -> None:
    """Removes files, also such as are still open for a moment."""
    deadline = time.monotonic() + within_s
    for partial in partials:
        while not _is_removed(partial) and time.monotonic() < deadline:
            time.sleep(_AGAIN_AFTER_S)


def _is_removed(partial: str) -> bool:
    try:
        os.unlink(partial)  # noqa: PTH108  # pathlib would double the time to start
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


if sys.platform == "win32":
    from pytranscoder.hosts.wardens.job_object import JobObject

    def run(orders: dict[str, Any]) -> int:
        """Carries out the orders and returns the exit status. Raises OSError when the command cannot be run."""
        if orders["readable"] is not None:
            raise OSError("cannot confine the command: Windows has nothing for it")
        job = JobObject()
        process = _start(orders["argv"], orders["directory"])
        owner = _Owner(process, orders["grace_s"])
        threading.Thread(target=owner.obey, daemon=True).start()
        status = process.wait()
        if owner.has_stopped and status == 0:
            status = _STOPPED
        job.end_others()
        if status != 0:
            remove(orders["partials"])
        return exit_code(status)

    def _start(argv: list[str], directory: str | None) -> subprocess.Popen[bytes]:
        if directory is not None and not os.path.isdir(directory):  # noqa: PTH112  # as above
            raise OSError(f"cannot run in {directory}: no such folder")
        try:
            # A group of its own is what Ctrl-Break can be sent to.
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, cwd=directory, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP
            )
        except OSError as exc:
            raise OSError(exc.errno, exc.strerror, argv[0]) from exc

    class _Owner:
        """The owner's hand: standard input."""

        def __init__(self, process: subprocess.Popen[bytes], grace_s: float) -> None:
            self._process = process
            self._grace_s = grace_s
            self.has_stopped = False

        def obey(self) -> None:
            """Waits for its word and stops the command."""
            said = b""
            while heard := os.read(0, _READ_BYTES):
                *lines, said = (said + heard).split(b"\n")
                if any(line.rstrip(b"\r") == b"stop" for line in lines):
                    break
            self.has_stopped = self._process.poll() is None
            self._stop()

        def _stop(self) -> None:
            try:
                # ffmpeg takes it for TERM.
                self._process.send_signal(signal.CTRL_BREAK_EVENT)
                self._process.wait(self._grace_s)
            except (OSError, subprocess.TimeoutExpired):  # there is no console to send it by, or it is not obeyed
                self._process.kill()
