"""Which files a command line means: files, directories, lists. Looks at names and types, never into a file."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytranscoder.errors import UsageError, printable
from pytranscoder.jobs.queue_file import QueueEntry, parse_entries

MEDIA_EXTENSIONS = frozenset(
    f".{extension}"
    for line in (
        "3g2 3gp asf avi divx f4v flv m2ts m2v m4v mkv mov mp4 mpeg mpg mts mxf",
        "ogm ogv rm rmvb ts vob webm wmv",
    )
    for extension in line.split()
)


@dataclass(frozen=True, slots=True)
class Selection:
    """How the profile for some files was chosen: by name, by template, or by the rules when both are None."""

    profile: str | None = None
    template: str | None = None
    mixins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One file to work on: its absolute path, how its profile is chosen, and the queue entry it came from.

    `cluster` is to encode it, None is this machine alone. `named` tells whether the user named this very file, and not
    a directory that holds it.
    """

    path: Path
    selection: Selection
    queue_file: Path | None = None
    entry: QueueEntry | None = None
    named: bool = True
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A part of the command line: a path, or a list of paths (`is_list`), and the options in force there."""

    path: Path
    selection: Selection
    is_list: bool = False
    cluster: str | None = None


def expand(request: Request) -> Iterator[Source]:
    """Yields the files that a request means, in order; a directory stands for the media files in it, recursively.

    A file that does not exist is yielded all the same: it becomes a job that fails and says so.
    Raises UsageError when a list cannot be read.
    """
    if not request.is_list:
        for path in media_files(request.path):
            yield Source(path, request.selection, named=is_itself(path, request.path), cluster=request.cluster)
        return
    queue_file = request.path.absolute()
    try:
        content = queue_file.read_bytes()
    except OSError as exc:
        raise _unreadable(queue_file, exc) from exc
    for entry in parse_entries(content):
        for path in media_files(entry.path):
            named = is_itself(path, entry.path)
            yield Source(path, request.selection, queue_file, entry, named=named, cluster=request.cluster)


def is_itself(found: Path, requested: Path) -> bool:
    """Whether a file that was found is the very path that was asked for, and not one in a directory of that name."""
    return str(found) == os.path.abspath(requested)  # noqa: PTH100  # as `media_files` makes it


def require_list(path: Path) -> None:
    """Raises UsageError unless a list is there, before anything is begun; it is not opened, as it may be a pipe."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if is_folder:
        raise UsageError(f"{printable(path)} is a directory, not a list; name it without --from-file")


def _unreadable(path: Path, exc: OSError) -> UsageError:
    return UsageError(f"cannot read the list {printable(path)}: {exc.strerror}")


def media_files(path: Path) -> Iterator[Path]:
    """Yields a file itself, or the media files below a directory, sorted; hidden files and directories are left out.

    A directory that cannot be read is yielded itself, as the job that will fail and say so.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  # normalises `..` in names and follows no link
    if not os.path.isdir(absolute):  # noqa: PTH112  # Path.is_dir raises for a name that is too long or not ours to see
        yield absolute
        return
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(absolute, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() in MEDIA_EXTENSIONS and not name.startswith("."):  # noqa: PTH122
                yield Path(folder, name)
    yield from (Path(error.filename) for error in unreadable)
