"""What the end of an ffmpeg means: its exit status and its last words as the error to raise. Runs nothing."""

import ntpath
import posixpath
from collections.abc import Sequence

from pytranscoder.encode.progress import Snapshot
from pytranscoder.errors import (
    CapacityError,
    EncodeFailedError,
    KilledError,
    SpaceError,
    UnfitError,
    VerifyError,
    printable,
)
from pytranscoder.hosts.mapping import is_windows_path

# How NVENC says that the card takes no more sessions (NV_ENC_ERR_OUT_OF_MEMORY at opening one).
NO_CAPACITY = ("OpenEncodeSessionEx failed: out of memory (10)", "OpenEncodeSessionEx failed: incompatible client key")
NO_SPACE = ("No space left on device", "Disk quota exceeded")

# HUP, INT, QUIT, KILL and TERM come from a person, a shutdown or the kernel when memory is short. SEGV and its like
# are ffmpeg's own, and come again with the same file.
_FROM_OUTSIDE = frozenset({1, 2, 3, 9, 15})


def require_success(
    host: str, name: str, argv: Sequence[str], status: int, stderr_tail: Sequence[str], last: Snapshot | None
) -> None:
    """Raises the error that the end of an encode stands for, unless ffmpeg says that its output is whole.

    The output is to be called `name`; the last word of `argv` is the path that the host has for it.
    """
    output = argv[-1]
    text = "\n".join(stderr_tail)
    directory = printable((ntpath if is_windows_path(output) else posixpath).dirname(output))
    if status != 0 and any(sign in text for sign in NO_CAPACITY):
        raise CapacityError(host, "its encoder takes no more sessions at the moment")
    # Whatever the status: ffmpeg 5.1 exits with 0 when it could not write the end of a matroska file.
    if any(sign in text for sign in NO_SPACE):
        raise SpaceError(host, f"no space left for {name} in {directory}")
    if status != 0 and f"{output}: Permission denied" in text:
        raise UnfitError(host, f"it may not write in {directory}; give its user there the right to")
    if status != 0:
        raise failure(argv, status, stderr_tail)
    if last is None or not last.ended:
        raise VerifyError("ffmpeg exited with status 0 without saying that it had finished")


def failure(argv: Sequence[str], status: int, stderr_tail: Sequence[str]) -> EncodeFailedError:
    """Returns the error for an exit status that is not 0."""
    kind = KilledError if _is_from_outside(status, stderr_tail) else EncodeFailedError
    return kind(argv, status, stderr_tail)


def _is_from_outside(status: int, stderr_tail: Sequence[str]) -> bool:
    if status == 255:
        # So ffmpeg ends after TERM and INT, and says nothing at our log level (measured: 5.1 and 9.0). From 7.0 on it
        # is also what EPERM comes to, which it does say.
        return "Operation not permitted" not in "\n".join(stderr_tail)
    return (-status if status < 0 else status - 128) in _FROM_OUTSIDE
