"""What an ffmpeg of an agent may reach, and what of that this machine can enforce. Confines nothing itself."""

import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from pytranscoder.hosts.wardens.own_program import own_program

_TRIED_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a confined command may reach besides the system's programs and libraries: folders to read, and to write."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]


def what_confines() -> str:
    """Returns what keeps a confined command to its folders here, found by trying it; empty when nothing does.

    "landlock, no network" cuts it off, "landlock, no tcp" leaves it other protocols, "landlock" the whole network.
    """
    return _try_out() if sys.platform == "linux" else ""


def _try_out() -> str:
    with (
        tempfile.NamedTemporaryFile() as file,
        _bound(socket.SOCK_STREAM) as tcp,
        _bound(socket.SOCK_DGRAM) as udp,
    ):
        tcp.listen()
        ports = (str(listener.getsockname()[1]) for listener in (tcp, udp))
        return _answer(own_program("pytranscoder.hosts.wardens.confinement_trial", file.name, *ports))


def _bound(kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.bind(("127.0.0.1", 0))
    return made


def _answer(trial: tuple[str, ...]) -> str:
    try:
        said = subprocess.run(
            trial, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRIED_WITHIN_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.decode(errors="replace").strip()
