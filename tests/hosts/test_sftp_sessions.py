"""Sessions of sftp that are given up while they open: the connection is for others, too."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.sftp import SftpFiles

# More than an sshd allows at a time.
GIVEN_UP = 20


async def give_up(files: SftpFiles, directory: str) -> None:
    """Ask what is in a directory, and do not wait for the session to open."""
    asking = asyncio.ensure_future(files.names(directory))
    for _ in range(5):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()


async def test_what_is_given_up_while_it_opens_leaves_the_connection_to_others(
    address: Callable[[str], Address], tmp_path: Path
) -> None:
    async with Connections("nas", address("root-bash")) as connections:
        files = SftpFiles(connections, None)
        connection = await connections.data()

        for _ in range(GIVEN_UP):
            await give_up(files, str(tmp_path))

        assert await files.names(str(tmp_path)) == ["home"]
        assert await connections.data() is connection
