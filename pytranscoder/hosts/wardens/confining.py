"""Confines this very process to what an ffmpeg needs and some folders, without network. Linux only.

A warden's child does so before it becomes ffmpeg. `confinement` is the side of whoever asks for it.
"""

import ctypes
import glob
import os
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from pytranscoder.hosts.wardens import landlock

assert sys.platform == "linux"  # noqa: S101  # for the type checker, which so leaves this module out elsewhere

# Programs and libraries, wherever a distribution has them.
PROGRAMS = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"),
    *("/nix/store", "/gnu/store", "/snap", "/home/linuxbrew/.linuxbrew"),
)
# What libraries read: where other libraries are, fonts, the drivers of GPUs, how many cores and how much memory.
SETTINGS = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/ld-musl-*.path"),
    *("/etc/fonts", "/var/cache/fontconfig", "/etc/localtime", "/run/opengl-driver"),
    *("/etc/OpenCL", "/etc/vulkan", "/etc/glvnd", "/etc/libva.conf", "/etc/drirc"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/devices", "/proc/driver", "/sys"),
)
DEVICES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"),
    *("/dev/dri", "/dev/nvidia*", "/dev/kfd", "/dev/mpp_service", "/dev/rga", "/dev/dma_heap"),
)

_NEW_USERS = 0x10000000
_NEW_NETWORK = 0x40000000
_PR_CAPBSET_DROP = 24
_MAY_WRITE_ANY_FILE = 1
_LAST_CAPABILITY = 63


def confine(program: str, readable: Collection[str], writable: Collection[str]) -> None:
    """Confines this process, and what it becomes, for ever. `program` is what it is going to run.

    A folder that is a link is left out: somebody may have put it there since the folder was chosen.
    The network is left where the machine allows it. Raises OSError when Landlock cannot be had.
    """
    # When memory runs out, the command goes and not who serves.
    with suppress(OSError):
        _write("/proc/self/oom_score_adj", "1000")
    is_root = os.geteuid() == 0
    _leave_network(is_root=is_root)
    if is_root:
        _drop_capabilities()
    landlock.restrict_to(rights_for(program, readable, writable), {*readable, *writable})


def rights_for(program: str, readable: Iterable[str], writable: Iterable[str]) -> dict[str, int]:
    """Returns what is allowed where. A program of its own may have its libraries in ``../lib``."""
    rights: dict[str, int] = {}
    folder = os.path.dirname(program)  # noqa: PTH120  # pathlib would double the time to start
    _grant(rights, _found((*PROGRAMS, program, os.path.join(os.path.dirname(folder), "lib"))), landlock.RUN)  # noqa: PTH118, PTH120  # as above
    _grant(rights, _found(SETTINGS), landlock.READ)
    _grant(rights, _found(DEVICES), landlock.USE_DEVICE)
    _grant(rights, readable, landlock.READ)
    _grant(rights, writable, landlock.WRITE)
    return rights


def _grant(rights: dict[str, int], paths: Iterable[str], allowed: int) -> None:
    for path in paths:
        rights[path] = rights.get(path, 0) | allowed


def _found(patterns: Iterable[str]) -> Iterable[str]:
    for pattern in patterns:
        yield from glob.iglob(pattern) if pattern.endswith(("*", ".path")) else (pattern,)  # noqa: PTH207  # as above


def _leave_network(*, is_root: bool) -> None:
    """Goes into a network of this process's own, in which there is nothing; stays where that is not allowed."""
    library = ctypes.CDLL(None, use_errno=True)
    if is_root and library.unshare(_NEW_NETWORK) == 0:
        return
    # Tried by a child first: some systems (AppArmor) let a process in and then refuse it the rest, with no way back.
    if _succeeds_in_a_child(_enter_own_users_and_network):
        _enter_own_users_and_network()


def _enter_own_users_and_network() -> None:
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_USERS | _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    # The same identities inside: to the files of the machine nothing has changed.
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")


def _succeeds_in_a_child(deed: Callable[[], None]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            deed()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _drop_capabilities() -> None:
    # Root could go back to the network of another process (setns) and mount file systems. It may go on writing into
    # the folders of others, as far as Landlock lets it.
    library = ctypes.CDLL(None, use_errno=True)
    for capability in range(_LAST_CAPABILITY + 1):
        if capability != _MAY_WRITE_ANY_FILE:
            library.prctl(_PR_CAPBSET_DROP, *(ctypes.c_ulong(value) for value in (capability, 0, 0, 0)))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
