"""A process that owns a command over ssh: ``ssh_owner.py PORT ACCOUNT PARTIAL COMMAND...``. Repeats its lines."""

import asyncio
import sys

from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.ssh import SshTransport


async def main() -> None:
    port, account, partial, *argv = sys.argv[1:]
    async with (
        Connections("nas", Address("127.0.0.1", int(port), account)) as connections,
        SshTransport(connections).supervise(argv, partial) as process,
    ):
        async for line in process.lines():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


asyncio.run(main())
