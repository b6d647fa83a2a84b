"""How tests call `program.py`, and how they learn that it is gone. Runs nothing itself."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

PREFIX = (sys.executable, "-I", "-S", str(Path(__file__).with_name("program.py")))
STOPS_WITHIN_S = 5.0


def program(*steps: str) -> tuple[str, ...]:
    """Return the command that takes these steps."""
    return (*PREFIX, *steps)


async def await_end(lock: Path, within_s: float = STOPS_WITHIN_S) -> None:
    """Wait until no process holds the lock any more; raises TimeoutError."""
    waiter = await asyncio.create_subprocess_exec(*program(f"hold:{lock}"))
    try:
        async with asyncio.timeout(within_s):
            await waiter.wait()
    finally:
        with suppress(ProcessLookupError):
            waiter.kill()
        await waiter.wait()


async def await_gone(path: Path, within_s: float = STOPS_WITHIN_S) -> None:
    """Wait until a file is gone, which another machine's supervisor removes after the command; raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while path.exists():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.02)
