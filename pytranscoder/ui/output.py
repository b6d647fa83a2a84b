"""A text stream that takes every text and never fails a run. Does not know what is written to it."""

import os
from os import PathLike
from typing import TextIO

from pytranscoder.errors import printable

# One cell for one cell, so that what was laid out before still fits.
_PLAIN_DECORATIONS = {
    "→": ">",
    "↑": "^",
    "↓": "v",
    "−": "-",
    "·": "|",
    "…": "~",
    "━": "#",
    "╌": ".",
    "✓": "+",
    "✗": "!",
}


class Output:
    """Writes to `stream`, with decorations that its encoding lacks in ASCII.

    When the reader is gone or the disk is full, it stops writing and says nothing: a closed pipe must not end a run.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_broken = False
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self._decorations = {ord(char): plain for char, plain in _PLAIN_DECORATIONS.items() if not self.can_show(char)}

    def can_show(self, text: str) -> bool:
        """Whether the encoding of the stream has all of these characters."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def show(self, text: "str | PathLike[str]") -> str:
        """A name or message on one line, with escapes for what cannot be printed or encoded."""
        return self._escaped(printable(text))

    def write(self, text: str) -> int:
        """Writes the text; a stream that fails is never written to again."""
        if not self._is_broken:
            try:
                self._stream.write(self._encodable(text))
            except (OSError, ValueError):  # ValueError is what a closed stream raises
                self._give_up()
        return len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        if not self._is_broken:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._give_up()

    def line(self, text: str = "") -> None:
        """Writes the text as a line that is there at once, also in a pipe."""
        self.write(f"{text}\n")
        self.flush()

    def paragraph(self, text: str) -> None:
        """Writes a message of one or several lines, with escapes where they are needed."""
        for part in text.splitlines():
            self.line(self.show(part))

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return not self._is_broken and self._stream.isatty()

    def _encodable(self, text: str) -> str:
        return text if self.can_show(text) else self._escaped(text.translate(self._decorations))

    def _escaped(self, text: str) -> str:
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def _give_up(self) -> None:
        self._is_broken = True
        # What is still buffered would fail again when the interpreter ends, and turn the exit status into 120
        # (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
        try:
            descriptor = self._stream.fileno()
        except (OSError, ValueError):
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
