"""The end of what a command says on standard error, kept while it runs. Reads nothing itself."""

TAIL_BYTES = 8192
TAIL_LINES = 20


class Tail:
    """The last bytes of a stream of any length."""

    def __init__(self, keep_bytes: int = TAIL_BYTES) -> None:
        self._keep_bytes = keep_bytes
        self._end = bytearray()

    def add(self, data: bytes) -> None:
        """Takes what comes next."""
        self._end += data
        del self._end[: -self._keep_bytes]

    @property
    def text(self) -> str:
        """What is kept, perhaps from the middle of a line."""
        return self._end.decode(errors="replace")

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines that are not empty, oldest first; a carriage return ends a line too."""
        return tuple(line for line in self.text.replace("\r", "\n").split("\n") if line.strip())[-TAIL_LINES:]
