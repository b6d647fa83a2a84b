"""What the tests of commands, configurations and hosts that are out go by: what was contacted, changed, run at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end.command import Finished
from tests.lab.host import Host
from tests.lab.lab import Lab

OWN_FOLDERS = ("/tmp", "/var/tmp", "/run", "/dev/shm")


class Look(NamedTuple):
    """What tells whether a file or a folder was touched: a folder's time also when what was made there is gone."""

    inode: int
    mode: int
    size_bytes: int
    mtime_ns: int


def look_at_all(lab: Lab) -> Mapping[str, Look]:
    """All that the manager and the hosts have, but for what their ssh servers write."""
    hosts = lab.hosts.values()
    folders = [lab.place.home, lab.place.state, lab.place.media, *(host.root for host in hosts)]
    folders += [host.path(folder) for host in hosts for folder in OWN_FOLDERS]
    found = [path for folder in folders for path in (folder, *folder.rglob("*")) if "sshd" not in path.parts]
    return {str(path): _look(path) for path in found}


def contacts(host: Host) -> int:
    """How many connections were made to a host so far."""
    return host.server.log.read_text().count("Connection from ")


def most_at_once(host: Host) -> int:
    """How many encodes of its stand-in for ffmpeg ran at once, at most."""
    entries = [line.split("\t") for line in host.diary.read_text().splitlines()]
    running = most = 0
    for _, what in sorted((float(time), what) for what, _, time, _ in entries):
        running += 1 if what == "start" else -1
        most = max(most, running)
    return most


def hosts_of(done: Finished) -> Mapping[str, str]:
    """The host where each file was encoded, by its name."""
    return {Path(event["media"]).name: event["host"] for event in done.of("encode_started")}


def host_named(events: Iterable[Mapping[str, object]]) -> set[object]:
    """The hosts that events are about."""
    return {event["host"] for event in events if event.get("host")}


def reasons_of(done: Finished) -> Mapping[str, str]:
    """What stands against each host that was out, by its name."""
    return {event["host"]: event["reason"] for event in done.of("host_unavailable")}


def _look(path: Path) -> Look:
    status = path.lstat()
    return Look(status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
