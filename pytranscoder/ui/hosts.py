"""How the hosts of a run stand and what to call them, folded from events. Knows no encode and no terminal."""

import re
from dataclasses import dataclass, replace

from pytranscoder.jobs.events import (
    AttemptFailed,
    CancelRequested,
    EncodeStarted,
    Event,
    HostReady,
    HostUnavailable,
    JobFinished,
    Outcome,
    RunStarted,
    Transfer,
)

# Cluster and name: what tells a host from the others of a run.
HostKey = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class HostRecord:
    """One host: what stands against it at the moment, and what it did. `failures` counts attempts, not jobs."""

    key: HostKey
    trouble: HostUnavailable | None = None
    encoded: int = 0
    source_bytes: int = 0
    seconds: float = 0.0
    failures: int = 0


class Hosts:
    """The hosts that this run has told of. `in_cluster` is False when all there is to tell of is this machine.

    Once `is_stopping`, what runs is being ended, and what fails is no failure.
    """

    def __init__(self) -> None:
        self.in_cluster = False
        self.is_stopping = False
        self._records: dict[HostKey, HostRecord] = {}
        self._clusters: dict[str, set[str | None]] = {}
        self._expected: tuple[HostKey, ...] = ()
        self._answered: set[str | None] = set()
        self._given_up: set[str] = set()

    def handle(self, event: Event) -> None:
        """Takes an event into account."""
        match event:
            case RunStarted():
                self._expected = event.hosts
                for cluster, host in event.hosts:
                    self._name(cluster, host)
            case HostReady():
                self._answered.add(event.cluster)
                self._put(replace(self.record(event.cluster, event.host), trouble=None))
            case HostUnavailable():
                self._put(replace(self.record(event.cluster, event.host), trouble=event))
            case EncodeStarted() | Transfer():
                self._put(self.record(event.cluster, event.host))
            case AttemptFailed():
                self._fail(event)
            case JobFinished():
                self._finish(event)
            case CancelRequested():
                self.is_stopping = True
            case _:
                pass

    def record(self, cluster: str | None, host: str) -> HostRecord:
        """What is known of a host; a new record when that is nothing."""
        return self._records.get((cluster, host)) or HostRecord((cluster, host))

    def all(self) -> list[HostRecord]:
        """The hosts of each cluster in the order in which a person would sort their names: ``pc2`` before ``pc10``."""
        return sorted(self._records.values(), key=lambda record: [_natural(part or "") for part in record.key])

    def label(self, cluster: str | None, host: str | None) -> str:
        """What to call a host: ``cluster/host`` where two clusters have the name; empty in local mode."""
        if host is None or not self.in_cluster:
            return ""
        is_ambiguous = cluster is not None and len(self._clusters.get(host, ())) > 1
        return f"{cluster}/{host}" if is_ambiguous else host

    def is_hopeless(self, cluster: str | None) -> bool:
        """Whether all hosts of a cluster have been tried and none could ever be used: no job waits for them."""
        records = [self.record(*key) for key in self._expected if key[0] == cluster]
        return cluster not in self._answered and bool(records) and all(record.trouble for record in records)

    def unusable_clusters(self) -> list[str]:
        """The clusters none of whose hosts can take work, or could when their jobs were given up."""
        usable = {record.key[0] for record in self._records.values() if record.trouble is None}
        lacking = {cluster for cluster, _ in self._records if cluster is not None and cluster not in usable}
        return sorted(lacking | self._given_up)

    def _put(self, record: HostRecord) -> None:
        cluster, host = record.key
        self.in_cluster = self.in_cluster or cluster is not None
        self._name(cluster, host)
        self._records[record.key] = record

    def _name(self, cluster: str | None, host: str) -> None:
        self._clusters.setdefault(host, set()).add(cluster)

    def _fail(self, event: AttemptFailed) -> None:
        record = self.record(event.cluster, event.host)
        # Lack of sessions or of room is no failure, nor is what was stopped.
        is_failure = not event.no_capacity and not event.unfit and not event.stopped and not self.is_stopping
        self._put(replace(record, failures=record.failures + is_failure))

    def _finish(self, event: JobFinished) -> None:
        if event.outcome is Outcome.CANCELLED and event.cluster is not None and not self.is_stopping:
            self._given_up.add(event.cluster)
        if event.host is None:
            return
        record = self.record(event.cluster, event.host)
        if event.outcome is Outcome.ENCODED:
            record = replace(
                record,
                encoded=record.encoded + 1,
                source_bytes=record.source_bytes + event.source_bytes,
                seconds=record.seconds + event.seconds,
            )
        self._put(record)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
