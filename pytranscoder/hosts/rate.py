"""How fast copies may go and how much of one may be under way. Pure: is told the time and waits for nothing."""

# Four blocks of the smallest size: a second and a half at 40 kB/s.
LEAST_WINDOW_BYTES = 64 << 10
MOST_WINDOW_BYTES = 32 << 20
# Enough to keep both ends busy; OpenSSH's server gets slow when more than about 16 MiB wait in it for the network.
RESERVE_S = 1.0
MOST_RESERVE_BYTES = 4 << 20
# Twice what a round trip takes, so that the window grows until the link is full.
ROUND_TRIPS = 2
MOST_ROUND_TRIP_S = 0.5
# A window that is smaller may grow also where a round trip takes longer, as on a line that others have filled.
LONGEST_ROUND_TRIP_S = 3.0
SMALL_WINDOW_BYTES = 1 << 20
SAMPLE_S = 0.2
GROWTH_SAMPLE_S = 0.02
# A sleep ends late; what is lost by that may be caught up with.
CATCH_UP_S = 0.1


class Limiter:
    """Keeps the bytes of all who share it below a rate; None is no limit."""

    def __init__(self, bytes_per_s: float | None) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = float("-inf")

    def delay_s(self, count: int, now: float) -> float:
        """Reserves `count` bytes and returns how long to wait before they are moved."""
        if self._bytes_per_s is None:
            return 0.0
        starts_at = max(self._free_at, now - CATCH_UP_S)
        self._free_at = starts_at + count / self._bytes_per_s
        return max(0.0, starts_at - now)


class Window:
    """How many bytes of one copy may be under way, by the rate that is measured and the length of a round trip.

    Enough to fill a fast link with delay. On a slow link that is about a second's worth: what is under way is soon
    there, and a link that is gone is soon noticed. It begins small and at most doubles with each measurement, as the
    first bytes are often faster than the link: they fill what buffers there are.
    """

    def __init__(self, round_trip_s: float, now: float) -> None:
        self._round_trip_s = min(round_trip_s, LONGEST_ROUND_TRIP_S)
        self._since = now
        self._arrived = 0
        self._bytes_per_s = 0.0
        self._sample_s = GROWTH_SAMPLE_S
        self.size_bytes = LEAST_WINDOW_BYTES
        """How many bytes may be under way now."""

    def arrived(self, count: int, now: float) -> None:
        """Takes note of bytes that have arrived."""
        self._arrived += count
        elapsed_s = now - self._since
        if elapsed_s < self._sample_s:
            return
        sample = self._arrived / elapsed_s
        self._bytes_per_s = (self._bytes_per_s + sample) / 2 if self._bytes_per_s else sample
        self._since, self._arrived = now, 0
        reserve = min(self._bytes_per_s * RESERVE_S, MOST_RESERVE_BYTES)
        longest_s = LONGEST_ROUND_TRIP_S if self.size_bytes < SMALL_WINDOW_BYTES else MOST_ROUND_TRIP_S
        wanted = int(reserve + self._bytes_per_s * min(self._round_trip_s, longest_s) * ROUND_TRIPS)
        self._sample_s = SAMPLE_S if wanted < 2 * self.size_bytes else GROWTH_SAMPLE_S
        self.size_bytes = min(max(wanted, LEAST_WINDOW_BYTES), 2 * self.size_bytes, MOST_WINDOW_BYTES)
