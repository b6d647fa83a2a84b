"""Nobody ties an agent up: what is too much, too slow or no ssh at all ends, and others are served."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from asyncssh.packet import String, UInt32

from pytranscoder.agent.server import Limits
from pytranscoder.agent.work import Waits
from pytranscoder.hosts.agents.calls import (
    PROBE,
    RUN,
    Call,
    write_call,
)
from tests.agent.standing import LOOPBACK, MakeStanding, Standing, anything, manager_of
from tests.hosts.programs import await_end, program

MIB = 1 << 20
# One channel with as many bytes under way as a peer may claim to take.
ENDLESS_WINDOW = (1 << 32) - 1


async def test_1000_half_open_connections_shut_nobody_out(victim: Standing) -> None:
    knocker = [sys.executable, "-I", str(Path(__file__).with_name("knocker.py")), str(victim.port), "1000"]
    child = await asyncio.create_subprocess_exec(*knocker, stdin=PIPE, stdout=PIPE)
    try:
        assert child.stdout is not None
        async with asyncio.timeout(30):
            assert await child.stdout.readline() == b"1000\n"
        async with asyncio.timeout(5), manager_of(victim) as transport:
            assert (await transport.capture((PROBE,), 5)).exit_status == 0
    finally:
        child.kill()
        await child.wait()

    assert await victim.tells("more than 64 connections wait to log in")
    assert len(victim.told) < 30


async def test_a_connection_that_says_nothing_is_closed(attacked: MakeStanding) -> None:
    standing = await attacked(limits=Limits(login_s=2))
    reader, writer = await asyncio.open_connection(LOOPBACK, standing.port)

    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
    writer.close()
    assert await standing.tells("nobody logged in")


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": bytes(100_000),
    "1 MB before a line ends": b"x" * MIB,
    "no text": b"SSH-2.0-\xff\xff\r\n",
    "an old ssh": b"SSH-1.5-old\r\n",
    "after the version": b"SSH-2.0-x\r\n" + os.urandom(100_000),
    "a packet of 4 GB": b"SSH-2.0-x\r\n" + b"\xff\xff\xff\xf0" + bytes(1000),
    "an empty packet": b"SSH-2.0-x\r\n" + bytes(16),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_ends_its_connection_only(attacked: MakeStanding, garbage: bytes) -> None:
    standing = await attacked(limits=Limits(login_s=2))
    reader, writer = await asyncio.open_connection(LOOPBACK, standing.port)
    with suppress(ConnectionError):
        writer.write(garbage)
        await writer.drain()
        async with asyncio.timeout(10):
            while await reader.read(1000):
                pass
    writer.close()

    assert await standing.tells("refused a connection on which nobody logged in")


async def test_garbage_after_the_login_ends_its_connection_only(victim: Standing) -> None:
    connection = await victim.connect()
    assert connection._transport is not None
    connection._transport.write(os.urandom(100_000))

    async with asyncio.timeout(10):
        await connection.wait_closed()
    assert await victim.tells("refused to listen further")


async def test_a_call_that_does_not_come_is_not_waited_for(attacked: MakeStanding) -> None:
    standing = await attacked(waits=Waits(call_s=0.5))

    async with asyncio.timeout(10), await standing.connect() as connection:
        process = await connection.create_process(RUN, encoding=None)
        await process.wait_closed()

    assert process.exit_status == 2
    assert await standing.tells("nothing came within 0.5 s")


async def test_a_session_that_asks_for_nothing_is_closed(attacked: MakeStanding) -> None:
    standing = await attacked(limits=Limits(ask_s=0.5))

    async with asyncio.timeout(10), await standing.connect() as connection:
        channel = asyncssh.SSHClientChannel(
            connection, asyncio.get_running_loop(), "strict", None, "strict", 1 << 20, 1 << 15
        )
        await channel._open(b"session")
        assert await standing.tells("refused to wait for a request")


async def test_a_manager_that_takes_no_lines_is_cut_off(attacked: MakeStanding, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    standing = await attacked(gate=anything, limits=Limits(stall_s=0.2))
    connection = await standing.connect()
    process = await connection.create_process(RUN, encoding=None, window=ENDLESS_WINDOW)
    stop_reading(connection)
    call = Call(program(f"hold:{lock}", "outflood:100000", "hang"), "", "t", 60, 1)
    process.stdin.write(write_call(call))

    assert await standing.tells("refused to wait longer for somebody who takes no answers")
    await await_end(lock)
    connection.abort()


@pytest.mark.parametrize(("blocks", "window"), [(4, 1 << 16), (1000, ENDLESS_WINDOW)])
async def test_a_manager_that_takes_no_files_is_cut_off(attacked: MakeStanding, blocks: int, window: int) -> None:
    standing = await attacked(limits=Limits(stall_s=0.2))
    with (standing.working_dir / "film.mkv").open("wb") as file:
        file.truncate(1 << 30)
    connection = await standing.connect()
    writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None, window=window)
    writer.write(_packet(1, UInt32(3)) + _packet(3, UInt32(1), String("film.mkv"), UInt32(1), UInt32(0)))
    for length in (await reader.readexactly(4), b""):
        if length:
            await reader.readexactly(int.from_bytes(length, "big"))
    answer = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
    stop_reading(connection)
    for number in range(blocks):
        writer.write(_packet(5, UInt32(number), answer[5:], (0).to_bytes(8, "big"), UInt32(256 << 10)))

    assert await standing.tells("refused to wait longer for somebody who takes no answers")
    connection.abort()


def stop_reading(connection: asyncssh.SSHClientConnection) -> None:
    assert connection._transport is not None
    connection._transport.pause_reading()


def _packet(kind: int, *parts: bytes) -> bytes:
    payload = bytes([kind]) + b"".join(parts)
    return UInt32(len(payload)) + payload


async def test_there_are_not_more_sessions_than_allowed(victim: Standing) -> None:
    async with await victim.connect() as connection:
        for _ in range(10):
            await connection.create_process(RUN)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process(RUN)

    assert await victim.tells("refused more than 10 sessions")


async def test_there_are_not_more_connections_than_allowed(attacked: MakeStanding) -> None:
    standing = await attacked(limits=Limits(connections=2))
    keys = [standing.key, *(asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))]
    standing.know(*keys)
    kept = [await standing.connect(client_keys=[key]) for key in keys[:2]]

    with pytest.raises((asyncssh.Error, OSError)):
        async with await standing.connect(client_keys=keys[2:]) as third:
            await third.run(RUN, input=b"", check=True)

    assert await standing.tells("refused more than 2 connections at once")
    await abort(*kept)


async def test_one_key_has_not_more_than_half_of_the_connections(attacked: MakeStanding) -> None:
    standing = await attacked(limits=Limits(connections=4))
    kept = [await standing.connect() for _ in range(2)]

    with pytest.raises((asyncssh.Error, OSError)):
        async with await standing.connect() as third:
            await third.run(RUN, input=b"", check=True)

    assert await standing.tells("refused more than 2 connections at once with one key")
    await abort(*kept)


async def abort(*connections: asyncssh.SSHClientConnection) -> None:
    for connection in connections:
        connection.abort()
        await connection.wait_closed()


async def test_nobody_gets_answers_in_crumbs(victim: Standing) -> None:
    async with await victim.connect() as connection:
        for _ in range(20):  # none of which counts as a session
            with pytest.raises(asyncssh.ChannelOpenError, match="packets of 4096 bytes are the least"):
                await connection.open_session(RUN, encoding=None, max_pktsize=4095, window=ENDLESS_WINDOW)
        await connection.create_process(RUN, max_pktsize=4096)

    assert await victim.tells("refused packets of 4095 bytes")


async def test_there_are_not_more_open_files_than_allowed(victim: Standing) -> None:
    (victim.working_dir / "film.mkv").touch()
    async with await victim.connect() as connection, connection.start_sftp_client() as sftp:
        for _ in range(16):
            await sftp.open("film.mkv", "rb")
        with pytest.raises(asyncssh.SFTPFailure, match="too many open files"):
            await sftp.open("film.mkv", "rb")

    assert await victim.tells("refused more than 16 open files")


async def test_there_are_not_more_open_files_than_all_sessions_may_have(attacked: MakeStanding) -> None:
    standing = await attacked()
    (standing.working_dir / "film.mkv").touch()
    async with await standing.connect() as first, await standing.connect() as second:
        sessions = [await first.start_sftp_client() for _ in range(8)]
        sessions += [await second.start_sftp_client() for _ in range(9)]
        kept = [await sftp.open("film.mkv", "rb") for sftp in sessions[:-1] for _ in range(16)]
        with pytest.raises(asyncssh.SFTPFailure, match="too many open files"):
            await sessions[-1].open("film.mkv", "rb")
        await kept[0].close()

        await sessions[-1].open("film.mkv", "rb")

    assert await standing.tells("refused more than 256 open files at once")


async def test_requests_of_1_mb_end_nothing_but_their_session(victim: Standing) -> None:
    async with await victim.connect() as connection:
        writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
        writer.write(_packet(1, UInt32(3)) + _packet(17, UInt32(1), String("x" * MIB)))
        writer.write(UInt32(64 * MIB) + bytes(MIB))
        async with asyncio.timeout(10):
            assert await reader.read() != b""
