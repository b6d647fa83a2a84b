"""How fast a run goes and how long it will last: work, what was done of it, and in which time. Reads no clock."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from pytranscoder.ui.hosts import HostKey

# Before that, the measured rate is mostly ffmpeg's start.
_RATE_SETTLES_AFTER_S = 3.0


class _HostPace:
    """What one host has done, and in which time: that in which it had an attempt to encode, since its first encode.

    So the upload before the first encode does not count, but one that encodes have to wait for does.
    """

    def __init__(self) -> None:
        self.attempts: set[str] = set()
        self.spent_work = 0.0
        self.busy_s = 0.0
        self.has_encoded = False

    def rate(self, work_under_way: float) -> float | None:
        spent = self.spent_work + work_under_way
        return spent / self.busy_s if self.busy_s >= _RATE_SETTLES_AFTER_S and spent > 0 else None


class _Backlog:
    """The jobs of one cluster that are not over, and the mean work of those that were probed."""

    def __init__(self) -> None:
        self.unprobed: set[int] = set()
        self.work: dict[int, float] = {}
        self._ready_count = 0
        self._ready_work = 0.0

    def ready(self, job: int, work: float) -> None:
        self.unprobed.discard(job)
        self.work[job] = work
        self._ready_count += 1
        self._ready_work += work

    def left(self) -> float:
        """A file that is not probed yet counts with the mean of those that are."""
        mean = self._ready_work / self._ready_count if self._ready_count else 0.0
        return sum(self.work.values()) + mean * len(self.unprobed)


class Pace:
    """Measures each host by itself, so that a slow one says nothing of a fast one."""

    def __init__(self) -> None:
        self._hosts: dict[HostKey, _HostPace] = {}
        self._backlogs: dict[str | None, _Backlog] = {}
        self._clusters: dict[int, str | None] = {}
        self._last_time: float | None = None

    @property
    def jobs_left(self) -> int:
        """The number of jobs that are not over."""
        return sum(len(backlog.unprobed) + len(backlog.work) for backlog in self._backlogs.values())

    def pass_time(self, time: float) -> None:
        """Lets the time pass until an event."""
        # A wall clock may be set back in mid-run.
        passed = 0.0 if self._last_time is None else max(0.0, time - self._last_time)
        self._last_time = time
        for host in self._hosts.values():
            if host.attempts and host.has_encoded:
                host.busy_s += passed

    def queue(self, job: int, cluster: str | None) -> None:
        """A job of unknown work was found."""
        self._clusters[job] = cluster
        self._backlog(cluster).unprobed.add(job)

    def ready(self, job: int, cluster: str | None, work: float) -> None:
        """The work of a job is known."""
        self._clusters[job] = cluster
        self._backlog(cluster).ready(job, work)

    def finish(self, job: int) -> None:
        """Nothing is left to do for a job."""
        backlog = self._backlog(self._clusters.pop(job, None))
        backlog.unprobed.discard(job)
        backlog.work.pop(job, None)

    def work_of(self, job: int) -> float:
        """The work of a job; 0 when it is not known."""
        return self._backlog(self._clusters.get(job)).work.get(job, 0.0)

    def begin(self, host: HostKey, attempt: str, *, encodes: bool) -> None:
        """An attempt is for this host to do, if not yet to encode."""
        pace = self._hosts.setdefault(host, _HostPace())
        pace.attempts.add(attempt)
        pace.has_encoded = pace.has_encoded or encodes

    def end(self, host: HostKey, attempt: str, work_done: float) -> None:
        """The host has done what it will do of an attempt."""
        pace = self._hosts.setdefault(host, _HostPace())
        if attempt in pace.attempts:
            pace.attempts.discard(attempt)
            pace.spent_work += work_done

    def work_left(self, done: Mapping[int, float]) -> float:
        """The work still to do when so much of running jobs is done."""
        return sum(self._left(cluster, done) for cluster in self._backlogs)

    def eta_s(
        self, done: Mapping[int, float], under_way: Mapping[HostKey, float], down: Sequence[HostKey]
    ) -> float | None:
        """Seconds until each cluster has done its jobs at the rates measured; None until there is something to go on.

        `done` is of work by job, `under_way` by host, of attempts that have not ended; hosts in `down` do no more.
        """
        needs = [(self._left(cluster, done), self._rate(cluster, under_way, down)) for cluster in self._backlogs]
        if any(left > 0 and rate is None for left, rate in needs):
            return None
        return max((left / rate for left, rate in needs if rate), default=None)

    def _backlog(self, cluster: str | None) -> _Backlog:
        return self._backlogs.setdefault(cluster, _Backlog())

    def _left(self, cluster: str | None, done: Mapping[int, float]) -> float:
        backlog = self._backlogs[cluster]
        return backlog.left() - sum(work for job, work in done.items() if job in backlog.work)

    def _rate(self, cluster: str | None, under_way: Mapping[HostKey, float], down: Sequence[HostKey]) -> float | None:
        """The sum of what the hosts at work do; one that was not measured yet counts with the mean of the others."""
        hosts = {key: pace for key, pace in self._hosts.items() if key[0] == cluster and key not in down}
        rates = {key: pace.rate(under_way.get(key, 0.0)) for key, pace in hosts.items()}
        measured = [rate for rate in rates.values() if rate is not None]
        if not measured:
            return None
        # Between two encodes nothing is at work for a moment.
        active = [rate for key, rate in rates.items() if hosts[key].attempts] or measured
        return sum(fmean(measured) if rate is None else rate for rate in active)
