"""What makes connections of asyncssh cost less: fewer packets, timers, system calls and copies.

asyncssh has no option for these, so this takes the place of some of its methods, two of them private. Of a version
that does not have or call them only the speed is lost.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import asyncssh
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE

# OpenSSH takes packets of 32 KiB; eight of them with one system call cost half as much time in the kernel as one each.
TOGETHER_BYTES = 256 << 10
# asyncssh copies all that it has of what follows a packet, twice for each: it is to have about one.
RECEIVED_BYTES = 40_000
# By so much sooner than after the interval of silence a host may be asked whether it is still there.
TIMER_STANDS_S = 1.0


def spare(connection: asyncssh.SSHClientConnection) -> None:
    """Makes a connection send no empty packets, and set its timer for keepalives not with each packet that comes.

    The empty packets are against an attack on ciphers in CBC mode (RFC 4251, 9.3.1), and stay where that is in use.
    """
    send_packet = connection.send_packet
    needs_empty = "cbc" in str(connection.get_extra_info("send_cipher"))

    def send(pkttype: int, *args: bytes, handler: Any = None) -> None:
        if needs_empty or pkttype != MSG_IGNORE:
            send_packet(pkttype, *args, handler=handler)

    connection.send_packet = send  # type: ignore[method-assign]
    if hasattr(connection, "_reset_keepalive_timer"):
        reset = _at_most_every(TIMER_STANDS_S, connection._reset_keepalive_timer)  # noqa: SLF001
        connection._reset_keepalive_timer = reset  # type: ignore[method-assign]  # noqa: SLF001


def carry_media(connection: asyncssh.SSHClientConnection) -> None:
    """Makes a connection carry media at the speed of `scp`.

    It sends packets of data together, at the latest when the loop goes round, and takes apart bit by bit what it
    receives.
    """
    corked = _Corked(getattr(connection, "_send", _send_nothing))
    send_packet, data_received = connection.send_packet, connection.data_received

    def send(pkttype: int, *args: bytes, handler: Any = None) -> None:
        send_packet(pkttype, *args, handler=handler)
        # What may be the last word of a connection does not wait.
        if pkttype not in (MSG_CHANNEL_DATA, MSG_IGNORE):
            corked.flush()

    def receive(data: bytes, datatype: Any = None) -> None:
        for start in range(0, len(data), RECEIVED_BYTES):
            data_received(data[start : start + RECEIVED_BYTES], datatype)

    connection.data_received = receive  # type: ignore[method-assign]
    connection.send_packet = send  # type: ignore[method-assign]
    connection._send = corked.send  # type: ignore[method-assign]  # noqa: SLF001


def _at_most_every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    acted = -seconds

    def act_unless_just_done() -> None:
        nonlocal acted
        now = time.monotonic()
        if now - acted >= seconds:
            acted = now
            act()

    return act_unless_just_done


def _send_nothing(_: bytes) -> None:
    """Is never called, as nothing is corked where nothing is sent by a method of that name."""


class _Corked:
    """The way of packets into the socket of a connection."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._packets: list[bytes] = []
        self._bytes = 0
        self._next_round: asyncio.Handle | None = None

    def send(self, data: bytes) -> None:
        """Sends a packet with those that follow it."""
        self._packets.append(data)
        self._bytes += len(data)
        if self._bytes >= TOGETHER_BYTES:
            self.flush()
        elif self._next_round is None:
            self._next_round = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Sends what waits."""
        if self._next_round is not None:
            self._next_round.cancel()
            self._next_round = None
        if self._packets:
            packets, self._packets, self._bytes = self._packets, [], 0
            self._send(b"".join(packets))
