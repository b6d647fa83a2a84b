"""The kernel's Landlock: this process and its children reach only the files that they are told, and no TCP.

Knows its system calls (landlock(7)), not who confines what. Imports little, as a warden does before each command.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Container, Iterable, Mapping

assert sys.platform == "linux"  # noqa: S101  # for the type checker, which so leaves this module out elsewhere

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_DIR = 1 << 7
MAKE_FILE = 1 << 8
REFER = 1 << 13
TRUNCATE = 1 << 14
IOCTL_DEVICE = 1 << 15

READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
# Neither programs nor links nor devices can be made.
WRITE = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_FILE | REFER
USE_DEVICE = READ | WRITE_FILE | IOCTL_DEVICE

_FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
# From which version (ABI) on the kernel can restrict what.
_FILE_RIGHTS = ((1, (1 << 13) - 1), (2, REFER), (3, TRUNCATE), (5, IOCTL_DEVICE))
_TCP_SINCE = 4
_SCOPES_SINCE = 6
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

# The same numbers on every architecture that Linux has had since 2019.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict_to(rights: Mapping[str, int], no_links: Container[str] = ()) -> None:
    """Leaves this process these rights beneath these paths, for ever; a path that is not there is left out.

    So is one of `no_links` that is a link. Raises OSError when the kernel cannot do it.
    """
    abi = _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    handled = file_rights(abi)
    ruleset = _call(_CREATE_RULESET, *_described(_ruleset(abi, handled)), 0)
    try:
        for path, allowed in rights.items():
            _allow(ruleset, path, allowed & handled, os.O_NOFOLLOW if path in no_links else 0)
        forbid_new_privileges()
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def file_rights(abi: int) -> int:
    """Returns all that the kernel's version of Landlock can restrict."""
    return _union(rights for since, rights in _FILE_RIGHTS if abi >= since)


def forbid_new_privileges() -> None:
    """No program that is run from now on has more rights than this one; Landlock wants it first."""
    library = _library()
    if library.prctl(_PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))) != 0:
        raise _error()


def _ruleset(abi: int, handled: int) -> _Ruleset:
    return _Ruleset(
        handled,
        _BIND_AND_CONNECT if abi >= _TCP_SINCE else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPES_SINCE else 0,
    )


def _described(ruleset: _Ruleset) -> tuple[object, int]:
    # An older kernel takes the longer structure as long as what it does not know is zero.
    return ctypes.byref(ruleset), ctypes.sizeof(ruleset)


def _allow(ruleset: int, path: str, rights: int, flags: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC | flags)
    except OSError:
        return  # what we cannot reach, the command cannot either
    try:
        mode = os.fstat(parent).st_mode
        if stat.S_ISLNK(mode):
            return
        if not stat.S_ISDIR(mode):
            rights &= _FOR_FILES
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(rights, parent)), 0)
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    # Integers as long ones: the C function takes any number of arguments and would leave their upper half undefined.
    words = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    result: int = _library().syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise _error()
    return result


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def _union(flags: Iterable[int]) -> int:
    result = 0
    for flag in flags:
        result |= flag
    return result
