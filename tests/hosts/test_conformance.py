"""What every transport promises. A new one is added to `TRANSPORTS` and passes these tests."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial as partial_call
from pathlib import Path

import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.local import LocalTransport, wraps
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.transport import Transport
from tests.agent.standing import anything, known_agent, manager_of
from tests.hosts.conftest import MakeAddress
from tests.hosts.fake_transport import FakeTransport
from tests.hosts.programs import STOPS_WITHIN_S, await_end, program

ANSWER_S = 20.0


@asynccontextmanager
async def local(_: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    yield LocalTransport("nas")


@asynccontextmanager
async def local_under_a_warden(_: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    yield LocalTransport("nas", *wraps("win32"))


@asynccontextmanager
async def fake(_: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    yield FakeTransport("nas")


@asynccontextmanager
async def ssh(request: pytest.FixtureRequest, account: str) -> AsyncIterator[Transport]:
    address: MakeAddress = request.getfixturevalue("address")
    async with Connections("nas", address(account)) as connections:
        yield SshTransport(connections)


@asynccontextmanager
async def agent(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    # Test programs instead of ffmpeg: which commands an agent lets through is not a matter of its transport.
    tmp_path, monkeypatch = request.getfixturevalue("tmp_path"), request.getfixturevalue("monkeypatch")
    async with known_agent(tmp_path, monkeypatch, gate=anything) as standing, manager_of(standing, "nas") as transport:
        yield transport


TRANSPORTS: dict[str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Transport]]] = {
    "local": local,
    "local under a warden, as on Windows": local_under_a_warden,
    "fake": fake,
    "ssh": partial_call(ssh, account="root-bash"),
    "ssh as a normal user": partial_call(ssh, account="user-dash"),
    "agent": agent,
}


@pytest.fixture(params=TRANSPORTS)
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    async with TRANSPORTS[request.param](request) as made:
        yield made


@pytest.fixture
def partial(shared_folder: Path) -> Path:
    return shared_folder / "-.fi'lm $(x)\n\udcff.ptc-r-1-1.mkv"


@pytest.fixture
def lock(shared_folder: Path) -> Path:
    return shared_folder / "lock"


async def run(transport: Transport, partial: Path, *steps: str) -> tuple[list[str], int, tuple[str, ...]]:
    """Run the steps to their end; return the lines, the exit status and the last lines of standard error."""
    async with transport.supervise(program(*steps), str(partial)) as process:
        lines = [line async for line in process.lines()]
        status = await process.wait()
    return lines, status, process.stderr_tail


async def test_a_transport_knows_its_host(transport: Transport) -> None:
    assert transport.host == "nas"


async def test_capture_returns_what_a_command_said(transport: Transport) -> None:
    answer = await transport.capture(program("out:hello", "err:warning", "out:bye"), ANSWER_S)

    assert (answer.exit_status, answer.stdout, answer.stderr) == (0, "hello\nbye\n", "warning\n")


@pytest.mark.parametrize(("step", "status"), [("exit:3", 3), ("exit:255", 255), ("signal:9", -9)])
async def test_capture_returns_the_exit_status(transport: Transport, step: str, status: int) -> None:
    assert (await transport.capture(program(step), ANSWER_S)).exit_status == status


async def test_capture_stops_a_command_that_does_not_answer(transport: Transport, lock: Path) -> None:
    with pytest.raises(HostError, match=r"host nas: .* did not answer within 0\.5 s"):
        await transport.capture(program(f"hold:{lock}", "deaf", "child", "hang"), 0.5)

    await await_end(lock)


async def test_a_command_that_cannot_be_run_is_a_fault_of_the_host(transport: Transport) -> None:
    with pytest.raises(HostError, match="host nas: cannot run /nowhere/ffmpeg: No such file"):
        await transport.capture(("/nowhere/ffmpeg", "-version"), ANSWER_S)


async def test_supervise_gives_lines_and_status(transport: Transport, partial: Path) -> None:
    lines, status, tail = await run(transport, partial, "out:frame=1", "err:careful", "out:progress=end")

    assert (lines, status, tail) == (["frame=1", "progress=end"], 0, ("careful",))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("exit:0", 0),
        ("exit:1", 1),
        ("exit:255", 255),
        (f"signal:{signal.SIGKILL}", -9),
        (f"signal:{signal.SIGSEGV}", -11),
        (f"signal:{signal.SIGTERM}", -15),
    ],
)
async def test_supervise_returns_the_exit_status(transport: Transport, partial: Path, step: str, expected: int) -> None:
    _, status, _ = await run(transport, partial, step)

    assert status == expected


async def test_an_argument_arrives_as_it_is(transport: Transport, partial: Path) -> None:
    strange = "'\"$(touch x) `y` \\ * [a] ; & | \t é 🎬 -n"

    lines, _, _ = await run(transport, partial, f"out:{strange}")

    assert lines == [strange]


async def test_a_success_keeps_the_partial_file(transport: Transport, partial: Path) -> None:
    await run(transport, partial, f"write:{partial}", "exit:0")

    assert partial.read_bytes() == b"half a film"


@pytest.mark.parametrize("step", ["exit:1", "signal:9", "signal:15"])
async def test_a_failure_removes_the_partial_file(transport: Transport, partial: Path, step: str) -> None:
    await run(transport, partial, f"write:{partial}", step)

    assert not partial.exists()


async def test_a_failure_touches_no_other_file(transport: Transport, partial: Path) -> None:
    other = partial.with_name("film.mkv")
    other.touch()

    await run(transport, partial, "exit:1")

    assert list(partial.parent.iterdir()) == [other]


async def test_the_end_of_standard_error_is_kept_and_no_more(transport: Transport, partial: Path) -> None:
    _, _, tail = await run(transport, partial, "errflood:100", *[f"err:line {number}" for number in range(30)])

    assert tail[-2:] == ("line 28", "line 29")
    assert len(tail) <= 20


async def test_a_flood_of_standard_error_blocks_nobody(transport: Transport, partial: Path) -> None:
    lines, status, _ = await run(transport, partial, "out:before", "errflood:5000", "out:after")

    assert (lines, status) == (["before", "after"], 0)


async def test_a_flood_of_standard_output_arrives_whole(transport: Transport, partial: Path) -> None:
    lines, _, _ = await run(transport, partial, "outflood:500", "out:end")

    assert lines == ["x" * 99] * 5000 + ["end"]


ENDLESS = [
    pytest.param(["hang"], id="obeys"),
    pytest.param(["deaf", "hang"], id="ignores TERM"),
    pytest.param(["child", "hang"], id="with a child"),
    pytest.param(["deaf", "child", "hang"], id="with a child, both ignore TERM"),
    pytest.param(["errflood:50", "hang"], id="with much to say"),
]


@pytest.mark.parametrize("steps", ENDLESS)
async def test_leaving_stops_the_command_and_its_children(
    transport: Transport, partial: Path, lock: Path, steps: list[str]
) -> None:
    async with asyncio.timeout(STOPS_WITHIN_S):
        begun = (f"hold:{lock}", f"write:{partial}", *steps[:-1], "out:begun", "hang")
        async with transport.supervise(program(*begun), str(partial)) as process:
            assert await anext(process.lines()) == "begun"
        await await_end(lock)

    assert not partial.exists()


async def test_leaving_stops_a_child_that_outlived_the_command(transport: Transport, partial: Path, lock: Path) -> None:
    steps = (f"hold:{lock}", "deaf", "out:begun", "orphan")
    async with transport.supervise(program(*steps), str(partial)) as process:
        assert await anext(process.lines()) == "begun"

    await await_end(lock)


async def test_an_error_stops_the_command(transport: Transport, partial: Path, lock: Path) -> None:
    async def encode() -> None:
        steps = (f"hold:{lock}", f"write:{partial}", "out:begun", "hang")
        async with transport.supervise(program(*steps), str(partial)) as process:
            await anext(process.lines())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await encode()

    await await_end(lock)
    assert not partial.exists()


async def test_a_cancelled_task_stops_its_command(transport: Transport, partial: Path, lock: Path) -> None:
    begun = asyncio.Event()

    async def encode() -> None:
        steps = (f"hold:{lock}", f"write:{partial}", "out:begun", "hang")
        async with transport.supervise(program(*steps), str(partial)) as process:
            async for _ in process.lines():
                begun.set()

    task = asyncio.create_task(encode())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await await_end(lock)
    assert not partial.exists()


async def test_no_partial_file_is_no_trouble(transport: Transport) -> None:
    async with transport.supervise(program("exit:1"), "") as process:
        assert await process.wait() == 1
