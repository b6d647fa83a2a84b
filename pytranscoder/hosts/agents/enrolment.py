"""Taking up an agent's invitation: makes sure that it is that agent, hands over our key, remembers the agent's.

Asks no ssh configuration and no ssh-agent: what the invitation says is all that counts.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from pytranscoder.errors import StateError, UnreachableError, UsageError, printable
from pytranscoder.hosts.agents.calls import AGENT_PORT, ENROL, INVITED, USER
from pytranscoder.hosts.agents.invitation import Invitation, invited_key, read_line
from pytranscoder.hosts.agents.trust import Trust, known_as
from pytranscoder.hosts.connect_faults import explain
from pytranscoder.hosts.connection import CONNECT_FAULTS, CONNECT_WITHIN_S
from pytranscoder.hosts.ssh_settings import CIPHERS, HOST_KEYS, Settings

LONGEST_REASON = 300


class _RefusedError(Exception):
    """The agent does not take a key."""


class _Examiner(asyncssh.SSHClient):
    """Trusts the server that has this fingerprint, and no other."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port
        return hmac.compare_digest(key.get_fingerprint("sha256"), self._fingerprint)


async def accept(line: str, trust: Trust) -> str:
    """Takes up the invitation in a line, and returns a sentence that says what to do next.

    Raises UsageError for a line that is not good or not any more, UnreachableError, StateError when what is to be
    remembered cannot be kept.
    """
    invitation = read_line(line)
    own = asyncssh.read_private_key(await asyncio.to_thread(trust.key))
    try:
        await _hand_over(invitation, own)
        what = "knows this machine now"
    except _RefusedError as refusal:
        # A line that is pasted once more has done already what it is for.
        if not await _is_let_in(invitation, own, trust):
            raise UsageError(f"the agent at {_place(invitation)} {refusal}") from refusal
        what = "knew this machine already"
    else:
        if not await _is_let_in(invitation, own, trust):
            raise UnreachableError(
                invitation.address, "its agent took our key, but does not let us in; see what it says"
            )
    port = f", `port: {invitation.port}`" if invitation.port != AGENT_PORT else ""
    how = f"`type: agent`, `ip: {invitation.address}`{port}"
    return f"the agent at {_place(invitation)} {what}; add it to a cluster of the configuration with {how}"


async def _hand_over(invitation: Invitation, own: asyncssh.SSHKey) -> None:
    async with _logged_in(invitation, INVITED, invited_key(invitation.code)) as connection:
        answer = await connection.run(ENROL, input=own.export_public_key().decode("ascii"))
    if answer.exit_status != 0:
        reason = printable(str(answer.stderr).strip()[:LONGEST_REASON]) or "it does not say why"
        raise _RefusedError(f"does not take the key of this machine: {reason}")


async def _is_let_in(invitation: Invitation, own: asyncssh.SSHKey, trust: Trust) -> bool:
    """Whether the agent knows our key; then its own is remembered."""
    try:
        async with _logged_in(invitation, USER, own) as connection:
            host_key = connection.get_server_host_key()
    except _RefusedError:
        return False
    assert host_key is not None  # noqa: S101  # for the type checker: the examiner has seen one
    try:
        trust.pin(invitation.address, invitation.port, host_key)
    except OSError as exc:
        raise StateError(f"{printable(trust.known_hosts)} cannot be written: {exc.strerror or exc}") from exc
    return True


@asynccontextmanager
async def _logged_in(
    invitation: Invitation, user: str, key: asyncssh.SSHKey
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Lends a connection, for 10 s with what is done on it. Raises _RefusedError, UnreachableError."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            connection = await _connect(invitation, user, key)
            try:
                yield connection
            finally:
                connection.abort()
    except asyncssh.HostKeyNotVerifiable as exc:
        raise UnreachableError(invitation.address, _NOT_THAT_AGENT) from exc
    except asyncssh.PermissionDenied as exc:
        raise _RefusedError(_NO_CODE) from exc
    except CONNECT_FAULTS as exc:
        raise UnreachableError(invitation.address, explain(_settings(invitation, user), exc)) from exc


_NOT_THAT_AGENT = (
    "what answers there is not the agent that made this line, its key is another;"
    " see that the address is right, and paste a new line of `pytranscoder agent --invite`"
)
_NO_CODE = (
    "does not know the code: it counts once, for 10 minutes, and for 5 tries;"
    " get a new line there with `pytranscoder agent --invite`"
)


async def _connect(invitation: Invitation, user: str, key: asyncssh.SSHKey) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        invitation.address,
        invitation.port,
        username=user,
        client_keys=[key],
        client_factory=lambda: _Examiner(invitation.fingerprint),
        # With a list that is empty all is up to the examiner. Certificates and Kerberos would not ask it.
        known_hosts=asyncssh.SSHKnownHosts(),
        server_host_key_algs=",".join(HOST_KEYS),
        x509_trusted_certs=None,
        gss_kex=False,
        gss_auth=False,
        preferred_auth="publickey",
        config=None,
        agent_path=None,
        encryption_algs=CIPHERS,
        login_timeout=0,
    )


def _settings(invitation: Invitation, user: str) -> Settings:
    """What the map of faults must know."""
    name = known_as(invitation.address, invitation.port)
    return Settings(
        invitation.address,
        invitation.address,
        invitation.port,
        user,
        name,
        is_known=True,
        jumps=(),
        options={},
        is_agent=True,
    )


def _place(invitation: Invitation) -> str:
    return (
        f"[{invitation.address}]:{invitation.port}"
        if ":" in invitation.address
        else f"{invitation.address}:{invitation.port}"
    )
