"""What hosts that are one machine have in common, as in two clusters: its line, its disk. Knows not which those are."""

from collections import defaultdict
from collections.abc import Iterable

from pytranscoder.encode.room import Loans
from pytranscoder.hosts.rate import Limiter


class Machine:
    """One machine in a run; `bandwidths` are what its hosts allow it, None is no limit, the smallest counts."""

    def __init__(self, bandwidths: Iterable[float | None]) -> None:
        least = min((bandwidth for bandwidth in bandwidths if bandwidth is not None), default=None)
        self.limiters = Limiter(least), Limiter(least)
        self._loans: defaultdict[str, Loans] = defaultdict(Loans)

    def loans(self, directory: str) -> Loans:
        """Returns the account of what is lent of the space in a directory."""
        return self._loans[directory]
