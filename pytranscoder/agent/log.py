"""What an agent tells of its work: a line a job and a refusal, each with the time and the peer. Decides nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pytranscoder.errors import printable

LONGEST_TEXT = 500
# A peer that knocks all the time shall not fill the disk with lines about it.
REFUSALS_TOLD = 20
COUNTED_FOR_S = 60.0
PEERS_COUNTED = 256


@dataclass(slots=True)
class _Count:
    since: float
    refusals: int = 0


class Log:
    """Gives lines to `say`. `peer` is the address of the other machine."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = time.time) -> None:
        self._say = say
        self._clock = clock
        self._counts: dict[str, _Count] = {}

    def tell(self, peer: str, what: str) -> None:
        """Tells what came of a job, or of an invitation."""
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._clock()))
        text = printable(what)
        if len(text) > LONGEST_TEXT:
            text = text[:LONGEST_TEXT] + "…"
        self._say(f"{moment} {peer}: {text}")

    def refuse(self, peer: str, what: str) -> None:
        """Tells of something refused; of the many of a minute only the first, and then how many more there were."""
        count = self._count(peer)
        count.refusals += 1
        if count.refusals <= REFUSALS_TOLD:
            self.tell(peer, f"refused {what}")
        if count.refusals == REFUSALS_TOLD:
            self.tell(peer, f"more refusals of the next {COUNTED_FOR_S:g} s are only counted")

    def _count(self, peer: str) -> _Count:
        now = self._clock()
        count = self._counts.get(peer)
        if count is not None and now - count.since >= COUNTED_FOR_S:
            if count.refusals > REFUSALS_TOLD:
                self.tell(peer, f"{count.refusals - REFUSALS_TOLD} more refusals since the last one told")
            count = None
        if count is None:
            if len(self._counts) >= PEERS_COUNTED:
                self._counts.clear()
            count = self._counts[peer] = _Count(now)
        return count
