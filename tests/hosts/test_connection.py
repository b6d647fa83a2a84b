"""How hosts are reached, what is said when they cannot be, and how a broken connection is noticed."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.errors import UnreachableError
from pytranscoder.hosts.connection import Address, Connections, Lane
from pytranscoder.hosts.ssh import SshTransport
from tests.hosts.conftest import MakeAddress, MakeSshd
from tests.hosts.relays import Relay, relay_to
from tests.hosts.sshd import Sshd, free_port


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Connections]:
    async with Connections("nas", address) as connections:
        await connections.open()
        yield connections


async def who_am_i(address: Address) -> str:
    async with connected(address) as connections:
        answer = await SshTransport(connections).capture(("sh", "-c", 'echo "$USER"'), 20)
        return answer.stdout.strip()


async def refusal(address: Address) -> str:
    async with Connections("nas", address) as connections:
        with pytest.raises(UnreachableError) as raised:
            await connections.open()
    return raised.value.reason


def write_config(home: Path, *lines: str) -> None:
    """Put these lines before those that lead to the sshd."""
    config = home / ".ssh" / "config"
    config.write_text("\n".join([*lines, config.read_text()]))


def open_sockets() -> int:
    links = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links)


@pytest.fixture
def relay(sshd: Sshd) -> Iterator[Relay]:
    with relay_to(sshd.port) as link:
        yield link


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Yields a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


async def test_nobody_there_is_refused(ssh_home: Path) -> None:
    del ssh_home
    port = free_port()

    reason = await refusal(Address("127.0.0.1", port))

    assert reason == f"127.0.0.1 refused the connection at port {port}; is its ssh server running?"


async def test_a_name_with_several_addresses_is_refused_in_the_same_words(ssh_home: Path) -> None:
    del ssh_home

    assert "localhost refused the connection" in await refusal(Address("localhost", free_port()))


async def test_a_name_that_does_not_exist_is_said_so(ssh_home: Path) -> None:
    del ssh_home

    assert await refusal(Address("no-such-host.invalid")) == "there is no host named no-such-host.invalid; check `ip`"


async def test_silence_is_given_up_after_ten_seconds(ssh_home: Path, listener: socket.socket) -> None:
    del ssh_home
    began = time.monotonic()

    reason = await refusal(Address("127.0.0.1", listener.getsockname()[1]))

    assert reason == "no answer from 127.0.0.1; is it switched on?"
    assert time.monotonic() - began < 12


async def test_what_is_no_ssh_server_is_said_so(ssh_home: Path, listener: socket.socket) -> None:
    del ssh_home

    async def answer() -> None:
        connection, _ = await asyncio.to_thread(listener.accept)
        with connection:
            connection.sendall(b"SSH-1.5-old\r\n")

    answering = asyncio.create_task(answer())
    reason = await refusal(Address("127.0.0.1", listener.getsockname()[1]))
    await answering

    assert "is no ssh server that we understand" in reason


async def test_an_unknown_host_key_is_refused(sshd: Sshd, ssh_home: Path) -> None:
    write_config(ssh_home, "UserKnownHostsFile /dev/null")

    reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    command = f"ssh -p {sshd.port} root-bash@127.0.0.1"
    assert reason == f"its key is not in known_hosts; connect once with `{command}` and accept it"


@pytest.mark.parametrize("files", ["none", "~/.ssh/missing"])
async def test_without_known_hosts_no_host_is_trusted(sshd: Sshd, ssh_home: Path, files: str) -> None:
    write_config(ssh_home, f"UserKnownHostsFile {files}")

    assert "its key is not in known_hosts" in await refusal(Address("127.0.0.1", sshd.port, "root-bash"))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_a_changed_host_key_is_refused(sshd: Sshd, ssh_home: Path, kind: str) -> None:
    other = ssh_home / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", other], check=True)  # noqa: S607, ASYNC221
    key = other.with_suffix(".pub").read_text()
    (ssh_home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {key}")
    write_config(ssh_home, "HostKeyAlias none", "UserKnownHostsFile ~/.ssh/known_hosts")

    reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    remedy = f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'"
    assert reason == f"key does not match known_hosts; remove the old one with `{remedy}`"


async def test_a_changed_host_key_is_removed_from_the_file_that_has_it(sshd: Sshd, ssh_home: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (ssh_home / "known").write_text(f"nas {other}")
    write_config(ssh_home, "HostKeyAlias nas", "UserKnownHostsFile ~/.ssh/known_hosts ~/known")

    reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    assert reason.endswith(f"remove the old one with `ssh-keygen -R nas -f {ssh_home}/known`")


async def test_hashed_known_hosts_are_understood(sshd: Sshd, ssh_home: Path) -> None:
    known_hosts = ssh_home / ".ssh" / "known_hosts"
    line = (sshd.folder / "known_hosts").read_text()
    known_hosts.write_text(line.replace("test-sshd", f"[127.0.0.1]:{sshd.port}"))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known_hosts], check=True)  # noqa: S607, ASYNC221
    write_config(ssh_home, "HostKeyAlias none", "UserKnownHostsFile ~/.ssh/known_hosts")

    assert await who_am_i(Address("127.0.0.1", sshd.port, "root-bash")) == "root-bash"


def make_key(home: Path, passphrase: str) -> Path:
    path = home / ".ssh" / "id_ed25519"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def use_own_keys(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "config").write_text(f"HostKeyAlias test-sshd\nUserKnownHostsFile {sshd.folder}/known_hosts\n")


async def test_a_key_that_is_not_accepted_is_named(sshd: Sshd, ssh_home: Path) -> None:
    use_own_keys(sshd, ssh_home)
    make_key(ssh_home, "")

    reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    remedy = f"ssh-copy-id -p {sshd.port} root-bash@127.0.0.1"
    assert reason == f"no key is accepted for user root-bash (tried id_ed25519); copy yours there with `{remedy}`"


async def test_a_locked_key_is_named_with_the_remedy(sshd: Sshd, ssh_home: Path) -> None:
    use_own_keys(sshd, ssh_home)
    key = make_key(ssh_home, "secret")

    reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    assert reason.endswith(f"(tried only those of the agent); load one into the agent with `ssh-add {key}`")


async def test_too_many_keys_are_said_so(own_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = own_sshd("MaxAuthTries 1")
    wrong = make_key(tmp_path / "home", "")
    write_config(tmp_path / "home", f"IdentityFile {wrong}")

    reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    assert reason.startswith("too many keys were tried for user root-bash; name the right one with IdentityFile")


async def test_a_user_that_does_not_exist_is_named(sshd: Sshd, ssh_home: Path) -> None:
    del ssh_home

    assert "for user nobody-here" in await refusal(Address("127.0.0.1", sshd.port, "nobody-here"))


@pytest.fixture
def agent(ssh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = ssh_home / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as process:  # noqa: S607
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        yield
        process.terminate()


@pytest.mark.usefixtures("agent")
async def test_the_agent_is_asked(sshd: Sshd, ssh_home: Path) -> None:
    use_own_keys(sshd, ssh_home)
    subprocess.run(["ssh-add", "-q", sshd.folder / "id_ed25519"], check=True)  # noqa: S607, ASYNC221

    assert await who_am_i(Address("127.0.0.1", sshd.port, "user-dash")) == "user-dash"


async def test_a_name_of_the_ssh_configuration_is_enough(sshd: Sshd, ssh_home: Path) -> None:
    write_config(ssh_home, "Host tower", "HostName 127.0.0.1", f"Port {sshd.port}", "User user-fish", "Host *")

    assert await who_am_i(Address("tower")) == "user-fish"


async def test_what_is_given_wins_over_the_ssh_configuration(sshd: Sshd, ssh_home: Path) -> None:
    write_config(ssh_home, "Host tower", "HostName 127.0.0.1", "Port 1", "User user-fish", "Host *")

    assert await who_am_i(Address("tower", sshd.port, "root-dash")) == "root-dash"


async def test_an_included_file_counts(sshd: Sshd, ssh_home: Path) -> None:
    (ssh_home / ".ssh" / "hosts").write_text(f"Host tower\n HostName 127.0.0.1\n Port {sshd.port}\n User user-bash\n")
    write_config(ssh_home, "Include hosts", "Host *")

    assert await who_am_i(Address("tower")) == "user-bash"


async def test_a_jump_host_is_gone_through(sshd: Sshd, ssh_home: Path) -> None:
    jump = f"user-bash@127.0.0.1:{sshd.port}"
    write_config(ssh_home, "Host inner", "HostName 127.0.0.1", f"Port {sshd.port}", f"ProxyJump {jump}", "Host *")

    assert await who_am_i(Address("inner", user="root-bash")) == "root-bash"


async def test_a_connection_that_breaks_takes_that_to_its_jump_host_with_it(sshd: Sshd, ssh_home: Path) -> None:
    jump = f"user-bash@127.0.0.1:{sshd.port}"
    write_config(ssh_home, "Host inner", "HostName 127.0.0.1", f"Port {sshd.port}", f"ProxyJump {jump}", "Host *")
    async with connected(Address("inner", user="root-bash")) as connections:
        first = await connections.data(Lane.HOME)
        open_before = open_sockets()
        first.abort()
        await first.wait_closed()

        await connections.data(Lane.HOME)

        assert open_sockets() == open_before


@pytest.mark.parametrize(
    ("inner_port", "jump_user", "reason"),
    [
        pytest.param("1", "user-bash", "its jump host cannot reach it (", id="the host is down"),
        pytest.param("22", "nobody-here", "jump host 127.0.0.1: no key is accepted for user nobody-here", id="refuses"),
    ],
)
async def test_what_fails_at_a_jump_host_is_said_so(
    sshd: Sshd, ssh_home: Path, inner_port: str, jump_user: str, reason: str
) -> None:
    jump = f"{jump_user}@127.0.0.1:{sshd.port}"
    write_config(ssh_home, "Host inner", "HostName 127.0.0.1", f"Port {inner_port}", f"ProxyJump {jump}", "Host *")

    assert (await refusal(Address("inner", user="root-bash"))).startswith(reason)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["IdentityFile ~/.ssh/gone"], id="missing key"),
        pytest.param(["UseKeychain yes", "AddKeysToAgent yes", "Nonsense 1"], id="unknown keys"),
        pytest.param(["ForwardAgent yes", "RequestTTY force", "RemoteCommand tmux", "ForwardX11 yes"], id="for people"),
        pytest.param(["Ciphers aes256-ctr"], id="another cipher"),
        pytest.param(["PreferredAuthentications password,publickey"], id="prefers passwords"),
        pytest.param(["Host *", "ProxyJump 127.0.0.1"], id="jump through itself"),
    ],
)
async def test_what_does_not_hinder_ssh_does_not_hinder_us(
    address: MakeAddress, ssh_home: Path, lines: list[str]
) -> None:
    write_config(ssh_home, *lines)

    assert await who_am_i(address("root-bash")) == "root-bash"


@pytest.mark.parametrize("line", ["Include ~/.ssh/config", "UserKnownHostsFile ~no.such.user/known_hosts"])
async def test_an_ssh_configuration_that_cannot_be_read_makes_the_host_unusable(
    address: MakeAddress, ssh_home: Path, line: str
) -> None:
    write_config(ssh_home, line)

    assert (await refusal(address("root-bash"))).startswith("ssh configuration: ")


async def test_a_mistake_in_the_ssh_configuration_is_named_with_its_line(address: MakeAddress, ssh_home: Path) -> None:
    write_config(ssh_home, "", "Port many")

    reason = await refusal(address("root-bash"))

    assert reason == f"ssh configuration: {ssh_home}/.ssh/config line 2: Invalid Port integer value: many"


async def test_a_host_with_too_many_logins_under_way_is_said_so(own_sshd: MakeSshd) -> None:
    sshd = own_sshd("MaxStartups 1:100:1")
    with socket.create_connection(("127.0.0.1", sshd.port)) as waiting:
        waiting.recv(8)

        reason = await refusal(Address("127.0.0.1", sshd.port, "root-bash"))

    assert reason.startswith("127.0.0.1 closed the connection before the login; it may have too many (MaxStartups)")


async def test_a_fast_cipher_is_chosen(address: MakeAddress) -> None:
    async with connected(address("root-bash")) as connections:
        connection = await connections.data(Lane.HOME)

        assert connection.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"


async def test_a_broken_link_is_noticed_with_its_reason(relay: Relay, ssh_home: Path) -> None:
    del ssh_home
    async with connected(Address("127.0.0.1", relay.port, "root-bash")) as connections:
        relay.cut()

        assert await connections.wait_lost() == "connection lost"


async def test_a_broken_data_connection_is_made_again(sshd: Sshd, address: MakeAddress) -> None:
    del sshd
    async with connected(address("root-bash")) as connections:
        first = await connections.data(Lane.HOME)
        first.abort()
        await first.wait_closed()

        second = await connections.data(Lane.HOME)

        assert second is not first
        assert second is await connections.data(Lane.HOME)


async def test_media_and_commands_do_not_share_a_connection(address: MakeAddress) -> None:
    async with connected(address("root-bash")) as connections:
        (await connections.data(Lane.HOME)).abort()

        assert (await SshTransport(connections).capture(("echo", "hello"), 20)).stdout == "hello\n"


async def test_closing_does_not_wait_for_a_frozen_link(relay: Relay, ssh_home: Path) -> None:
    del ssh_home
    connections = Connections("nas", Address("127.0.0.1", relay.port, "root-bash"))
    await connections.open()
    await connections.data(Lane.HOME)
    relay.freeze()
    began = time.monotonic()

    await connections.close()

    assert time.monotonic() - began < 3


async def test_after_closing_nothing_is_opened(address: MakeAddress) -> None:
    connections = Connections("nas", address("root-bash"))
    await connections.open()
    await connections.close()

    with pytest.raises(UnreachableError):
        await connections.data(Lane.HOME)


async def test_a_cancelled_attempt_leaves_nothing_open(ssh_home: Path, listener: socket.socket) -> None:
    del ssh_home
    connections = Connections("nas", Address("127.0.0.1", listener.getsockname()[1]))
    opening = asyncio.create_task(connections.open())
    theirs, _ = await asyncio.to_thread(listener.accept)
    with theirs:
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

        theirs.settimeout(5)
        while await asyncio.to_thread(theirs.recv, 4096):
            pass
