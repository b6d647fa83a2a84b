"""A warden on POSIX systems: it leads a process group, of which the command is, and has a guard outside of it.

The guard kills the group when the warden is gone, however that came: also what outlived the command, and the command of
a warden that was killed (Linux has PR_SET_PDEATHSIG for that, but for children only, not for theirs).
"""

import errno
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

assert sys.platform != "win32"  # noqa: S101  # for the type checker, which so leaves this module out on Windows

_STOP_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_KEEP = b"k"
_READ_BYTES = 4096


def run(orders: dict[str, Any]) -> int:
    """Carries out the orders and returns the exit status. Raises OSError when the command cannot be run."""
    if os.getpgrp() != os.getpid():  # the owner sees to that; a group that is not ours would die with us
        os.setsid()
    wakes = _watch_signals()
    guard = _start_guard(orders["partials"])
    child = _start_command(orders)
    status = _Ward(child, wakes).accompany(orders["grace_s"])
    if status == 0:
        with suppress(BrokenPipeError):  # the guard was killed
            os.write(guard, _KEEP)
    else:
        _remove(orders["partials"])
    return status


def _start_guard(partials: Iterable[str]) -> int:
    """Returns a descriptor; when the last process that has it is gone, the guard acts."""
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.close(writable)
        _guard(readable, partials)
    os.close(readable)
    return writable


def _guard(alive: int, partials: Iterable[str]) -> None:
    group = os.getpgrp()
    try:
        os.setpgid(0, 0)
        for descriptor in (0, 1, 2):  # the end of the command is the end of its streams
            os.close(descriptor)
        is_success = False
        while said := os.read(alive, 1):  # up to its end: the warden must be gone before its group is killed
            is_success = said == _KEEP
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        if not is_success:
            _remove(partials)
    finally:
        os._exit(0)


def _remove(partials: Iterable[str]) -> None:
    for partial in partials:
        with suppress(OSError):
            os.unlink(partial)  # noqa: PTH108  # pathlib would double the time to start


def _watch_signals() -> int:
    """Returns a descriptor that has a byte for each signal from now on; none of them ends us."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD):
        # A handler, as a command inherits what is ignored.
        signal.signal(number, lambda *_: None)
    return readable


class _Ward:
    """The command while it runs."""

    def __init__(self, child: int, wakes: int) -> None:
        self._child = child
        self._wakes = wakes
        self._said = b""
        self._status: int | None = None

    def accompany(self, grace_s: float) -> int:
        """Waits for its end, or stops it when told to; returns the exit status, never 0 when it stopped it."""
        poll = select.poll()
        for descriptor in (0, self._wakes):
            poll.register(descriptor, select.POLLIN)
        while not self._has_ended():
            if any(self._says_stop(descriptor) for descriptor, _ in poll.poll()):
                return self._stop(grace_s)
        return self._exit_status()

    def _says_stop(self, descriptor: int) -> bool:
        heard = os.read(descriptor, _READ_BYTES)
        if descriptor == self._wakes:
            return any(number in _STOP_SIGNALS for number in heard)
        *lines, self._said = (self._said + heard).split(b"\n")
        self._said = self._said[-_READ_BYTES:]
        return not heard or b"stop" in lines

    def _stop(self, grace_s: float) -> int:
        if self._has_ended():
            return self._exit_status()
        os.kill(0, signal.SIGTERM)
        self._wait(grace_s)
        if not self._has_ended():
            os.kill(self._child, signal.SIGKILL)
            self._status = os.waitpid(self._child, 0)[1]
        return self._exit_status() or 128 + signal.SIGTERM

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._has_ended() and (left := deadline - time.monotonic()) > 0:
            if select.select([self._wakes], [], [], left)[0]:
                os.read(self._wakes, _READ_BYTES)

    def _has_ended(self) -> bool:
        if self._status is None:
            ended, status = os.waitpid(self._child, os.WNOHANG)
            self._status = status if ended else None
        return self._status is not None

    def _exit_status(self) -> int:
        status = os.waitstatus_to_exitcode(self._status or 0)
        return status if status >= 0 else 128 - status


def _start_command(orders: dict[str, Any]) -> int:
    # Its setting up, the confinement too, is the child's: the warden must stay able to do its duty.
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        _become_command(orders, tells)
    os.close(tells)
    with os.fdopen(told, "rb") as stream:
        failure = stream.read()  # nothing, as a program that runs has closed it
    if failure:
        os.waitpid(child, 0)
        number, _, reason = failure.partition(b" ")
        raise _failure(int(number), os.fsdecode(reason), orders["argv"][0])
    return child


def _failure(number: int, reason: str, program: str) -> OSError:
    return OSError(number, reason) if reason else OSError(number, os.strerror(number), program)


def _become_command(orders: dict[str, Any], tells: int) -> None:
    what = ""
    try:
        for words, step in _steps(orders):
            what = words
            step()
        what = ""
        os.execvp(orders["argv"][0], orders["argv"])  # noqa: S606  # no shell is what is wanted
    except (OSError, ValueError) as exc:
        number, text = (exc.errno or 0, exc.strerror) if isinstance(exc, OSError) else (errno.EINVAL, str(exc))
        reason = f"cannot {what}: {text or exc}" if what else ""
        os.write(tells, b"%d %s" % (number, os.fsencode(reason)))
    finally:
        os._exit(1)


def _steps(orders: dict[str, Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yields what to do before the command is run, with the words for it when that fails."""
    yield "read from nothing", _read_from_nothing
    if orders["directory"] is not None:
        yield f"run in {orders['directory']}", lambda: os.chdir(orders["directory"])
    if orders["most_bytes"] is not None:
        yield "limit the size of files", lambda: _limit_files(orders["most_bytes"])
    if orders["readable"] is not None:
        yield "confine the command", lambda: _confine(orders)


def _read_from_nothing() -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Python ignores it, and XFSZ, which stays so: a write beyond the limit then fails with a reason.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _limit_files(most_bytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _confine(orders: dict[str, Any]) -> None:
    if sys.platform == "linux":
        from pytranscoder.hosts.wardens.confining import confine  # noqa: PLC0415  # most commands are run without

        confine(_program_path(orders["argv"][0]), orders["readable"], orders["writable"])
    else:
        raise OSError("this system has nothing for it")


def _program_path(name: str) -> str:
    if "/" in name:
        return name
    return next(
        (path for path in (f"{folder}/{name}" for folder in os.get_exec_path()) if os.access(path, os.X_OK)), name
    )
