"""Speaks a worker's protocol and does what the name of the file says; opens no file."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from pytranscoder.media.model import Identity, Media
from pytranscoder.media.wire import media_to_wire


def main() -> None:
    """Answer each request with the file's name as the container and the process id as the number of chapters."""
    for line in sys.stdin:
        name = Path(json.loads(line)["path"]).name
        if name == "crash.mkv":
            os.kill(os.getpid(), signal.SIGSEGV)
        if name == "hang.mkv":
            threading.Event().wait()
        if name == "late.mkv":
            sys.stdin.readline()  # answers only when the next question was asked
        media = Media(Path(name), Identity(1, 2, 3, 4), name, None, (), chapters=os.getpid())
        sys.stdout.write(json.dumps({"media": media_to_wire(media)}) + "\n")
        sys.stdout.flush()
        if name == "last.mkv":
            return


if __name__ == "__main__":
    main()
