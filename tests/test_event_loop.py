"""The event loop of every command: what it waits for at its end, and what not."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from pytranscoder import event_loop


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """What a call may wait for until its test is over."""
    event = threading.Event()
    yield event
    event.set()


async def _within(seconds: float, blocked: threading.Event) -> str:
    try:
        async with asyncio.timeout(seconds):
            await event_loop.in_own_thread(blocked.wait)
    except TimeoutError:
        return "given up"
    return "done"


def test_the_end_does_not_wait_for_a_call_that_was_given_up(blocked: threading.Event) -> None:
    assert event_loop.run(_within(0.01, blocked)) == "given up"
    assert not blocked.is_set()


def test_names_are_not_looked_up_in_the_threads_that_all_share(
    monkeypatch: pytest.MonkeyPatch, blocked: threading.Event
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: blocked.wait())

    async def connect() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.open_connection("nas", 22)

    event_loop.run(connect())

    assert not blocked.is_set()


def test_a_name_is_found() -> None:
    async def find() -> list[str | int]:
        found = await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 22, type=socket.SOCK_STREAM)
        return [address[0] for *_, address in found]

    assert event_loop.run(find()) == ["127.0.0.1"]


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long"), KeyError("?")])
def test_what_a_call_raises_is_raised(error: Exception) -> None:
    def call() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        event_loop.run(event_loop.in_own_thread(call))

    assert raised.value is error


def test_a_call_that_ends_after_the_loop_is_silent(
    blocked: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    event_loop.run(_within(0.01, blocked))
    (thread,) = [it for it in threading.enumerate() if it.daemon and "carry_out" in it.name]
    blocked.set()
    thread.join(5)

    assert (thread.is_alive(), capsys.readouterr().err) == (False, "")
