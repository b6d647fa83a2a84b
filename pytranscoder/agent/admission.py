"""Who is let in by an agent: its own key, the keys that it knows, and the one invitation that may stand open.

Keeps all of it in files, so that it holds over restarts and for `--invite` beside a running agent. Serves nothing.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import asyncssh
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pytranscoder.durable import sync_folder
from pytranscoder.errors import ForbiddenError, StateError, printable
from pytranscoder.hosts.agents.invitation import Invitation, invited_key, new_code
from pytranscoder.hosts.kept_key import kept_key
from pytranscoder.hosts.private_file import locked, write_private

INVITED_FOR_S = 600.0
TRIES = 5
# By how much a clock may be set back without ending an invitation.
SLACK_S = 60.0
LONGEST_KEY = 4 << 10
LONGEST_COMMENT = 100
SHORTEST_RSA_BITS = 2048

_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
# What authorized_keys may say of a key. All but `from` forbid what nobody may do here. A line with any other option
# means less than this agent would allow (`command`), or a time that we do not read (`expiry-time`): it counts for none.
_UNDERSTOOD = frozenset(
    ("from", "restrict", "no-pty", "no-port-forwarding", "no-agent-forwarding", "no-x11-forwarding", "no-user-rc")
)


@dataclass(frozen=True, slots=True)
class _Open:
    """An invitation as it is kept: not the code, but the public key that goes with it. In Unix seconds."""

    key: str
    expires_s: float
    tries_left: int

    def is_for(self, key: asyncssh.SSHKey) -> bool:
        return hmac.compare_digest(base64.b64decode(self.key), key.public_data)


class Admission:
    """What an agent knows of those who come. `state` is its folder, `authorized_keys` are files of the user's own.

    All methods are safe beside other threads and processes with the same folder.
    """

    def __init__(
        self, state: Path, authorized_keys: Sequence[Path] = (), clock: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._known = state / "authorized_keys"
        self._invitation = state / "invitation.json"
        self._files = (self._known, *authorized_keys)
        self._clock = clock

    def host_key(self) -> asyncssh.SSHKey:
        """Returns the key of this agent, which is made the first time.

        Raises StateError.
        """
        return kept_key(self._state / "host_ed25519", "pytranscoder agent")

    @property
    def fingerprint(self) -> str:
        """The fingerprint of that key, as ssh writes it. Raises StateError."""
        return self.host_key().get_fingerprint("sha256")

    def admits(self, key: asyncssh.SSHKey, peer: str = "") -> bool:
        """Whether the agent knows a key; `peer` is the address of the other machine, for lines with `from=`.

        The files are read each time. Lines that cannot be read are left out.
        """
        return any(_admits(line, key, peer) for path in self._files for line in _lines(path))

    def invite(self, address: str, port: int) -> Invitation:
        """Makes an invitation to this agent, which is at that address; an earlier one ends.

        Raises StateError.
        """
        invitation = Invitation(address, port, self.fingerprint, new_code())
        public = base64.b64encode(invited_key(invitation.code).public_data).decode("ascii")
        try:
            with locked(self._state):
                self._write(_Open(public, self._clock() + INVITED_FOR_S, TRIES))
        except OSError as exc:
            raise StateError(f"{printable(self._invitation)} cannot be written: {exc.strerror or exc}") from exc
        return invitation

    def admits_invited(self, key: asyncssh.SSHKey) -> bool:
        """Whether a key belongs to the code of the open invitation; one that does not costs a try.

        The right one may be shown as often as a login needs: `enrol` is what spends it.
        """
        with suppress(OSError), locked(self._state):
            invitation = self._read()
            if invitation is None:
                return False
            if invitation.is_for(key):
                return True
            self._write(replace(invitation, tries_left=invitation.tries_left - 1))
        return False

    def enrol(self, public_key_line: str, comment: str, invited: asyncssh.SSHKey) -> None:
        """Adds a public key to those that the agent knows, at the cost of the invitation by which it came.

        `invited` is the key that its bearer was let in with.
        Raises ForbiddenError, and OSError when it cannot be written; then the invitation is spent all the same.
        """
        key = _read_public_key(public_key_line)
        with locked(self._state):
            invitation = self._read()
            # Another one may have been made since its bearer was let in: that is not theirs to spend.
            if invitation is None or not invitation.is_for(invited):
                raise ForbiddenError("the invitation is spent or has expired")
            self._invitation.unlink()
            sync_folder(self._state)
            self._add(key, comment)

    def _add(self, key: asyncssh.SSHKey, comment: str) -> None:
        lines = [line for line in _lines(self._known) if line]
        if any(_admits(line, key, "") for line in lines):
            return
        words = " ".join("".join(char if char.isprintable() else " " for char in comment).split())[:LONGEST_COMMENT]
        added = f"{key.export_public_key().decode('ascii').strip()} {words}".strip()
        write_private(self._known, "".join(f"{line}\n" for line in [*lines, added]).encode("utf-8", "replace"))

    def _read(self) -> _Open | None:
        """Returns the invitation if it is open. What is not as it was written is none."""
        try:
            invitation = _read_open(self._invitation.read_bytes())
        except (OSError, ValueError, TypeError, KeyError):
            return None
        left_s = invitation.expires_s - self._clock()
        # More than it was given: the clock was set back, and might keep it open for long.
        return invitation if invitation.tries_left > 0 and 0 < left_s <= INVITED_FOR_S + SLACK_S else None

    def _write(self, invitation: _Open) -> None:
        write_private(self._invitation, json.dumps(asdict(invitation)).encode("ascii"))


def _read_open(content: bytes) -> _Open:
    found = json.loads(content)
    base64.b64decode(found["key"])
    return _Open(str(found["key"]), float(found["expires_s"]), int(found["tries_left"]))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").rstrip("\n").split("\n")
    except OSError:
        return []


def _admits(line: str, key: asyncssh.SSHKey, peer: str) -> bool:
    try:
        options = asyncssh.import_authorized_keys(line).validate(key, peer, peer)
    except ValueError:  # no key is in it, or `from` is asked of what is no address
        return False
    return options is not None and options.keys() <= _UNDERSTOOD


def _read_public_key(line: str) -> asyncssh.SSHKey:
    words = line.split(maxsplit=2)
    if len(line) > LONGEST_KEY or len(line.strip().splitlines()) != 1 or len(words) < 2 or words[0] not in _KINDS:
        raise ForbiddenError(f"it is not one public key, in one line, of a kind among {', '.join(_KINDS)}")
    try:
        key = asyncssh.import_public_key(" ".join(words[:2]))
    except ValueError as exc:
        raise ForbiddenError(f"it is no public key ({exc})") from exc
    if key.get_algorithm() != words[0]:
        raise ForbiddenError(f"it says {words[0]}, but is a key of another kind")
    if words[0] == "ssh-rsa" and cast(RSAPublicKey, key.pyca_key).key_size < SHORTEST_RSA_BITS:
        raise ForbiddenError(f"it is too short; an RSA key must have {SHORTEST_RSA_BITS} bits")
    return key
