"""The warden itself: reads its orders and does on every system what only that system can. See `warden_argv`.

Its modules import little, so that it starts in the time in which a shell would.
"""

import json
import os
import sys
from typing import Any


def main() -> None:
    """Runs the command of the orders and exits with its status."""
    orders: dict[str, Any] = json.loads(sys.argv[1])
    try:
        if sys.platform == "win32":
            from pytranscoder.hosts.wardens.windows import run  # noqa: PLC0415  # each imports what the others have not
        else:
            from pytranscoder.hosts.wardens.posix import run  # noqa: PLC0415  # as above
        status = run(orders)
    except OSError as exc:
        status = _refuse(exc)
    # At once: nothing is left to clean up but what the system ends with us.
    os._exit(status)


def _refuse(exc: OSError) -> int:
    # What cannot be run bears its name; the rest says what could not be done.
    is_program = exc.filename is not None
    reason = f"cannot run {exc.filename}: {exc.strerror}" if is_program else str(exc.strerror or exc)
    os.write(2, f"{reason}\n".encode(errors="backslashreplace"))
    return 127 if is_program else 126
