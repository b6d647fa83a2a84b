"""The program that tries on itself what confines, and prints it: ``FILE TCP-PORT UDP-PORT``, which others can reach."""

import errno
import os
import socket
import sys
from collections.abc import Callable

assert sys.platform == "linux"  # noqa: S101  # for the type checker, which so leaves this module out elsewhere

from pytranscoder.hosts.wardens.confining import confine  # noqa: E402  # as above

_REFUSALS = (errno.EACCES, errno.EPERM, errno.ENETUNREACH, errno.ENETDOWN)


def main() -> None:
    """Prints nothing when the file can still be read."""
    file, tcp_port, udp_port = sys.argv[1:]
    os.close(os.open(file, os.O_RDONLY))
    try:
        confine(sys.executable, (), ())
    except OSError:
        return
    if not _is_refused(lambda: os.close(os.open(file, os.O_RDONLY))):
        return
    no_tcp = _is_refused(lambda: _reach(socket.SOCK_STREAM, int(tcp_port)))
    no_udp = _is_refused(lambda: _reach(socket.SOCK_DGRAM, int(udp_port)))
    sys.stdout.write("landlock" + (", no network" if no_tcp and no_udp else ", no tcp" if no_tcp else ""))


def _reach(kind: socket.SocketKind, port: int) -> None:
    with socket.socket(socket.AF_INET, kind) as ours:
        ours.connect(("127.0.0.1", port))
        ours.send(b"x")


def _is_refused(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except OSError as exc:
        return exc.errno in _REFUSALS
    return False
