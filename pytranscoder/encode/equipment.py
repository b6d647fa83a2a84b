"""What it takes to work with a host of each type: transport, files, staging, put together. Checks nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytranscoder.encode.copied import Copied
from pytranscoder.encode.machine import Machine
from pytranscoder.encode.mapped import Mapped
from pytranscoder.encode.remains import clean_dead_runs, run_directory
from pytranscoder.encode.staging import InPlace, Staging
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.local import LocalTransport
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.hosts.surveyor import LocalSurveyor, Surveyor
from pytranscoder.hosts.transport import Files, Transport
from pytranscoder.jobs.events import Event
from pytranscoder.jobs.journal import Journal

if TYPE_CHECKING:
    from pytranscoder.hosts.connection import Connections


@dataclass(frozen=True, slots=True)
class Setup:
    """What the equipment of all hosts of a run shares; `journal` is None in a dry run, which changes nothing."""

    run: str
    journal: Journal | None
    emit: Callable[[Event], None]
    trust: Trust
    fls_path: Path | None = None


@dataclass(frozen=True, slots=True)
class Equipment:
    """The equipment for one host. `staging` is None in a dry run, `connections` for this machine."""

    definition: HostDefinition
    transport: Transport
    surveyor: Surveyor
    staging: Staging | None = None
    connections: "Connections | None" = None
    files: Files | None = None

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
        told = await self.surveyor.reap()
        if self.files is not None and self.definition.is_copied_to:
            told += await clean_dead_runs(journal.is_dead, self.files, self.definition.copies_to)
        if isinstance(self.staging, Copied):
            await self.staging.tidy()
        return told


@asynccontextmanager
async def equipped(
    definition: HostDefinition, cluster: str | None, machine: Machine, setup: Setup
) -> AsyncIterator[Equipment]:
    """Equips for a host; leaving the context removes what the run made there and closes the connections."""
    if definition.type is HostType.LOCAL:
        here = LocalTransport(definition.name)
        in_place = InPlace(setup.journal, setup.run, setup.fls_path) if setup.journal else None
        yield Equipment(definition, here, LocalSurveyor(here, definition), in_place)
        return
    from pytranscoder.hosts.reach import reached  # noqa: PLC0415  # a run without such hosts loads no ssh

    async with (
        reached(definition, setup.trust, machine.limiters) as reach,
        _staged(definition, cluster, machine, setup, reach.files) as staging,
    ):
        yield Equipment(definition, reach.transport, reach.surveyor, staging, reach.connections, reach.files)


@asynccontextmanager
async def _staged(
    definition: HostDefinition, cluster: str | None, machine: Machine, setup: Setup, files: Files
) -> AsyncIterator[Staging | None]:
    if setup.journal is None:
        yield None
        return
    if not definition.is_copied_to:
        yield Mapped(setup.journal, setup.run, PathMapping(definition.path_substitutions))
        return
    directory = definition.copies_to
    loans = machine.loans(run_directory(directory, setup.run))
    copied = Copied(setup.journal, setup.run, files, directory, definition.name, cluster, setup.emit, time.time, loans)
    try:
        yield copied
    finally:
        await copied.close()
