"""The process in which files are opened: a request a line on standard input, an answer a line on standard output.

Ends at the end of its input. A file that crashes a demuxer ends this process only; `media.prober` starts another.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pytranscoder.errors import UnreadableMediaError
from pytranscoder.media.examine import examine
from pytranscoder.media.probe import probe
from pytranscoder.media.wire import ends_to_wire, media_to_wire

# What is still to be answered when the input ends is; a film being read from end to end is not waited for.
_GRACE_S = 5.0


def main() -> None:
    """Answer requests until standard input ends, or for five seconds longer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the manager's business
    requests: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    while line := requests.get():
        # ASCII only: names that are not UTF-8 survive as escapes, whatever the encoding of the pipe.
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def _receive(requests: "SimpleQueue[str | None]") -> None:
    # A thread of its own, as the end of the input must be seen during a long reading: it means that the manager died.
    for line in sys.stdin:
        requests.put(line)
    requests.put(None)
    threading.Event().wait(_GRACE_S)
    os._exit(1)


def _answer(request: dict[str, str]) -> dict[str, Any]:
    path = Path(request["path"])
    try:
        if request["do"] == "examine":
            return {"ends": ends_to_wire(examine(path))}
        return {"media": media_to_wire(probe(path))}
    except UnreadableMediaError as exc:
        return {"error": exc.reason}


if __name__ == "__main__":
    main()
