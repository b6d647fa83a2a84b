"""An ssh server that does nothing but let in whom an agent would, and take keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncssh

from pytranscoder.agent.admission import Admission
from pytranscoder.errors import ForbiddenError
from pytranscoder.hosts.agents.calls import ENROL, INVITED, USER

LOOPBACK = "127.0.0.1"


class _Porter(asyncssh.SSHServer):
    key: asyncssh.SSHKey

    def __init__(self, admission: Admission, *, forgetful: bool) -> None:
        self._admission = admission
        self._forgetful = forgetful

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        if username == INVITED:
            self.key = key
            return self._admission.admits_invited(key)
        return username == USER and not self._forgetful and self._admission.admits(key, LOOPBACK)


@asynccontextmanager
async def front_door(
    admission: Admission, host_key: asyncssh.SSHKey | None = None, *, forgetful: bool = False
) -> AsyncIterator[int]:
    """Serves on a free port of loopback, which it yields. A forgetful one lets in nobody who has handed over a key."""

    async def serve(process: asyncssh.SSHServerProcess[str]) -> None:
        if process.command != ENROL or process.get_extra_info("username") != INVITED:
            process.exit(127)
            return
        try:
            porter = cast(_Porter, process.get_extra_info("connection").get_owner())
            admission.enrol(await process.stdin.read(), "10.0.0.9", porter.key)
        except ForbiddenError as exc:
            process.stderr.write(f"{exc}\n")
            process.exit(1)
        process.exit(0)

    listener = await asyncssh.listen(
        LOOPBACK,
        0,
        server_factory=lambda: _Porter(admission, forgetful=forgetful),
        process_factory=serve,
        server_host_keys=[host_key or admission.host_key()],
    )
    async with listener:
        yield listener.get_port()
