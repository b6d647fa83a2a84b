"""The directories of runs on hosts to which media is copied: their names, and the end of those of dead runs.

Whether a run is dead is the journal's to say: other runs, also of other machines, are left alone.
"""

from collections.abc import Callable

from pytranscoder.errors import HostError, LostError, printable
from pytranscoder.hosts.mapping import is_windows_path
from pytranscoder.hosts.transport import Files

PREFIX = "pytranscoder-"


def run_directory(working_dir: str, run: str) -> str:
    """Returns the directory of a run's own under a working directory."""
    return below(working_dir, f"{PREFIX}{run}")


def below(directory: str, *names: str) -> str:
    """Returns a path below a host's directory, as the host spells it."""
    separator = "\\" if is_windows_path(directory) else "/"
    return separator.join((directory.rstrip(separator), *names))


async def clean_dead_runs(is_dead: Callable[[str], bool], files: Files, working_dir: str) -> list[str]:
    """Removes what dead runs left in a host's working directory; returns a sentence for each.

    Raises HostError when the directory cannot be read.
    """
    found = [name for name in await files.names(working_dir) if name.startswith(PREFIX)]
    return [
        await _remove(files, below(working_dir, name)) for name in sorted(found) if is_dead(name.removeprefix(PREFIX))
    ]


async def _remove(files: Files, directory: str) -> str:
    try:
        await files.remove_tree(directory)
    except LostError:
        raise
    except HostError as exc:
        return f"{printable(directory)}: left by an earlier run, cannot be removed: {exc.reason}"
    return f"{printable(directory)}: removed, left by an earlier run"
