"""Who is let in by an agent, and for what. Each attack is refused and told, and the agent serves an honest manager."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncssh
import pytest
from asyncssh.packet import Boolean, String, UInt32

from pytranscoder.agent.server import Limits
from pytranscoder.hosts.agents.calls import (
    ENROL,
    INVITED,
    LONGEST_CALL_BYTES,
    RUN,
    USER,
    Call,
    write_call,
)
from pytranscoder.hosts.agents.invitation import Invitation, invited_key, new_code
from tests.agent.standing import LOOPBACK, MakeStanding, Standing

MIB = 1 << 20


NO_LOGIN: dict[str, dict[str, Any]] = {
    "no key": {"client_keys": None},
    "a wrong key": {"client_keys": [asyncssh.generate_private_key("ssh-ed25519")]},
    "a password": {"client_keys": None, "password": "pytranscoder", "preferred_auth": "password"},
    "an empty password": {"client_keys": None, "password": "", "preferred_auth": "password"},
    "keyboard-interactive": {"client_keys": None, "password": "1", "preferred_auth": "keyboard-interactive"},
    "host-based": {"client_keys": None, "client_host_keysign": False, "preferred_auth": "hostbased"},
    "another user": {"username": "root"},
    "the invited user": {"username": INVITED},
}


@pytest.mark.parametrize("settings", NO_LOGIN.values(), ids=NO_LOGIN.keys())
async def test_nobody_logs_in_with(victim: Standing, settings: dict[str, Any]) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await victim.connect(**settings)

    assert await victim.tells("refused to let in", settings.get("username", USER))


async def test_a_public_key_without_its_private_one_is_no_proof(victim: Standing) -> None:
    class Liar(asyncssh.SSHClient):
        def public_key_auth_requested(self) -> Any:
            pair = asyncssh.load_keypairs([asyncssh.generate_private_key("ssh-ed25519")])[0]
            pair.public_data = victim.key.public_data
            return pair

    with pytest.raises((asyncssh.Error, OSError)):
        await victim.connect(client_keys=None, client_factory=Liar)

    assert await victim.tells("refused a connection: more than 10 tries to log in")


async def hand_over(standing: Standing, invitation: Invitation, key: asyncssh.SSHKey) -> int | None:
    settings = {"username": INVITED, "client_keys": [invited_key(invitation.code)]}
    async with await standing.connect(**settings) as connection:
        answer = await connection.run(ENROL, input=key.export_public_key().decode())
    return answer.exit_status


async def test_an_invitation_lets_one_manager_in(victim: Standing) -> None:
    newcomer = asyncssh.generate_private_key("ssh-ed25519")

    assert await hand_over(victim, victim.admission.invite(LOOPBACK, victim.port), newcomer) == 0

    async with await victim.connect(client_keys=[newcomer]):
        pass
    assert await victim.tells("handed over its key")


async def test_an_invitation_counts_once(victim: Standing) -> None:
    invitation = victim.admission.invite(LOOPBACK, victim.port)
    await hand_over(victim, invitation, asyncssh.generate_private_key("ssh-ed25519"))
    thief = asyncssh.generate_private_key("ssh-ed25519")

    with pytest.raises(asyncssh.PermissionDenied):
        await hand_over(victim, invitation, thief)

    with pytest.raises(asyncssh.PermissionDenied):
        await victim.connect(client_keys=[thief])
    assert await victim.tells("refused to let in invited")


async def test_guessing_spends_an_invitation(victim: Standing) -> None:
    invitation = victim.admission.invite(LOOPBACK, victim.port)
    for _ in range(5):
        with pytest.raises(asyncssh.PermissionDenied):
            await victim.connect(username=INVITED, client_keys=[invited_key(new_code())])

    with pytest.raises(asyncssh.PermissionDenied):
        await hand_over(victim, invitation, victim.key)


async def test_an_invitation_is_good_for_handing_over_a_key_only(victim: Standing) -> None:
    invitation = victim.admission.invite(LOOPBACK, victim.port)
    keys = [invited_key(invitation.code)]

    async with await victim.connect(username=INVITED, client_keys=keys) as connection:
        with pytest.raises(asyncssh.Error):
            await connection.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run(RUN, check=True)
    with pytest.raises(asyncssh.PermissionDenied):
        await victim.connect(client_keys=keys)


async def test_a_known_manager_enrols_nobody(victim: Standing) -> None:
    async with await victim.connect() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run(ENROL, input="ssh-ed25519 AAAA")

    assert await victim.tells("refused the command enrol")


Attack = Callable[[asyncssh.SSHClientConnection], Awaitable[object]]
ATTACKS: dict[str, tuple[Attack, str]] = {
    "shell": (lambda to: to.run(), "a shell"),
    "command": (lambda to: to.run("id"), "the command id"),
    "command after a served one": (lambda to: to.run(f"{RUN}; id"), "the command run; id"),
    "empty command": (lambda to: to.run(""), "a shell"),
    "command of 1 MB": (lambda to: to.run("x" * MIB), "to listen further: Max packet size exceeded"),
    "long command": (lambda to: to.run("x" * 30000), "the command xxx"),
    "scp": (lambda to: asyncssh.scp((to, "/etc/passwd"), "/dev/null"), "the command scp"),
    "subsystem": (lambda to: to.run(subsystem="netconf"), "the subsystem netconf"),
    "terminal": (lambda to: to.run(RUN, term_type="xterm", request_pty="force"), "a terminal"),
    "local forwarding": (lambda to: to.open_connection(LOOPBACK, 22), "forwarding to 127.0.0.1:22"),
    "remote forwarding": (lambda to: to.forward_remote_port("", 0, LOOPBACK, 22), "forwarding from"),
    "forwarding to a socket": (lambda to: to.open_unix_connection("/run/x"), "forwarding to /run/x"),
    "forwarding from a socket": (lambda to: to.forward_remote_path("/tmp/x", "/run/x"), "forwarding from /tmp/x"),
    "tunnel": (lambda to: to.open_tun(0), "a tunnel"),
    "tap": (lambda to: to.open_tap(0), "a tunnel"),
}


@pytest.mark.parametrize(("attack", "told"), ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_known_manager_gets_no(victim: Standing, attack: Attack, told: str) -> None:
    async with await victim.connect() as connection:
        with pytest.raises((asyncssh.Error, asyncssh.ChannelListenError, OSError)):
            await attack(connection)

    assert await victim.tells(f"refused {told}")


REQUESTS = {
    "X11 forwarding": ("x11-req", Boolean(False) + String("MIT-MAGIC-COOKIE-1") + String("00" * 16) + UInt32(0)),
    "agent forwarding": ("auth-agent-req@openssh.com", b""),
    "the environment variable LD_PRELOAD": ("env", String("LD_PRELOAD") + String("/tmp/evil.so")),
    "the environment variable FFREPORT": ("env", String("FFREPORT") + String("file=/tmp/x")),
    "a signal": ("signal", String("KILL")),
    "a terminal": ("pty-req", String("xterm") + UInt32(0) * 4 + String("")),
}


@pytest.mark.parametrize("told", REQUESTS)
async def test_a_session_gets_no(victim: Standing, told: str) -> None:
    name, payload = REQUESTS[told]
    async with await victim.connect() as connection:
        process = await connection.create_process(RUN, encoding=None)

        assert not await process.channel._make_request(name.encode(), payload)

    assert await victim.tells(f"refused {told}")


async def test_one_session_runs_one_command(victim: Standing) -> None:
    async with await victim.connect() as connection:
        process = await connection.create_process(RUN, encoding=None)

        assert not await process.channel._make_request(b"exec", String(RUN))
        assert not await process.channel._make_request(b"shell")


BROKEN_CALLS = {
    "no object": b"[]\n",
    "no text": b"\xff\xfe\n",
    "deep": b"[" * 100_000 + b"\n",
    "no words": write_call(Call(("x",), "", "t", 1, 1)).replace(b'["x"]', b'"x"'),
    "a token that says more": write_call(Call(("x",), "", "t\\nptc-begin", 1, 1)),
    "long": b'{"argv": ["' + b"x" * LONGEST_CALL_BYTES + b'"]}\n',
    "1 MB": b"x" * MIB + b"\n",
    "4 MB without an end": b"x" * 4 * MIB,
    "an empty line": b"\n",
}


@pytest.mark.parametrize("call", BROKEN_CALLS.values(), ids=BROKEN_CALLS.keys())
async def test_a_call_that_is_none_is_refused(victim: Standing, call: bytes) -> None:
    async with await victim.connect() as connection:
        answer = await connection.run(RUN, input=call, encoding=None)

    assert answer.exit_status == 2
    assert await victim.tells("refused a call that cannot be understood")


async def test_a_key_that_is_known_no_longer_begins_nothing(attacked: MakeStanding) -> None:
    standing = await attacked()
    other = asyncssh.generate_private_key("ssh-ed25519")
    standing.know(standing.key, other)
    async with await standing.connect(client_keys=[other]) as connection:
        await (await connection.start_sftp_client()).stat(".")
        standing.know(standing.key)

        with pytest.raises((asyncssh.Error, OSError)):
            await (await connection.start_sftp_client()).stat(".")
        assert (await connection.run(RUN, input=b"")).exit_status is None

    assert await standing.tells("refused a session to whoever is no longer let in")


async def test_whoever_was_invited_does_not_stay(attacked: MakeStanding) -> None:
    standing = await attacked(limits=Limits(invited_s=0.2))
    invitation = standing.admission.invite(LOOPBACK, standing.port)
    connection = await standing.connect(username=INVITED, client_keys=[invited_key(invitation.code)])

    async with asyncio.timeout(10):
        await connection.wait_closed()

    assert await standing.tells("refused to let stay", INVITED)


async def test_a_replaced_invitation_is_not_spent_by_an_open_connection(victim: Standing) -> None:
    first = victim.admission.invite(LOOPBACK, victim.port)
    thief, newcomer = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    async with await victim.connect(username=INVITED, client_keys=[invited_key(first.code)]) as earlier:
        later = victim.admission.invite(LOOPBACK, victim.port)
        async with await victim.connect(username=INVITED, client_keys=[invited_key(later.code)]):
            refused = await earlier.run(ENROL, input=thief.export_public_key().decode())

    assert refused.exit_status == 1
    assert await hand_over(victim, later, newcomer) == 0
