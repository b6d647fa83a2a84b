"""How large the packets must be that the other side of an ssh connection takes. Sends none."""

from typing import Any

from asyncssh.channel import SSHChannel

from pytranscoder.errors import HostError

# Everybody takes 32 KiB (RFC 4253, 6.1). All that a window allows is encrypted at once: of packets of a few bytes there
# are so many that nothing else gets a turn.
SMALLEST_BYTES = 4 << 10


def require_packets(host: str, channel: SSHChannel[Any]) -> None:
    """Aborts a channel into which only small packets may be written, and raises HostError."""
    # asyncssh tells its users nothing of it; there is nothing else that has it.
    size_bytes: int = channel._send_pktsize  # noqa: SLF001
    if size_bytes < SMALLEST_BYTES:
        channel.abort()
        raise HostError(host, f"its ssh server takes only {size_bytes} bytes at a time; check what it is")
