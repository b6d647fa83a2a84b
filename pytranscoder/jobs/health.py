"""How often a host has failed of late, and how long it should rest for it. Knows no other host."""

HOST_PAUSE_S = 10.0
FILE_PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0
SUSPICIOUS_FILES = 3


class Health:
    """The failures of one host since its last success.

    `is_proven` tells whether it has ever succeeded: only then does its failure speak against a file.
    """

    __slots__ = ("_file_rests", "_files", "_host_failures", "is_proven")

    def __init__(self) -> None:
        self._host_failures = 0
        self._file_rests = 0
        self._files: set[int] = set()
        self.is_proven = False

    def succeeded(self) -> None:
        """Forgets the failures."""
        self._host_failures = self._file_rests = 0
        self._files.clear()
        self.is_proven = True

    def failed_by_itself(self) -> float:
        """Counts a fault of the host and returns the pause, which doubles with each."""
        self._host_failures += 1
        return _doubled(HOST_PAUSE_S, self._host_failures)

    def failed_with(self, job: int) -> None:
        """Counts a failure that looks like the fault of the job's file."""
        self._files.add(job)

    def forgive(self, job: int) -> None:
        """Takes back a failure, as the file has failed elsewhere too."""
        self._files.discard(job)

    @property
    def is_suspicious(self) -> bool:
        """Whether so many files in a row have failed that it may be the host."""
        return len(self._files) >= SUSPICIOUS_FILES

    def rest_as_suspicious(self) -> float:
        """Returns the pause, which doubles each time."""
        self._file_rests += 1
        return _doubled(FILE_PAUSE_S, self._file_rests)


def _doubled(pause_s: float, count: int) -> float:
    return min(LONGEST_PAUSE_S, pause_s * 2.0 ** min(count - 1, 10))
