"""What the tests of streaming, stopping and faults share: films, what a run leaves, and waiting for a certain event."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytranscoder.cli import members
from pytranscoder.config.load import load_config
from pytranscoder.encode.choose import Policy
from pytranscoder.jobs.sources import Request, Selection
from pytranscoder.runner import Order
from tests.end_to_end.command import PROFILES, Event, Running
from tests.end_to_end.command import left_running as left_running_here
from tests.lab.host import Host
from tests.lab.lab import Lab

# More profiles: one whose output is as large as its source, and one that ffmpeg does not understand.
MORE_PROFILES = f"""{PROFILES}\
  copy:
    output_options_video: "-c:v copy"
    output_options_audio: "-c:a copy"
    extension: .mkv
  wrong:
    include: small
    output_options_video: "-c:v libx264 -no_such_option 1"
"""


def wait_until(running: Running, name: str, **fields: Any) -> Event:
    """Read events until one of this name has come whose fields have these values."""
    while True:
        event = running.wait_for(name)
        if all(event[field] == value for field, value in fields.items()):
            return event


def wait_for_bytes(running: Running, direction: str, least_bytes: int) -> Event:
    """Read events until a copy is so far."""
    while True:
        event = running.wait_for("transfer")
        if event["direction"] == direction and event["done_bytes"] >= least_bytes:
            return event


def enlarge(film: Path, size_bytes: int) -> Path:
    """Make a mp4 larger than it is by a box that players skip."""
    with film.open("ab") as file:
        file.write(size_bytes.to_bytes(4, "big") + b"free" + os.urandom(size_bytes - 8))
    return film


def files_in(folder: Path) -> list[str]:
    """The files and folders below a folder, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def leases(host: Host) -> list[str]:
    """The leases of commands on a host."""
    return files_in(host.root / "home/.cache/pytranscoder/leases")


def remains(host: Host, within_s: float = 2.0) -> list[str]:
    """What a run has left on a host: processes that do not end within a time, files, leases."""
    return host.left_running(within_s) + files_in(host.working_dir) + leases(host)


def all_remains(lab: Lab) -> list[str]:
    """What a run has left on the hosts and on the manager, partial files too."""
    hidden = [name for name in lab.place.names() if Path(name).name.startswith(".")]
    return [what for host in lab.hosts.values() for what in remains(host)] + hidden + left_running_here(lab.place)


def break_data_connection(host: Host) -> None:
    """Break the connection over which files are copied at the moment, and no other."""
    lines = [line.split(maxsplit=2) for line in host.inside("ps", "-eo", "ppid,pid,args").splitlines()]
    parent = next(parent for parent, _, command in lines if "internal-sftp" in command)
    host.inside("kill", f"-{signal.SIGKILL.value}", parent)


def received_bytes(host: Host) -> int:
    """How many bytes have come to a host over its cable since it was switched on."""
    return int(_counters(host)[0])


def sent_bytes(host: Host) -> int:
    """How many bytes have left a host over its cable since it was switched on."""
    return int(_counters(host)[8])


def _counters(host: Host) -> list[str]:
    lines = host.inside("cat", "/proc/net/dev").splitlines()
    return next(line for line in lines if "eth0" in line).partition(":")[2].split()


def order_of(lab: Lab, films: Sequence[Path], *, patience_s: float = 600.0) -> Order:
    """An order for cluster home, whose hosts are tried again very soon, and waited for so long."""
    config = load_config(lab.place.home / ".transcode.yml")
    return Order(
        run="r1",
        requests=[Request(path, Selection(profile="small"), cluster="home") for path in films],
        policy=Policy(profiles=config.profiles),
        hosts=members(config, ["home"], None),
        patience_s=patience_s,
        retry_s=0.2,
    )
