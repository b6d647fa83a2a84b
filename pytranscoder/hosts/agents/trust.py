"""What a manager keeps to know its agents and to be known by them: one key of its own, and the host keys of agents.

Connects nothing; `enrolment` does, and `ssh_settings` reads it for each connection.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from pytranscoder.hosts.private_file import locked, write_private

if TYPE_CHECKING:
    import asyncssh

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Trust:
    """A folder with the manager's key for agents and the file of their host keys, as in ssh's known_hosts."""

    folder: Path

    @property
    def key_path(self) -> Path:
        """Where the manager's own key is, once `key` was called."""
        return self.folder / "agents_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Where the host keys of agents are; it may not be there."""
        return self.folder / "known_hosts"

    def key(self) -> Path:
        """Returns where the manager's own private key is, which is made the first time.

        Raises StateError.
        """
        from pytranscoder.hosts.kept_key import kept_key  # noqa: PLC0415  # a run without hosts loads no ssh

        kept_key(self.key_path, "pytranscoder")
        return self.key_path

    def pin(self, address: str, port: int, key: "asyncssh.SSHKey") -> None:
        """Remembers the host key of the agent at an address and port, and forgets an earlier one of it.

        Raises OSError.
        """
        name = known_as(address, port)
        added = f"{name} {key.export_public_key().decode('ascii').strip()}"
        with locked(self.folder):
            lines = [line for line in self._lines() if line.partition(" ")[0] != name]
            write_private(self.known_hosts, "".join(f"{line}\n" for line in [*lines, added]).encode("utf-8"))

    def pinned(self, address: str, port: int) -> tuple[str, ...]:
        """Returns the public keys that are remembered for an address and port."""
        name = known_as(address, port)
        return tuple(key for host, _, key in (line.partition(" ") for line in self._lines()) if host == name)

    def _lines(self) -> list[str]:
        try:
            return self.known_hosts.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []


def default_trust_folder() -> Path:
    """Returns where this user's manager keeps that."""
    return user_state_path("pytranscoder") / "agents"


def known_as(address: str, port: int) -> str:
    """Returns how known_hosts names a host."""
    return address if port == SSH_PORT else f"[{address}]:{port}"
