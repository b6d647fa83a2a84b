"""The lab's own network: a bridge, and a cable to each host. Knows nothing of what runs at either end.

The manager's end of the bridge is in the namespace where the tests run; 198.18.0.0/15 is kept for test networks
(RFC 2544), so no home network is in the way.
"""

import socket
from contextlib import suppress

from tests.lab.commands import LabError, run

# What the names of links, folders and groups of labs begin with; the number of the lab follows.
PREFIX = "ptc"
NETWORKS = 256
MOST_HOSTS = 200
# tbf: the deeper the bucket, the less a busy machine's late timers cost; the longest queue is that of a home router.
_BUCKET_S = 0.005
_SMALLEST_BUCKET = 32 * 1024
_QUEUE = "50ms"


class Network:
    """One of `NETWORKS` bridges, which is ours until `close` or our end."""

    def __init__(self) -> None:
        self._lock, self.number = _take_number()
        self.bridge = f"{PREFIX}{self.number}"
        run(
            ("ip", "-batch", "-"),
            f"link add {self.bridge} type bridge\naddr add {self.address(0)}/24 dev {self.bridge}\n"
            f"link set {self.bridge} up\n",
        )

    def address(self, place: int) -> str:
        """The address of a host by its place, from 1; the manager's is 0."""
        return f"198.18.{self.number}.{place + 1}"

    def close(self) -> None:
        """Remove the bridge and let others have its number."""
        remove_link(self.bridge)
        self._lock.close()


def lock_number(number: int) -> socket.socket | None:
    """Make a number ours until the socket is closed or we end, whatever of; None when somebody has it."""
    # A name in the abstract namespace is unique where the names of bridges must be: in one network namespace. It
    # leaves no file.
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0pytranscoder-lab-{number}")
    except OSError:
        lock.close()
        return None
    return lock


def remove_link(name: str) -> None:
    """Remove a bridge or a cable; it may be gone."""
    with suppress(LabError):
        run(("ip", "link", "del", name))


def _take_number() -> tuple[socket.socket, int]:
    for number in range(NETWORKS):
        if lock := lock_number(number):
            return lock, number
    raise LabError(f"there are {NETWORKS} labs already")


class Cable:
    """What connects one host, by its place, with the bridge. Not there until it is plugged in."""

    def __init__(self, network: Network, place: int) -> None:
        self.address = network.address(place)
        self._bridge = network.bridge
        self._ours = f"{network.bridge}h{place}"
        # A host keeps its hardware address over a reboot, or our side would look for the old one for a while.
        self._hardware = f"02:70:74:63:{network.number:02x}:{place:02x}"
        self._process: int | None = None
        self.rate_bit_s: float | None = None

    @property
    def is_plugged(self) -> bool:
        """Whether it is there."""
        return self._process is not None

    def plug(self, process: int) -> None:
        """Connect the network namespace of a process."""
        run(
            ("ip", "-batch", "-"),
            f"link add {self._ours} type veth peer name eth0 address {self._hardware} netns {process}\n"
            f"link set {self._ours} master {self._bridge} up\n",
        )
        self._process = process
        inside = f"link set lo up\naddr add {self.address}/24 dev eth0\nlink set eth0 up\n"
        self._inside("ip", "-batch", "-", text=inside)
        if self.rate_bit_s is not None:
            self._shape(self.rate_bit_s)

    def unplug(self) -> None:
        """Remove the cable; it may be gone."""
        self._process = None
        remove_link(self._ours)

    def cut(self) -> None:
        """Let nothing through in either direction; nobody is told."""
        run(("ip", "link", "set", self._ours, "down"))

    def mend(self) -> None:
        """Undo a cut."""
        run(("ip", "link", "set", self._ours, "up"))

    def limit(self, rate_bit_s: float | None) -> None:
        """Let so many bits a second through in each direction; None is as many as the machine can."""
        if self._process is not None and rate_bit_s != self.rate_bit_s:
            self._shape(rate_bit_s)
        self.rate_bit_s = rate_bit_s

    def _shape(self, rate_bit_s: float | None) -> None:
        # `replace` also where there is no limit: noqueue is what such devices have to begin with.
        if rate_bit_s is None:
            discipline: tuple[str, ...] = ("noqueue",)
        else:
            bucket = max(_SMALLEST_BUCKET, int(rate_bit_s / 8 * _BUCKET_S))
            discipline = ("tbf", "rate", f"{rate_bit_s:.0f}bit", "burst", f"{bucket}b", "latency", _QUEUE)
        run(("tc", "qdisc", "replace", "dev", self._ours, "root", *discipline))
        self._inside("tc", "qdisc", "replace", "dev", "eth0", "root", *discipline)

    def _inside(self, *argv: str, text: str = "") -> str:
        return run(("nsenter", "--target", str(self._process), "--net", "--", *argv), text)
