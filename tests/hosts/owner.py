"""A process that owns a supervised command: ``owner.py PARTIAL COMMAND...``. Repeats its lines until it is killed."""

import asyncio
import sys

from pytranscoder.hosts.local import LocalTransport


async def main() -> None:
    partial, *argv = sys.argv[1:]
    async with LocalTransport("local").supervise(argv, partial) as process:
        async for line in process.lines():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


asyncio.run(main())
