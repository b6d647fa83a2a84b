"""Taking up an invitation, and reaching the agent from then on, against a real ssh server in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.agent.admission import Admission
from pytranscoder.errors import StateError, UnreachableError, UsageError
from pytranscoder.hosts.agents.enrolment import accept
from pytranscoder.hosts.agents.invitation import invited_key, new_code, write_line
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.connection import Address, Connections
from tests.hosts.front_door import LOOPBACK, front_door
from tests.hosts.sshd import free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns our home, in which nothing is known."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def admission(tmp_path: Path) -> Admission:
    return Admission(tmp_path / "agent")


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "manager")


@pytest.fixture
async def port(admission: Admission) -> AsyncIterator[int]:
    async with front_door(admission) as number:
        yield number


def line_of(admission: Admission, port: int) -> str:
    return write_line(admission.invite(LOOPBACK, port))


async def reason_of(line: str, trust: Trust) -> str:
    with pytest.raises(UnreachableError) as raised:
        await accept(line, trust)
    return raised.value.reason


async def test_an_invitation_makes_each_known_to_the_other(admission: Admission, trust: Trust, port: int) -> None:
    said = await accept(line_of(admission, port), trust)

    assert said == (
        f"the agent at 127.0.0.1:{port} knows this machine now;"
        f" add it to a cluster of the configuration with `type: agent`, `ip: 127.0.0.1`, `port: {port}`"
    )
    assert admission.admits(asyncssh.read_private_key(trust.key()).convert_to_public())
    assert trust.pinned(LOOPBACK, port) == (admission.host_key().export_public_key().decode().rsplit(" ", 2)[0],)


async def test_a_line_that_was_taken_up_may_be_given_again(admission: Admission, trust: Trust, port: int) -> None:
    line = line_of(admission, port)
    await accept(line, trust)

    assert "knew this machine already; add it to" in await accept(line, trust)


async def test_a_line_that_another_machine_took_up_is_refused(
    admission: Admission, trust: Trust, port: int, tmp_path: Path
) -> None:
    line = line_of(admission, port)
    await accept(line, Trust(tmp_path / "other"))

    with pytest.raises(UsageError, match=r"does not know the code: it counts once, for 10 minutes, .* get a new line"):
        await accept(line, trust)
    assert trust.pinned(LOOPBACK, port) == ()


async def test_a_guessed_code_is_refused(admission: Admission, trust: Trust, port: int) -> None:
    guess = replace(admission.invite(LOOPBACK, port), code=new_code())

    with pytest.raises(UsageError, match="does not know the code"):
        await accept(write_line(guess), trust)


async def test_an_agent_that_takes_no_key_is_quoted(admission: Admission, trust: Trust, port: int) -> None:
    line = line_of(admission, port)
    trust.key().write_bytes(asyncssh.generate_private_key("ssh-rsa", key_size=1024).export_private_key())

    with pytest.raises(UsageError, match=r"does not take the key of this machine: it is too short"):
        await accept(line, trust)


async def test_an_agent_that_takes_a_key_and_lets_nobody_in_is_said_so(admission: Admission, trust: Trust) -> None:
    async with front_door(admission, forgetful=True) as port:
        reason = await reason_of(line_of(admission, port), trust)

    assert reason == "its agent took our key, but does not let us in; see what it says"
    assert trust.pinned(LOOPBACK, port) == ()


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
async def test_another_server_at_the_address_learns_nothing(admission: Admission, trust: Trust, kind: str) -> None:
    async with front_door(admission, asyncssh.generate_private_key(kind)) as port:
        invitation = admission.invite(LOOPBACK, port)
        reason = await reason_of(write_line(invitation), trust)

    assert reason.startswith("what answers there is not the agent that made this line, its key is another; see")
    assert admission.admits_invited(invited_key(invitation.code))


async def test_a_host_certificate_does_not_count_for_the_key_in_it(admission: Admission, trust: Trust) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    other = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_host_certificate(other.convert_to_public(), "agent", principals=[LOOPBACK])
    server = await asyncssh.listen(LOOPBACK, 0, server_host_keys=[(other, certificate)])
    async with server:
        reason = await reason_of(line_of(admission, server.get_port()), trust)

    assert reason.startswith("what answers there is not the agent that made this line")


async def test_nobody_there_is_said_so(admission: Admission, trust: Trust) -> None:
    port = free_port()

    reason = await reason_of(line_of(admission, port), trust)

    assert reason == f"127.0.0.1 refused the connection at port {port}; is its agent running?"


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


async def test_silence_is_given_up(admission: Admission, trust: Trust, silent_port: int) -> None:
    reason = await reason_of(line_of(admission, silent_port), trust)

    assert reason == "no answer from 127.0.0.1; is it switched on?"


async def test_a_line_that_cannot_be_read_makes_no_key(trust: Trust) -> None:
    with pytest.raises(UsageError):
        await accept("10.0.0.5:9567", trust)
    assert not trust.key_path.exists()


async def test_the_users_ssh_configuration_is_not_asked(
    admission: Admission, trust: Trust, port: int, home: Path
) -> None:
    (home / ".ssh" / "config").write_text("Port 1\nUser nobody\nHostName no-such-host.invalid\nnonsense 'open\n")

    assert "knows this machine now" in await accept(line_of(admission, port), trust)


async def test_what_cannot_be_remembered_is_said_so(admission: Admission, trust: Trust, port: int) -> None:
    trust.key()
    trust.known_hosts.mkdir()

    with pytest.raises(StateError, match=r"known_hosts cannot be written: "):
        await accept(line_of(admission, port), trust)


async def open_to(address: Address) -> None:
    async with Connections("nas", address) as connections:
        await connections.open()


async def refusal(address: Address) -> str:
    with pytest.raises(UnreachableError) as raised:
        await open_to(address)
    return raised.value.reason


async def test_an_agent_is_reached_with_what_was_handed_over(admission: Admission, trust: Trust, port: int) -> None:
    await accept(line_of(admission, port), trust)

    await open_to(Address(LOOPBACK, port, trust=trust))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param("Host tower\nHostName 127.0.0.1\nPort 1\nUser anna", id="port and user of another server"),
        pytest.param("Host tower\nHostName 127.0.0.1\nHostKeyAlias one-key-for-all", id="alias of the host key"),
        pytest.param("Host tower\nHostName 127.0.0.1\nIdentitiesOnly yes\nIdentityFile ~/.ssh/gone", id="a key"),
        pytest.param("Host tower\nHostName 127.0.0.1\nUserKnownHostsFile none", id="no known hosts"),
    ],
)
async def test_a_name_of_the_ssh_configuration_leads_to_the_agent(
    admission: Admission, trust: Trust, port: int, home: Path, config: str
) -> None:
    await accept(line_of(admission, port), trust)
    (home / ".ssh" / "config").write_text(config)

    await open_to(Address("tower", port, trust=trust))


async def test_an_agent_is_reached_by_files_alone(admission: Admission, trust: Trust, port: int, home: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(home / ".ssh" / "id_ed25519")
    (home / ".ssh" / "id_old.bak").write_text("no key")
    key.write_public_key(home.parent / "agent" / "authorized_keys")
    host_key = admission.host_key().export_public_key().decode()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")

    await open_to(Address(LOOPBACK, port, trust=trust))


async def test_an_agent_is_not_trusted_without_an_invitation(trust: Trust, port: int) -> None:
    reason = await refusal(Address(LOOPBACK, port, trust=trust))

    assert reason == "it is not trusted yet; run `pytranscoder agent --invite` there, and what it prints here"


async def test_an_agent_with_another_key_is_refused(admission: Admission, trust: Trust, port: int) -> None:
    del admission
    trust.pin(LOOPBACK, port, asyncssh.generate_private_key("ssh-ed25519"))

    reason = await refusal(Address(LOOPBACK, port, trust=trust))

    assert reason.startswith("its key is not the one that is trusted; run `pytranscoder agent --invite` there")


async def test_an_agent_that_has_forgotten_us_is_said_so(admission: Admission, trust: Trust, port: int) -> None:
    await accept(line_of(admission, port), trust)
    await asyncio.to_thread((trust.folder.parent / "agent" / "authorized_keys").unlink)

    reason = await refusal(Address(LOOPBACK, port, trust=trust))

    assert reason.startswith("its agent does not know this machine (tried agents_ed25519); run `pytranscoder agent")
