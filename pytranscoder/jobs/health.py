"""How often a host has failed of late, and how long it should rest for it. Knows no other host."""

from dataclasses import dataclass

SUSPICIOUS_FILES = 3


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long a host rests, in seconds: after a fault of its own, after one failed file too many; at most.

    The first two double with each further one.
    """

    host_s: float = 10.0
    file_s: float = 30.0
    longest_s: float = 600.0

    def doubled(self, pause_s: float, count: int) -> float:
        """Returns the pause after so many failures."""
        return min(self.longest_s, pause_s * 2.0 ** min(count - 1, 10))


DEFAULT_PAUSES = Pauses()


class Health:
    """The failures of one host since its last success.

    `is_proven` tells whether it has ever succeeded: only then does its failure speak against a file.
    """

    __slots__ = ("_file_rests", "_files", "_host_failures", "_pauses", "is_proven")

    def __init__(self, pauses: Pauses = DEFAULT_PAUSES) -> None:
        self._pauses = pauses
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
        return self._pauses.doubled(self._pauses.host_s, self._host_failures)

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
        return self._pauses.doubled(self._pauses.file_s, self._file_rests)
