"""How much of a disk an agent's managers may still fill. Writes nothing itself."""

import errno
import os
import shutil
from pathlib import Path

# A disk that is full to the last byte stops more than the encodes: at most that much is left free unless told
# otherwise, and on a small disk the part of it.
MOST_LEFT_FREE_BYTES = 1 << 30
PART_LEFT_FREE = 0.05


class Room:
    """Knows what must be left free of each disk: `leave_free_bytes`, or 1 GiB or 5 % of it, whichever is less."""

    def __init__(self, leave_free_bytes: int | None = None) -> None:
        self._leave_free_bytes = leave_free_bytes

    def bytes_at(self, path: str | Path) -> int:
        """Returns the room on the disk of a path, or of the first folder above it that is there; perhaps below 0."""
        disk = shutil.disk_usage(_existing(Path(path)))
        return disk.free - self.left_free(disk.total)

    def left_free(self, disk_bytes: int) -> int:
        """Returns what must be left free of a disk of that size."""
        if self._leave_free_bytes is not None:
            return self._leave_free_bytes
        return min(MOST_LEFT_FREE_BYTES, int(disk_bytes * PART_LEFT_FREE))

    def require(self, path: str | Path, count: int) -> None:
        """Raises OSError as a full disk does, when there is no room for so many bytes more."""
        if self.bytes_at(path) < count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _existing(path: Path) -> Path:
    return next((place for place in (path, *path.parents) if place.exists()), path)
