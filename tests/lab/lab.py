"""A lab: a manager's home and media, and hosts with real ssh servers that a user of that home reaches by name.

The manager is whoever runs with the lab's environment in the namespace of the tests; the hosts are machines on this
machine, see `machine.py`. Everything is gone when the context ends, and when its process dies, but for a folder and a
bridge, which the next lab removes.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from pytranscoder.hosts.agents.trust import Trust
from tests.end_to_end.command import PROFILES, Place
from tests.lab.commands import LabError, require
from tests.lab.cpu import Share
from tests.lab.host import Entry, Host
from tests.lab.leftovers import remove_leftovers
from tests.lab.machine import Machine
from tests.lab.network import MOST_HOSTS, Cable, Network

_SSH_CONFIG = """\
Host {name}
    HostName {address}
    Port {port}
    User {user}
    IdentityFile {key}
    UserKnownHostsFile {known_hosts}
    StrictHostKeyChecking yes
"""


class Lab:
    """`place` has the manager's home, state and media; `hosts` are those made so far, by name.

    `name` is what all that it makes on the machine is named after.
    """

    name: str
    place: Place

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with self._cleanup:
            remove_leftovers()
            self._network = Network()
            self._cleanup.callback(self._network.close)
            self.name = self._network.bridge
            self._root = Path(tempfile.mkdtemp(prefix=f"{self.name}-")).resolve()
            self._cleanup.callback(shutil.rmtree, self._root)
            self._root.chmod(0o755)  # hosts have users that are not root
            self.place = Place.make(self._root)
            self._make_key()
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def host(self, name: str, *, user: str = "root", login_shell: str = "bash", port: int | None = None) -> Host:
        """Make a host and switch it on; `login_shell` is its user's login shell: bash, dash, busybox or fish.

        Or it is `agent`: then the host has an agent and no ssh server.
        """
        number = len(self.hosts) + 1
        if name in self.hosts or number > MOST_HOSTS:
            raise LabError(f"no host {name} can be added: there is one, or there are {MOST_HOSTS}")
        root = self._root / "hosts" / name
        root.mkdir(parents=True)
        machine = Machine(name, self._root, root, require("busybox") if login_shell == "busybox" else "")
        share = Share(f"{self.name}-{number}")
        host = Host(machine, Cable(self._network, number), share, root, user=user, login_shell=login_shell, port=port)
        self._introduce(host)
        self._cleanup.callback(share.remove)
        self._cleanup.callback(host.power_off)
        host.power_on()
        self.hosts[name] = host
        return host

    def local(self, name: str = "here", **keys: Any) -> Entry:
        """The manager's own entry in a cluster."""
        return {name: {"type": "local"} | keys}

    def configure(self, clusters: Mapping[str, Entry], text: str = PROFILES, **settings: object) -> None:
        """Write the manager's configuration: clusters of entries, more `settings` and the `text` of the profiles."""
        self.place.configure(text, clusters=clusters, **settings)

    def ssh(self, host: Host, line: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a command line on a host to its end by the ssh of OpenSSH."""
        argv = self.ssh_command(host, line, *options)
        return subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL, text=True)

    def ssh_command(self, host: Host, line: str, *options: str) -> list[str]:
        """The command that runs a command line on a host as the manager's user would."""
        return [require("ssh"), "-F", str(self._ssh / "config"), "-o", "BatchMode=yes", *options, host.name, line]

    @property
    def _ssh(self) -> Path:
        return self.place.home / ".ssh"

    def _make_key(self) -> None:
        self._ssh.mkdir(mode=0o700)
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(self._ssh / "id_ed25519")
        (self._ssh / "id_ed25519").chmod(0o600)
        self._public_key = key.export_public_key().decode().strip()

    def _introduce(self, host: Host) -> None:
        # Each side knows the other's key, as when a user has logged in by hand before.
        if host.is_agent:
            trust = Trust(self.place.state / "pytranscoder" / "agents")
            host.server.admit(asyncssh.read_private_key(trust.key()).export_public_key().decode().strip())
            trust.pin(host.address, host.port, asyncssh.import_public_key(host.server.public_key))
            return
        host.server.admit(self._public_key)
        known_hosts = self._ssh / "known_hosts"
        place = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
        _append(known_hosts, f"{place} {host.server.public_key}\n")
        key = self._ssh / "id_ed25519"
        values = {"name": host.name, "address": host.address, "port": host.port, "user": host.user}
        _append(self._ssh / "config", _SSH_CONFIG.format(**values, key=key, known_hosts=known_hosts))


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
