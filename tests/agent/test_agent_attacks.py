"""What an agent withstands. Each attack is refused and told, and afterwards the agent serves an honest manager."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh.packet import Boolean, String, UInt32

from pytranscoder.agent.server import Limits
from pytranscoder.agent.work import Waits
from pytranscoder.errors import HostError
from pytranscoder.hosts.agents.calls import (
    ENROL,
    FFMPEG,
    INVITED,
    LONGEST_CALL_BYTES,
    PROBE,
    RUN,
    USER,
    Call,
    write_call,
)
from pytranscoder.hosts.agents.invitation import Invitation, invited_key, new_code
from pytranscoder.hosts.wardens.confinement import Confinement
from tests.agent.standing import LOOPBACK, MakeStanding, Standing, anything, manager_of
from tests.hosts.programs import await_end, program

MIB = 1 << 20
# One channel with as many bytes under way as a peer may claim to take.
ENDLESS_WINDOW = (1 << 32) - 1


@pytest.fixture
async def attacked(make_standing: MakeStanding) -> AsyncIterator[MakeStanding]:
    """Makes an agent that must answer a probe when the test is over."""
    made: list[Standing] = []

    async def make(**settings: Any) -> Standing:
        made.append(await make_standing(**settings))
        return made[-1]

    yield make
    async with asyncio.timeout(10), manager_of(made[0]) as transport:
        assert (await transport.capture((PROBE,), 10)).exit_status == 0


@pytest.fixture
async def victim(attacked: MakeStanding) -> Standing:
    return await attacked()


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


ESCAPES: dict[str, tuple[str, ...]] = {
    "input": ("-i", "{secret}", "out.mkv"),
    "input above": ("-i", "../secret.mkv", "out.mkv"),
    "input by a link": ("-i", "link.mkv", "out.mkv"),
    "input in a linked folder": ("-i", "folder/secret.mkv", "out.mkv"),
    "output": ("-i", "film.mkv", "{outside}/out.mkv"),
    "output above": ("-i", "film.mkv", "../out.mkv"),
    "output in a linked folder": ("-i", "film.mkv", "folder/out.mkv"),
    "output into a share to be read": ("-i", "film.mkv", "{share}/out.mkv"),
    "second output": ("-i", "film.mkv", "out.mkv", "../out.mkv"),
    "filter that reads": ("-i", "film.mkv", "-vf", "movie={secret}[x];[in][x]overlay", "out.mkv"),
    "filter graph from a file": ("-i", "film.mkv", "-filter_complex_script", "{secret}", "out.mkv"),
    "subtitles": ("-i", "film.mkv", "-vf", "subtitles={secret}", "out.mkv"),
    "list of files": ("-f", "concat", "-safe", "0", "-i", "list.txt", "out.mkv"),
    "protocol concat": ("-i", "concat:film.mkv|{secret}", "out.mkv"),
    "protocol http": ("-i", "http://127.0.0.1:{port}/", "out.mkv"),
    "protocol tcp out": ("-i", "film.mkv", "-f", "mpegts", "tcp://127.0.0.1:{port}"),
    "protocol file": ("-i", "file:{secret}", "out.mkv"),
    "tee": ("-i", "film.mkv", "-f", "tee", "out.mkv|{outside}/out.mkv"),
    "attachment": ("-i", "film.mkv", "-attach", "{secret}", "out.mkv"),
    "dumped attachment": ("-dump_attachment:t", "{outside}/out", "-i", "film.mkv", "out.mkv"),
    "device": ("-f", "lavfi", "-i", "testsrc", "out.mkv"),
    "report": ("-report", "-i", "film.mkv", "out.mkv"),
    "progress elsewhere": ("-progress", "{outside}/out", "-i", "film.mkv", "out.mkv"),
}


@pytest.mark.parametrize("words", ESCAPES.values(), ids=ESCAPES.keys())
async def test_ffmpeg_does_not_leave_the_folders_by(victim: Standing, words: tuple[str, ...]) -> None:
    outside = victim.folder / "outside"
    outside.mkdir()
    places = {"secret": outside / "secret.mkv", "outside": outside, "share": victim.share, "port": victim.port}
    (outside / "secret.mkv").write_text("secret")
    (victim.folder / "secret.mkv").write_text("secret")
    for name in ("film.mkv", "list.txt"):
        (victim.working_dir / name).write_text(f"file '{outside}/secret.mkv'\n")
    (victim.working_dir / "link.mkv").symlink_to(outside / "secret.mkv")
    (victim.working_dir / "folder").symlink_to(outside)
    argv = (FFMPEG, "-nostdin", "-y", *(word.format(**places) for word in words))

    async with manager_of(victim) as transport:
        with pytest.raises(HostError, match="cannot run ffmpeg"):
            await transport.capture(argv, 10)

    assert await victim.tells("refused to run ffmpeg")
    assert [path.name for path in outside.iterdir()] == ["secret.mkv"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has something to confine a command with")
async def test_what_slips_through_the_examination_is_confined(attacked: MakeStanding, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    confinement = Confinement((), (str(tmp_path / "agent" / "work"),))
    standing = await attacked(gate=anything, confinement=confinement)
    (standing.working_dir / "film.mkv").write_text("film\n")

    async with manager_of(standing) as transport:
        allowed = await transport.capture(("/bin/cat", "film.mkv"), 10)
        refused = await transport.capture(("/bin/cat", str(tmp_path / "secret")), 10)

    assert (allowed.exit_status, allowed.stdout) == (0, "film\n")
    assert (refused.exit_status, refused.stdout) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has something to confine a command with")
async def test_a_folder_that_became_a_link_is_none(attacked: MakeStanding, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("secret")
    work, share = tmp_path / "agent" / "work", tmp_path / "agent" / "share"
    standing = await attacked(gate=anything, confinement=Confinement((str(share),), (str(work),)))
    share.rmdir()
    share.symlink_to(tmp_path / "elsewhere")

    async with manager_of(standing) as transport:
        answer = await transport.capture(("/bin/cat", str(share / "secret")), 10)

    assert (answer.exit_status, answer.stdout) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program offer itself")
async def test_when_memory_runs_out_the_command_goes_first(attacked: MakeStanding, tmp_path: Path) -> None:
    standing = await attacked(gate=anything, confinement=Confinement((), (str(tmp_path / "agent" / "work"),)))

    async with manager_of(standing) as transport:
        answer = await transport.capture(("/bin/cat", "/proc/self/oom_score_adj"), 10)

    assert answer.stdout == "1000\n"


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{secret}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
}


@pytest.mark.parametrize("contents", PLAYLISTS.values(), ids=PLAYLISTS.keys())
async def test_a_playlist_called_a_film_leads_nowhere(victim: Standing, film: Path, contents: str) -> None:
    secret = victim.folder / "secret.mkv"
    secret.write_bytes(film.read_bytes())
    (victim.working_dir / "film.mkv").write_text(contents.format(secret=secret))

    async with manager_of(victim) as transport:
        argv = (FFMPEG, "-nostdin", "-y", "-v", "error", "-i", "film.mkv", "-c", "copy", "out.mkv")
        answer = await transport.capture(argv, 10)

    assert answer.exit_status != 0
    assert not (victim.working_dir / "out.mkv").exists()


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
