"""A host that was lost and is back."""

import asyncio

import pytest

from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.ssh import SshTransport
from tests.lab.lab import Lab


async def test_a_host_that_is_back_is_not_lost_any_more(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    host = lab.host("nas")
    monkeypatch.setenv("HOME", str(lab.place.home))
    async with Connections("nas", Address("nas")) as connections:
        await connections.open()
        host.stop_server()
        await connections.wait_lost()
        host.start_server()

        await connections.open()

        async with asyncio.TaskGroup() as group:
            lost = group.create_task(connections.wait_lost())
            await SshTransport(connections).capture(("true",), 20)
            assert not lost.done()
            lost.cancel()
