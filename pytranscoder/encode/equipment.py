"""What it takes to work with a host of each type: transport, files, staging, put together. Checks nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytranscoder.encode.copied import Copied
from pytranscoder.encode.machine import Machine
from pytranscoder.encode.mapped import Mapped
from pytranscoder.encode.remains import clean_dead_runs, run_directory
from pytranscoder.encode.staging import InPlace, Staging
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.hosts.reaper import reap
from pytranscoder.hosts.sftp import SftpFiles
from pytranscoder.hosts.ssh import SshTransport
from pytranscoder.hosts.transport import Files, Transport
from pytranscoder.jobs.events import Event
from pytranscoder.jobs.journal import Journal


@dataclass(frozen=True, slots=True)
class Setup:
    """What the equipment of all hosts of a run shares; `journal` is None in a dry run, which changes nothing."""

    run: str
    journal: Journal | None
    emit: Callable[[Event], None]
    fls_path: Path | None = None


@dataclass(frozen=True, slots=True)
class Equipment:
    """The equipment for one host. `staging` is None in a dry run, `connections` for this machine."""

    definition: HostDefinition
    transport: Transport
    staging: Staging | None = None
    connections: Connections | None = None
    files: Files | None = None
    mapping: PathMapping = field(default_factory=lambda: PathMapping(()))

    async def connect(self) -> None:
        """Connects, unless the connection still stands. Raises UnreachableError."""
        if self.connections is not None:
            await self.connections.open()

    async def wait_lost(self) -> str:
        """Returns when the connection has broken, and why; never for this machine."""
        while self.connections is None:
            await asyncio.Event().wait()
        return await self.connections.wait_lost()

    async def tidy(self, journal: Journal) -> list[str]:
        """Removes what dead runs, and attempts that a broken connection ended, left on the host; says what."""
        if self.connections is None:
            return []
        told = await reap(self.transport)
        if self.files is not None and self.definition.working_dir is not None:
            told += await clean_dead_runs(journal.is_dead, self.files, self.definition.working_dir)
        if isinstance(self.staging, Copied):
            await self.staging.tidy()
        return told


@asynccontextmanager
async def equipped(
    definition: HostDefinition, cluster: str | None, machine: Machine, setup: Setup
) -> AsyncIterator[Equipment]:
    """Equips for a host; leaving the context removes what the run made there and closes the connections."""
    if definition.type is HostType.LOCAL:
        staging = InPlace(setup.journal, setup.run, setup.fls_path) if setup.journal else None
        yield Equipment(definition, LocalTransport(definition.name), staging)
        return
    address = Address(definition.ip or definition.name, definition.port, definition.user)
    async with Connections(definition.name, address) as connections:
        transport = SshTransport(connections)
        if definition.type is HostType.MOUNTED:
            mapping = PathMapping(definition.path_substitutions)
            shared = Mapped(setup.journal, setup.run, mapping) if setup.journal else None
            yield Equipment(definition, transport, shared, connections, mapping=mapping)
            return
        files = SftpFiles(connections, None, limiters=machine.limiters)
        if setup.journal is None:
            yield Equipment(definition, transport, None, connections, files)
            return
        working_dir = definition.working_dir or ""
        loans = machine.loans(run_directory(working_dir, setup.run))
        copied = Copied(
            setup.journal, setup.run, files, working_dir, definition.name, cluster, setup.emit, time.time, loans
        )
        try:
            yield Equipment(definition, transport, copied, connections, files)
        finally:
            await copied.close()
