"""The job object of this process, on Windows: what it starts is in it too, and ends with it. Starts nothing."""

import ctypes
import os
import signal
import sys
from contextlib import suppress

# The names and layouts are those of winnt.h.
_EXTENDED_LIMIT_INFORMATION = 9
_BASIC_PROCESS_ID_LIST = 3
_KILL_ON_JOB_CLOSE = 0x2000
_MOST_PROCESSES = 1000


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("limit_flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class ProcessIds(ctypes.Structure):
    """JOBOBJECT_BASIC_PROCESS_ID_LIST, with room for so many."""

    _fields_ = (
        ("assigned", ctypes.c_uint32),
        ("listed", ctypes.c_uint32),
        ("ids", ctypes.c_size_t * _MOST_PROCESSES),
    )


def limits() -> ExtendedLimits:
    """Returns the limits of a job whose processes are ended when nobody has a handle of it any more."""
    wanted = ExtendedLimits()
    wanted.basic.limit_flags = _KILL_ON_JOB_CLOSE
    return wanted


if sys.platform == "win32":
    from ctypes import wintypes

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
    _kernel.CreateJobObjectW.restype = wintypes.HANDLE
    _kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
    _kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    _kernel.GetCurrentProcess.restype = wintypes.HANDLE
    _kernel.QueryInformationJobObject.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
        ctypes.c_void_p,
    )

    class JobObject:
        """A job with this process in it from now on. Its only handle is closed by the end of this process."""

        def __init__(self) -> None:
            """Raises OSError when this process is in a job that allows no other within it."""
            self._handle = _kernel.CreateJobObjectW(None, None)
            wanted = limits()
            if (
                not self._handle
                or not _kernel.SetInformationJobObject(
                    self._handle, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(wanted), ctypes.sizeof(wanted)
                )
                or not _kernel.AssignProcessToJobObject(self._handle, _kernel.GetCurrentProcess())
            ):
                raise OSError(f"cannot make a job object: {ctypes.WinError(ctypes.get_last_error()).strerror}")

        def end_others(self) -> None:
            """Ends all in the job but this process."""
            for process in self._processes() - {os.getpid()}:
                with suppress(OSError):  # it has just ended
                    os.kill(process, signal.SIGTERM)  # which is TerminateProcess here

        def _processes(self) -> set[int]:
            found = ProcessIds()
            _kernel.QueryInformationJobObject(
                self._handle, _BASIC_PROCESS_ID_LIST, ctypes.byref(found), ctypes.sizeof(found), None
            )
            return set(found.ids[: found.listed])
