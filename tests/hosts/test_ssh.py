"""What ssh adds to the promises of a transport: dead managers, broken links, login shells, many sessions at once."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytranscoder.errors import HostError, LostError
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.ssh import UNREAD_BYTES, SshProcess, SshTransport
from pytranscoder.hosts.supervisor import Patience
from tests.clips import FFMPEG
from tests.hosts.conftest import MakeAddress, MakeSshd
from tests.hosts.programs import STOPS_WITHIN_S, await_end, await_gone, program
from tests.hosts.relays import Relay, relay_to
from tests.hosts.sshd import LOGIN_SHELLS, ROOT, Sshd

ACCOUNTS = [f"{user}-{shell}" for user in ("root", "user") for shell in LOGIN_SHELLS]
ARGUMENTS = st.lists(st.binary(max_size=40).map(lambda data: os.fsdecode(data.replace(b"\0", b""))), max_size=3)
AWKWARD = [
    "-n",
    "--",
    "",
    "a b",
    "'",
    '"',
    "$(touch x)",
    "`y`",
    "\\",
    "!",
    "a\nb\n",
    "\udce9\n'",
    "é 🎬",
    "*",
    "~",
    "%s",
]
HASTY = Patience(heartbeat_s=0.2, silence_s=1, tick_s=0.2, grace_s=1)
TO_HEX = ("sh", "-c", 'printf "%s/" "$@" | od -An -v -tx1', "sh")


@pytest.fixture
def relay(sshd: Sshd) -> Iterator[Relay]:
    with relay_to(sshd.port) as link:
        yield link


@pytest.fixture
async def over_relay(relay: Relay, ssh_home: Path) -> AsyncIterator[Connections]:
    del ssh_home
    async with Connections("nas", Address("127.0.0.1", relay.port, "root-bash")) as connections:
        yield connections


@pytest.fixture
async def connections(address: MakeAddress) -> AsyncIterator[Connections]:
    async with Connections("nas", address("root-bash")) as made:
        yield made


async def read_arguments(transport: SshTransport, arguments: list[str]) -> bytes:
    answer = await transport.capture((*TO_HEX, *arguments), 20)
    return bytes.fromhex(answer.stdout)


def joined(arguments: list[str]) -> bytes:
    return b"".join(os.fsencode(argument) + b"/" for argument in arguments)


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_arguments_arrive_as_they_are_with_every_login_shell(address: MakeAddress, account: str) -> None:
    async with Connections("nas", address(account)) as connections:
        assert await read_arguments(SshTransport(connections), AWKWARD) == joined(AWKWARD)


@given(arguments=ARGUMENTS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_arguments_of_any_bytes_arrive(address: MakeAddress, arguments: list[str]) -> None:
    async with Connections("nas", address("user-fish")) as connections:
        assert await read_arguments(SshTransport(connections), arguments or [""]) == joined(arguments or [""])


async def test_long_arguments_arrive(connections: Connections) -> None:
    arguments = ["x" * 100_000, "y" * 50_000]

    assert await read_arguments(SshTransport(connections), arguments) == joined(arguments)


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_a_command_dies_with_its_manager(sshd: Sshd, ssh_home: Path, shared_folder: Path, account: str) -> None:
    del ssh_home
    partial, lock = shared_folder / "film.mkv", shared_folder / "lock"
    steps = (f"hold:{lock}", f"write:{partial}", "child", "out:begun", "hang")
    command = [sys.executable, "-m", "tests.hosts.ssh_owner", str(sshd.port), account, str(partial), *program(*steps)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as manager:  # noqa: ASYNC220  # nothing else runs
        assert manager.stdout is not None
        assert manager.stdout.readline() == b"begun\n"
        manager.kill()

        await await_end(lock)

    await await_gone(partial)


async def test_a_real_ffmpeg_dies_with_its_manager(sshd: Sshd, ssh_home: Path, tmp_path: Path) -> None:
    del ssh_home
    partial, lock = tmp_path / ".film.ptc-1.mkv", tmp_path / "lock"
    source = ("-re", "-f", "lavfi", "-i", "testsrc=d=60", "-progress", "-", "-v", "error", "-nostdin")
    argv = ("flock", str(lock), FFMPEG, *source, str(partial))
    command = [sys.executable, "-m", "tests.hosts.ssh_owner", str(sshd.port), "root-bash", str(partial), *argv]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as manager:  # noqa: ASYNC220  # nothing else runs
        assert manager.stdout is not None
        assert b"frame=" in manager.stdout.readline()
        manager.kill()

        await await_end(lock)

    await await_gone(partial)


async def test_a_real_ffmpeg_encodes(connections: Connections, tmp_path: Path) -> None:
    partial = tmp_path / "é ' film.mkv"
    argv = (FFMPEG, "-f", "lavfi", "-i", "testsrc=d=1", "-progress", "-", "-v", "error", "-nostdin", str(partial))

    async with SshTransport(connections).supervise(argv, str(partial)) as process:
        lines = [line async for line in process.lines()]
        status = await process.wait()

    assert (status, lines[-1]) == (0, "progress=end")
    assert partial.stat().st_size > 0


@pytest.mark.timeout(120)
async def test_a_frozen_link_ends_the_command(
    over_relay: Connections, relay: Relay, shared_folder: Path, tmp_path: Path
) -> None:
    partial, lock = shared_folder / "film.mkv", tmp_path / "lock"
    steps = (f"hold:{lock}", f"write:{partial}", "deaf", "out:begun", "hang")
    async with SshTransport(over_relay).supervise(program(*steps), str(partial)) as process:
        await anext(process.lines())
        relay.freeze()

        await await_end(lock, within_s=45)
        with pytest.raises(LostError, match="host nas: "):
            await process.wait()

    assert not partial.exists()


@pytest.mark.parametrize("patience", [pytest.param(HASTY, id="hasty"), pytest.param(Patience(), id="as it is")])
async def test_leaving_does_not_wait_for_a_frozen_link(
    over_relay: Connections, relay: Relay, tmp_path: Path, patience: Patience
) -> None:
    lock = tmp_path / "lock"
    async with SshTransport(over_relay, patience).supervise(
        program(f"hold:{lock}", "out:begun", "hang"), ""
    ) as process:
        await anext(process.lines())
        relay.freeze()
        began = time.monotonic()

    assert time.monotonic() - began < STOPS_WITHIN_S + 1
    relay.cut()
    await await_end(lock)


async def test_a_command_whose_words_nobody_reads_is_stopped(connections: Connections) -> None:
    async with SshTransport(connections).supervise(("yes", "x" * 1000), "") as process:
        await anext(process.lines())
        while process._unread_bytes <= UNREAD_BYTES:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
        began = time.monotonic()

        await process.stop(STOPS_WITHIN_S + 5)

    assert time.monotonic() - began < STOPS_WITHIN_S + 1


async def test_a_command_that_hears_heartbeats_is_left_to_run(connections: Connections) -> None:
    argv = ("sleep", str(3 * HASTY.silence_s))

    async with SshTransport(connections, HASTY).supervise(argv, "") as process:
        assert await process.wait() == 0


async def test_a_cut_link_loses_the_host(over_relay: Connections, relay: Relay, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    async with SshTransport(over_relay).supervise(program(f"hold:{lock}", "out:begun", "hang"), "") as process:
        lines = process.lines()
        await anext(lines)
        relay.cut()

        with pytest.raises(LostError, match="host nas: connection lost"):
            await anext(lines)
        with pytest.raises(LostError):
            await process.wait()

    await await_end(lock)


async def test_a_cut_link_ends_a_capture(over_relay: Connections, relay: Relay, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    async def cut_when_it_runs() -> None:
        await asyncio.to_thread(fifo.read_text)
        relay.cut()

    cutting = asyncio.create_task(cut_when_it_runs())
    with pytest.raises(LostError):
        await SshTransport(over_relay).capture(("sh", "-c", f"echo >{fifo}; sleep 60"), 20)
    await cutting


async def test_a_killed_supervisor_is_a_lost_host(connections: Connections, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    async with SshTransport(connections).supervise(program(f"hold:{lock}", "parent", "hang"), "") as process:
        supervisor = int(await anext(process.lines()))
        os.kill(supervisor, 9)

        with pytest.raises(LostError, match="supervisor of the command is gone"):
            await process.wait()

    await await_end(lock)


async def test_many_commands_run_at_once(connections: Connections) -> None:
    transport = SshTransport(connections)
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(transport.supervise(("cat",), "")) for _ in range(20)]

        assert [await process.wait() for process in running] == [0] * 20


async def test_a_host_with_few_sessions_gets_more_connections(own_sshd: MakeSshd) -> None:
    sshd = own_sshd("MaxSessions 2")
    async with Connections("nas", Address("127.0.0.1", sshd.port, "root-bash")) as connections:
        transport = SshTransport(connections)
        async with AsyncExitStack() as stack:
            for _ in range(5):
                process = await stack.enter_async_context(transport.supervise(program("out:begun", "hang"), ""))
                assert await anext(process.lines()) == "begun"


async def test_what_a_login_shell_says_first_is_no_output(sshd: Sshd, address: MakeAddress) -> None:
    noise = sshd.home("user-bash") / ".bashrc"
    noise.write_text("echo welcome; printf 'no end of line'\n")
    async with Connections("nas", address("user-bash")) as connections:
        answer = await SshTransport(connections).capture(("echo", "hello"), 20)
    noise.unlink()

    assert answer.stdout == "hello\n"


async def test_a_shell_that_runs_nothing_is_a_fault_of_the_host(address: MakeAddress) -> None:
    async with Connections("nas", address("user-false")) as connections:
        with pytest.raises(HostError, match=r"its login shell cannot run what it is told .status 1"):
            await SshTransport(connections).capture(("echo", "hello"), 20)


async def test_a_command_that_cannot_be_run_is_not_supervised(connections: Connections) -> None:
    with pytest.raises(HostError, match="host nas: cannot run no-such-ffmpeg: No such file"):
        async with SshTransport(connections).supervise(("no-such-ffmpeg",), ""):
            pass


async def test_lines_that_nobody_reads_wait_on_the_host(connections: Connections, tmp_path: Path) -> None:
    transport, done = SshTransport(connections), tmp_path / "done"
    async with transport.supervise(program("outflood:20000", f"write:{done}"), "") as process:
        lines = process.lines()
        await anext(lines)
        await transport.capture(("sleep", "1"), 20)
        waited = not done.exists()
        rest = [line async for line in lines]

    assert waited
    assert len(rest) == 199_999
    assert done.exists()


async def test_leaving_in_mid_flood_stops_the_command(connections: Connections, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    async with SshTransport(connections).supervise(program(f"hold:{lock}", "outflood:1000000"), "") as process:
        await anext(process.lines())

    await await_end(lock)


async def status_after(said: bytes) -> int:
    """What becomes of a process whose host has said this of its end."""
    process = SshProcess("nas", "ffmpeg", "abc", 100)
    process.data_received(b"ptc-begin abc\nptc-exit abc %s\n" % said, None)
    process.connection_lost(None)
    return await process.wait()


@pytest.mark.parametrize(
    "said", [b"12345678901", b"", b"x", b"1 2", b"\xff", b"--1", pytest.param(b"9" * 5000, id="9s")]
)
async def test_an_exit_status_that_is_none_is_a_fault_of_the_host(said: bytes) -> None:
    with pytest.raises(HostError, match="host nas: says an exit status that is none"):
        await status_after(said)


@pytest.mark.parametrize(("said", "status"), [(b"0", 0), (b"-1073741819\r", -1073741819), (b"137", -9)])
async def test_an_exit_status_is_taken(said: bytes, status: int) -> None:
    assert await status_after(said) == status


async def test_a_reason_that_is_no_text_is_told_as_far_as_it_is() -> None:
    process = SshProcess("nas", "ffmpeg", "abc", 100)

    process.data_received(b"ptc-missing abc \xff gone\n", None)

    with pytest.raises(HostError, match="host nas: cannot run ffmpeg: \ufffd gone"):
        await process.wait_begun()
