"""The line that lets one manager in: where the agent is, the fingerprint of its key, and a code that counts once.

Knows how it is written and which key its code stands for. Connects nothing, keeps nothing, knows no time.
"""

import base64
import re
import secrets
from dataclasses import dataclass

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pytranscoder.arguments import split_address
from pytranscoder.errors import UsageError, printable

CODE_BYTES = 16

# As `ssh-keygen -l` shows it: 32 bytes in base64 without padding.
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_CODE = re.compile(r"[a-z2-7]{26}")
# Keeps the key apart from whatever else may once be made of a code.
_PURPOSE = b"pytranscoder invitation 1"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a manager must know to be let in once; `fingerprint` is that of the agent's host key."""

    address: str
    port: int
    fingerprint: str
    code: str


def new_code() -> str:
    """Returns a code of 128 bits in letters and digits of which no two look alike."""
    return base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode("ascii").rstrip("=").lower()


def write_line(invitation: Invitation) -> str:
    """Returns an invitation as one line: `10.0.0.5:9567 SHA256:… code`."""
    address = f"[{invitation.address}]" if ":" in invitation.address else invitation.address
    return f"{address}:{invitation.port} {invitation.fingerprint} {invitation.code}"


def read_line(text: str) -> Invitation:
    """Understands a line of `write_line`, also with the quotes that Windows' cmd.exe leaves on.

    Raises UsageError.
    """
    words = text.strip(" \t\r\n'\"").split()
    if len(words) != 3:
        raise _unclear(text, "it is not an address, a fingerprint and a code")
    address, port = split_address(words[0])
    if not address or not port:
        raise _unclear(text, f"{printable(words[0])} has no address and port")
    if not _FINGERPRINT.fullmatch(words[1]):
        raise _unclear(text, f"{printable(words[1])} is no fingerprint such as SHA256:…")
    code = words[2].lower()
    if not _CODE.fullmatch(code):
        raise _unclear(text, "its code is not whole")
    return Invitation(address, port, words[1], code)


def invited_key(code: str) -> asyncssh.SSHKey:
    """Returns the private key that a code stands for: to log in with it shows the code to nobody."""
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(code.encode("ascii"))
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return asyncssh.import_private_key(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def _unclear(text: str, why: str) -> UsageError:
    start = printable(text)[:60]
    return UsageError(f"cannot read {start!r}: {why}; paste the line that `pytranscoder agent --invite` printed whole")
