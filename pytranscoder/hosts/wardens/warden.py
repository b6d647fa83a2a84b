"""How a command is put under a warden: a small program of ours, on every system, that ends when its owner does.

Its orders are one word in its argument vector. Starts none.
"""

import json
from collections.abc import Sequence

from pytranscoder.hosts.supervisor import GRACE_S
from pytranscoder.hosts.wardens.confinement import Confinement
from pytranscoder.hosts.wardens.own_program import own_program


def warden_argv(
    argv: Sequence[str],
    partials: Sequence[str],
    *,
    grace_s: float,
    confinement: Confinement | None = None,
    most_bytes: int | None = None,
    directory: str | None = None,
) -> tuple[str, ...]:
    """Returns the argument vector that runs `argv` under a warden, in the folder `directory`.

    The line ``stop`` on its standard input, or the end of that, stops the command: politely, and after `grace_s` by
    force, with its children. `partials` go unless it ends by itself with status 0. No file may grow beyond `most_bytes`
    (not on Windows).

    The warden's exit status is that of the command, as a shell says it; 127 when it cannot be run and 126 when it
    cannot be run as ordered, with the reason on standard error.
    """
    orders = {
        "argv": list(argv),
        "partials": [partial for partial in partials if partial],
        "grace_s": grace_s,
        "readable": None if confinement is None else confinement.readable,
        "writable": None if confinement is None else confinement.writable,
        "most_bytes": most_bytes,
        "directory": directory,
    }
    # In ASCII: undecodable bytes of names are escaped surrogates.
    return own_program("pytranscoder.hosts.wardens.program", json.dumps(orders))


def wardened(argv: tuple[str, ...], partial: str) -> tuple[str, ...]:
    """Returns the argument vector that runs `argv` under a warden, for a local transport."""
    return warden_argv(argv, (partial,), grace_s=GRACE_S)


def refusal(status: int, stderr: str) -> str | None:
    """Returns why a warden has not run its command, from how it ended; None when it has."""
    return stderr.strip() if status in (126, 127) and stderr.startswith("cannot ") else None
