"""The report at the end of a run: tables of its files and hosts, totals, failures, notes. Writes nothing."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from os import PathLike

from pytranscoder.errors import printable
from pytranscoder.jobs.events import JobFinished, Outcome, RunFinished
from pytranscoder.ui.format import change, count, duration, gain, left, right, shrinkage, size
from pytranscoder.ui.hosts import HostRecord, Hosts
from pytranscoder.ui.narrator import names_host, reason_of

# With more files than that, each of them was said as it ended, and totals and failures are what counts.
FILES_LISTED = 50

_SIZES_FROM_WIDTH = 64
_OUTCOME_CELLS = 9

Show = Callable[["str | PathLike[str]"], str]


def summary_lines(
    run: RunFinished,
    jobs: Sequence[JobFinished],
    width: int = 80,
    show: Show = printable,
    hosts: Hosts | None = None,
) -> list[str]:
    """The report in lines of at most `width` cells, but for reasons and notes, which are never cut."""
    hosts = hosts or Hosts()
    if not jobs:
        return [_why_nothing(run), *_troubles(hosts, show)]
    lines = [*_table(jobs, width, show), ""] if len(jobs) <= FILES_LISTED else []
    lines += _totals(run, width)
    lines += _host_table(hosts, width, show)
    lines += _section("failed", _failures(jobs, show, hosts))
    lines += _troubles(hosts, show)
    lines += _section("notes", _notes(jobs, show))
    return lines + _interruption(run)


def _why_nothing(run: RunFinished) -> str:
    if run.interrupted:
        return "interrupted: nothing was done"
    return "no usable host: nothing was done" if run.no_host else "nothing to do"


def no_host_lines(hosts: Hosts) -> list[str]:
    """A sentence for each cluster that had nothing to encode with in the end."""
    return [f"no usable host in cluster {cluster}" for cluster in hosts.unusable_clusters()]


def _table(jobs: Sequence[JobFinished], width: int, show: Show) -> list[str]:
    with_sizes = width >= _SIZES_FROM_WIDTH
    heading = ("outcome", "before", "after", "change", "time")
    rows = [_row("file", heading, width, with_sizes=with_sizes)]
    rows += [_row(show(job.media.name), _cells(job), width, with_sizes=with_sizes) for job in jobs]
    return [row.rstrip() for row in rows]


def _cells(job: JobFinished) -> tuple[str, str, str, str, str]:
    before = size(job.source_bytes) if job.source_bytes else ""
    time = duration(job.seconds) if job.attempt else ""
    if job.outcome is not Outcome.ENCODED or job.output_bytes is None:
        return job.outcome.value, before, "", "", time
    after = size(job.output_bytes)
    return job.outcome.value, before, after, change(job.source_bytes, job.output_bytes), time


def _row(name: str, cells: tuple[str, str, str, str, str], width: int, *, with_sizes: bool) -> str:
    outcome, before, after, percent, time = cells
    columns = [left(outcome, _OUTCOME_CELLS)]
    if with_sizes:
        columns += [right(before, 8), right(after, 8)]
    columns += [right(percent, 6), right(time, 8)]
    rest = "  ".join(columns)
    return f"{left(name, max(8, width - 2 - len(rest)))}  {rest}"


def _totals(run: RunFinished, width: int) -> list[str]:
    lines = textwrap.wrap(f"{_counts(run)} in {duration(run.seconds)}", width)
    if run.encoded:
        before, after = run.source_bytes, run.output_bytes
        lines += textwrap.wrap(f"{shrinkage(before, after)}, {gain(before, after)}", width)
    return lines


def _counts(run: RunFinished) -> str:
    counts = {outcome.value: getattr(run, outcome.value) for outcome in Outcome}
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "0 files"


def _host_table(hosts: Hosts, width: int, show: Show) -> list[str]:
    """What each host of a cluster did; `failures` are of attempts, whose jobs others may have encoded."""
    records = hosts.all()
    if not hosts.in_cluster or not any(record.encoded or record.failures for record in records):
        return []
    total = sum(record.source_bytes for record in records)
    rows = [("host", ("encoded", "source", "share", "time", "failures"))]
    rows += [(show(hosts.label(*record.key)), _host_cells(record, total)) for record in records]
    return ["", *(_host_row(name, cells, width) for name, cells in rows)]


def _host_cells(record: HostRecord, total_bytes: int) -> tuple[str, str, str, str, str]:
    share = f"{round(100 * record.source_bytes / total_bytes)} %" if total_bytes else ""
    failures = str(record.failures) if record.failures else ""
    if not record.encoded:
        return "0", "", "", "", failures
    return str(record.encoded), size(record.source_bytes), share, duration(record.seconds), failures


def _host_row(name: str, cells: tuple[str, str, str, str, str], width: int) -> str:
    encoded, source, share, time, failures = cells
    columns = [right(encoded, 7)]
    if width >= _SIZES_FROM_WIDTH:
        columns += [right(source, 8), right(share, 6)]
    columns += [right(time, 8), right(failures, 8)]
    rest = "  ".join(columns)
    return f"{left(name, max(8, width - 2 - len(rest)))}  {rest}".rstrip()


def _troubles(hosts: Hosts, show: Show) -> list[str]:
    if not hosts.in_cluster:
        return []
    out = [record for record in hosts.all() if record.trouble is not None]
    entries = [f"{hosts.label(*record.key)}: {record.trouble.reason}" for record in out if record.trouble]
    nowhere = [] if hosts.is_stopping else no_host_lines(hosts)  # not why it ended
    return [
        *_section("not available at the end", [show(entry) for entry in entries]),
        *([""] if nowhere else []),
        *nowhere,
    ]


def _failures(jobs: Iterable[JobFinished], show: Show, hosts: Hosts) -> list[str]:
    return [_failure(job, show, hosts.label(job.cluster, job.host)) for job in jobs if job.outcome is Outcome.FAILED]


def _failure(job: JobFinished, show: Show, host: str) -> str:
    reason = reason_of(job)
    where = f" on {host}" if host and not names_host(reason) else ""
    return f"{show(job.media)}{where}: {show(reason)}"


def _notes(jobs: Iterable[JobFinished], show: Show) -> list[str]:
    return [f"{show(job.media)}: {show(note)}" for job in jobs for note in job.notes]


def _section(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    lines = ["", f"{title}:", *(f"  {entry}" for entry in entries[:FILES_LISTED])]
    if len(entries) > FILES_LISTED:
        lines.append(f"  and {len(entries) - FILES_LISTED} more, see above")
    return lines


def _interruption(run: RunFinished) -> list[str]:
    if not run.interrupted:
        return []
    what = f"{count(run.cancelled, 'file')} not done" if run.cancelled else "all that was begun is done"
    return ["", f"interrupted: {what}"]
