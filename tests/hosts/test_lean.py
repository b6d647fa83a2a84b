"""Connections: what they send together, what they do not send or do each time, and that all of a film arrives."""

import asyncio
import os
from pathlib import Path
from typing import Any, cast

import asyncssh
import pytest
from asyncssh.constants import MSG_GLOBAL_REQUEST, MSG_IGNORE
from asyncssh.packet import Boolean, String

from pytranscoder.hosts import connection as connection_module
from pytranscoder.hosts.connection import Address, Connections, Lane
from pytranscoder.hosts.lean import carry_media, spare
from pytranscoder.hosts.sftp import SftpFiles
from tests.hosts.conftest import MakeAddress, MakeSshd

MIB = 1 << 20
CBC = "aes128-cbc"


class Transport:
    """The transport of a connection, that notes how much it is given at a time."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.writes: list[int] = []

    def write(self, data: bytes) -> None:
        self.writes.append(len(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OtherConnection:
    """A connection as a later version of asyncssh may have it, without the private method."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def get_extra_info(self, _: str) -> str:
        return "aes128-gcm@openssh.com"

    def send_packet(self, pkttype: int, *_: bytes, handler: object = None) -> None:
        del handler
        self.sent.append(pkttype)

    def data_received(self, data: bytes, datatype: object = None) -> None:
        """Take what has come."""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    path.write_bytes(os.urandom(8 * MIB))
    return path


@pytest.fixture
def cbc_address(own_sshd: MakeSshd) -> Address:
    sshd = own_sshd(f"Ciphers +{CBC}")
    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    config.write_text(f"Ciphers {CBC}\n{config.read_text()}")
    return Address("127.0.0.1", sshd.port, "root-bash")


def send_empty(connection: asyncssh.SSHClientConnection) -> None:
    """Send an empty packet as asyncssh does by itself, and a request that means nothing."""
    connection.send_packet(MSG_IGNORE, b"")
    connection.send_packet(MSG_GLOBAL_REQUEST, String("nothing@example.com"), Boolean(value=False))


async def test_several_packets_leave_with_one_system_call(address: MakeAddress, film: Path, tmp_path: Path) -> None:
    async with Connections("nas", address("root-bash")) as connections:
        connection = await connections.data(Lane.OUT)
        transport = Transport(connection._transport)
        connection._transport = transport  # type: ignore[assignment]

        await SftpFiles(connections, None).upload(film, str(tmp_path / "copy.mkv"), lambda _: None)

    assert (tmp_path / "copy.mkv").read_bytes() == film.read_bytes()
    late = transport.writes[len(transport.writes) // 2 :]  # when more than a little may be under way
    assert sum(late) / len(late) > 100_000


async def test_the_last_word_of_a_connection_does_not_wait(address: MakeAddress) -> None:
    async with Connections("nas", address("root-bash")) as connections:
        connection = await connections.data(Lane.HOME)
        transport = Transport(connection._transport)
        connection._transport = transport  # type: ignore[assignment]

        connection.disconnect(asyncssh.DISC_BY_APPLICATION, "good bye")

    assert len(transport.writes) == 1


async def test_no_empty_packets_are_sent_with_media(address: MakeAddress) -> None:
    async with Connections("nas", address("root-bash")) as connections:
        connection = await connections.data(Lane.HOME)
        before = connection._send_seq

        send_empty(connection)

        assert connection._send_seq == before + 1


async def test_a_cipher_that_needs_empty_packets_has_them(cbc_address: Address) -> None:
    async with Connections("nas", cbc_address) as connections:
        connection = await connections.data(Lane.HOME)
        before = connection._send_seq

        send_empty(connection)

        assert connection.get_extra_info("send_cipher") == CBC
        assert connection._send_seq > before + 2


async def test_the_timer_for_keepalives_is_not_set_with_each_packet(address: MakeAddress) -> None:
    async with Connections("nas", address("root-bash")) as connections:
        connection = await connections.data(Lane.HOME)
        connection._reset_keepalive_timer()
        timer = connection._keepalive_timer

        await connection.run("true")

        assert timer is not None
        assert connection._keepalive_timer is timer


async def test_a_host_that_is_silent_is_asked_whether_it_is_there(
    address: MakeAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "DATA_KEEPALIVE_S", 0.1)
    async with Connections("nas", address("root-bash")) as connections:
        connection = await connections.data(Lane.HOME)
        before = connection._send_seq

        await asyncio.sleep(1)

        assert connection._send_seq > before + 3


async def test_a_connection_that_sends_otherwise_is_left_as_it_is() -> None:
    connection = OtherConnection()

    spare(cast(asyncssh.SSHClientConnection, connection))
    carry_media(cast(asyncssh.SSHClientConnection, connection))
    connection.send_packet(MSG_GLOBAL_REQUEST, b"request")

    assert connection.sent == [MSG_GLOBAL_REQUEST]


async def test_a_film_arrives_whole_while_keys_are_exchanged_again(
    address: MakeAddress, ssh_home: Path, film: Path, tmp_path: Path
) -> None:
    config = ssh_home / ".ssh" / "config"
    config.write_text(f"RekeyLimit 1M\n{config.read_text()}")
    async with Connections("nas", address("root-bash")) as connections:
        await SftpFiles(connections, None).upload(film, str(tmp_path / "copy.mkv"), lambda _: None)

        assert (await connections.data(Lane.HOME))._rekey_bytes == MIB

    assert (tmp_path / "copy.mkv").read_bytes() == film.read_bytes()
