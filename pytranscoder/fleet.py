"""The hosts of a run: connects to each, checks it, lets it rest and tries it again. Starts no encode."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytranscoder.encode.attempt import Host
from pytranscoder.encode.equipment import Equipment, Setup, equipped
from pytranscoder.encode.machine import Machine
from pytranscoder.errors import HostError, printable
from pytranscoder.hosts.agents.calls import AGENT_PORT
from pytranscoder.hosts.completion import all_or_none
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.hosts.ffmpeg import Ffmpeg
from pytranscoder.hosts.mapping import PathMapping
from pytranscoder.hosts.survey import Surveyed
from pytranscoder.jobs.events import LOCAL_HOST, HostReady, HostUnavailable, Notice
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.profiles.profile import DEFAULT_QUEUE

RETRY_S = 60.0
SOON_S = 5.0
CHECK_WITHIN_S = 10.0
# What a question gets of it at least, when to connect took all.
PROBE_WITHIN_S = 3.0
# How many files a host is asked for at once. As many sessions fit on one connection.
QUESTIONS = 8
# What a configuration can say that a host runs; it may run others.
SYSTEMS = ("linux", "macos", "windows")


@dataclass(frozen=True)  # without slots, as it keeps which machine it is
class Member:
    """A host that takes part in a run, as one of `cluster`; None is this machine in local mode."""

    definition: HostDefinition
    cluster: str | None = None

    @property
    def key(self) -> tuple[str | None, str]:
        """What tells it from the other hosts of a run."""
        return self.cluster, self.definition.name

    @property
    def slots(self) -> Mapping[str, int]:
        """A host has a default queue of one slot unless it sets another number."""
        return {DEFAULT_QUEUE: 1, **self.definition.queues}

    @property
    def spec(self) -> HostSpec:
        """What the scheduler knows of it. Reads the ssh configuration."""
        definition = self.definition
        return HostSpec(
            name=definition.name,
            slots=self.slots,
            cluster=self.cluster,
            machine=self.machine,
            profiles=frozenset(definition.profiles),
            copies=definition.is_copied_to,
        )

    @cached_property
    def machine(self) -> str:
        """Which machine it is, whatever it is called and wherever else it takes part. Reads the ssh configuration."""
        if self.definition.type is HostType.LOCAL:
            return LOCAL_HOST
        definition = self.definition
        port = AGENT_PORT if definition.type is HostType.AGENT and definition.port is None else definition.port
        from pytranscoder.hosts.ssh_settings import SETTINGS_FAULTS, read_settings  # noqa: PLC0415  # as in equipment

        try:  # one cluster may have the address, another a name that ~/.ssh/config has for it
            settings = read_settings(definition.ip or "", port, definition.user)
        except SETTINGS_FAULTS:  # which the first connection will tell
            return f"{definition.ip}:{port}"
        # Behind two jump hosts, two machines may have one address.
        return " ".join((*map(str, settings.jumps), f"{settings.hostname.lower()}:{settings.port}"))


def local_member(ffmpeg: str | None, queues: Mapping[str, int]) -> Member:
    """This machine in local mode."""
    return Member(HostDefinition(LOCAL_HOST, HostType.LOCAL, ffmpeg=ffmpeg, queues=queues))


class Fleet:
    """The hosts of a run; made in a running event loop.

    `keep` works until it is cancelled, and leaves nothing behind on hosts that it can reach. A host that is out is
    tried again every `retry_s` seconds, one that was lost sooner at first.
    """

    def __init__(self, members: Sequence[Member], setup: Setup, retry_s: float = RETRY_S) -> None:
        self._samples = {member.cluster: _Samples() for member in members}
        machines = _machines(members)
        self._keepers = {
            member.key: _Keeper(member, machines[member.key], setup, self._samples[member.cluster], retry_s)
            for member in members
        }

    async def keep(self) -> None:
        """Keeps every host in use as long as there is work."""
        async with asyncio.TaskGroup() as group:
            for keeper in self._keepers.values():
                group.create_task(keeper.keep())

    async def answered(self) -> None:
        """Returns when every host has been checked once."""
        for keeper in self._keepers.values():
            await keeper.answered.wait()

    def host(self, key: tuple[str | None, str]) -> Host:
        """A host that has been ready."""
        return self._keepers[key].host

    def rest(self, key: tuple[str | None, str], pause_s: float, reason: str) -> None:
        """Lets a host rest; what runs there goes on."""
        self._keepers[key].rest(pause_s, reason)

    def show_sample(self, cluster: str | None, media: Path | None) -> None:
        """Gives the hosts of a cluster a file that they must see before they are used; None when that was all."""
        self._samples[cluster].add(media)

    async def unusable(self, cluster: str | None, media: Sequence[Path]) -> list[tuple[str, str]]:
        """Returns which hosts that are ready cannot work on which of these files, with the reason."""
        keepers = [self._keepers[key] for key in self.keys(cluster) if self._keepers[key].is_ready]
        found = await asyncio.gather(*(keeper.all_unusable(media) for keeper in keepers))
        return [(keeper.name, reason) for keeper, reasons in zip(keepers, found, strict=True) for reason in reasons]

    def keys(self, cluster: str | None) -> list[tuple[str | None, str]]:
        """The hosts of a cluster."""
        return [key for key in self._keepers if key[0] == cluster]

    def ffmpeg(self, key: tuple[str | None, str]) -> Ffmpeg | None:
        """The ffmpeg of a host, None before it has been ready."""
        return self._keepers[key].ffmpeg

    def definition(self, key: tuple[str | None, str]) -> HostDefinition:
        """How the user described a host."""
        return self._keepers[key].definition


def _machines(members: Sequence[Member]) -> dict[tuple[str | None, str], Machine]:
    of_one: defaultdict[str, list[Member]] = defaultdict(list)
    for member in members:
        of_one[member.machine].append(member)
    machines = {name: Machine(member.definition.bandwidth for member in hosts) for name, hosts in of_one.items()}
    return {member.key: machines[name] for name, hosts in of_one.items() for member in hosts}


class _Samples:
    """The files of one cluster, in their order, of which a host must see one."""

    def __init__(self) -> None:
        self._media: deque[Path] = deque()
        self._told = asyncio.Event()

    def add(self, media: Path | None) -> None:
        if media is not None:
            self._media.append(media)
        self._told.set()

    async def first(self) -> Path | None:
        """Waits for files and returns the first that is there still, as encoded ones may be gone; None when all are."""
        await self._told.wait()
        while self._media:
            media = self._media[0]
            if await asyncio.to_thread(_size_bytes, media) is not None:
                return media
            if self._media and self._media[0] is media:
                self._media.popleft()
        return None


@dataclass(frozen=True, slots=True)
class _Out:
    """Why a host is out, and how long to leave it alone."""

    reason: str
    pause_s: float
    rests: bool = False


class _Keeper:
    """Keeps one host."""

    def __init__(self, member: Member, machine: Machine, setup: Setup, samples: _Samples, retry_s: float) -> None:
        self._member = member
        self._machine = machine
        self._setup = setup
        self._retry_s = self._pause_s = retry_s
        self._ffmpeg: Ffmpeg | None = None
        self._equipment: Equipment | None = None
        self._samples = samples
        self._is_system_told = False
        self._rest: asyncio.Future[tuple[float, str]] | None = None
        self.answered = asyncio.Event()

    @property
    def definition(self) -> HostDefinition:
        return self._member.definition

    @property
    def name(self) -> str:
        return self._member.definition.name

    @property
    def host(self) -> Host:
        equipment, ffmpeg = self._equipment, self._ffmpeg
        if equipment is None or equipment.staging is None or ffmpeg is None:
            raise AssertionError(f"host {self.name} has not been ready")
        return Host(equipment.transport, equipment.staging, ffmpeg, self._member.cluster)

    @property
    def ffmpeg(self) -> Ffmpeg | None:
        return self._ffmpeg

    @property
    def is_ready(self) -> bool:
        return self._rest is not None

    def rest(self, pause_s: float, reason: str) -> None:
        if self._rest is not None and not self._rest.done():
            self._rest.set_result((pause_s, reason))

    async def keep(self) -> None:
        definition, cluster = self._member.definition, self._member.cluster
        async with equipped(definition, cluster, self._machine, self._setup) as self._equipment:
            while True:
                out = await self._serve(self._equipment)
                # In local mode there is no other host, and what stands against this one will not go by itself.
                retry_in_s = None if cluster is None else out.pause_s
                self._setup.emit(
                    HostUnavailable(
                        time=time.time(),
                        host=self.name,
                        cluster=cluster,
                        reason=out.reason,
                        retry_in_s=retry_in_s,
                        rests=out.rests,
                    )
                )
                self.answered.set()
                if retry_in_s is None:
                    return
                await asyncio.sleep(retry_in_s)

    async def all_unusable(self, media: Sequence[Path]) -> list[str]:
        """Returns why this host cannot work on some of these files, or that it could not be asked."""
        side_by_side = asyncio.Semaphore(QUESTIONS)

        async def ask(path: Path) -> str | None:
            async with side_by_side:
                return await self.unusable(path)

        try:
            with _boundary(self.name):
                async with all_or_none() as group:
                    asked = [group.create_task(ask(path)) for path in media]
        except HostError as exc:
            return [exc.reason]
        return [reason for task in asked if (reason := task.result()) is not None]

    async def unusable(self, media: Path, *, to_write: bool = True) -> str | None:
        """Returns why this host cannot work on a file; None when it can, or need not see it."""
        equipment = self._equipment
        if equipment is None or self._ffmpeg is None or not equipment.definition.sees_ours:
            return None
        mapping = PathMapping(equipment.definition.path_substitutions)
        theirs = mapping.theirs(media)
        sight = await equipment.surveyor.look(theirs)
        size_bytes = sight.size_bytes
        if size_bytes == await asyncio.to_thread(_size_bytes, media):
            return self._unwritable(mapping.theirs(media.parent)) if to_write and not sight.is_writable else None
        entry = mapping.covering(media)
        remedy = f"correct `{entry}` in" if entry else "add an entry for its folder to"
        what = "does not see" if size_bytes is None else "sees another file than"
        reason = equipment.surveyor.why_invisible(theirs) if size_bytes is None else None
        return f"it {what} {printable(media)} as {printable(theirs)}; {reason or f'{remedy} `path-substitutions`'}"

    def _unwritable(self, folder: str) -> str:
        user = f"user {self.definition.user}" if self.definition.user else "its user"
        return f"{user} may not write in {printable(folder)}, where the output is made; give them the right to"

    async def _serve(self, equipment: Equipment) -> _Out:
        """Makes the host ready and returns when it is not any more."""
        try:
            with _boundary(self.name):
                surveyed, left_s = await self._check(equipment)
                tidied = await equipment.tidy(self._setup.journal) if self._setup.journal else []
            self._warn_of_system(surveyed)
            for text in tidied:
                self._setup.emit(Notice(time=time.time(), level="info", text=f"host {self.name}: {text}"))
            with _boundary(self.name):
                await self._require_sample(max(left_s, PROBE_WITHIN_S))
        except HostError as exc:
            return _Out(exc.reason, self._next_pause_s())
        self._pause_s = min(SOON_S, self._retry_s)
        self._rest = asyncio.get_running_loop().create_future()
        try:
            self._tell_ready(surveyed)
            self.answered.set()
            return await self._until_out(equipment, self._rest)
        finally:
            self._rest = None

    def _warn_of_system(self, surveyed: Surveyed) -> None:
        said = self.definition.os
        if said in (None, surveyed.os) or surveyed.os not in SYSTEMS or self._is_system_told:
            return
        self._is_system_told = True
        text = f"host {self.name}: it runs {surveyed.os}, not {said}; correct `os`, or leave it out"
        self._setup.emit(Notice(time=time.time(), level="warning", text=text))

    def _next_pause_s(self) -> float:
        """How long to leave it alone: a host that was ready may be back soon, with each miss that is less likely."""
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, self._retry_s)
        return pause_s

    async def _check(self, equipment: Equipment) -> tuple[Surveyed, float]:
        """Returns what was found, and how much is left of the time for a check."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        await equipment.connect()  # has a clock of its own, as it knows what it waited for
        try:
            surveyed = await equipment.surveyor.survey(max(begun + CHECK_WITHIN_S - clock(), PROBE_WITHIN_S))
        except TimeoutError as exc:
            reason = f"its check took longer than {clock() - begun:.0f} s; is it overloaded?"
            raise HostError(self.name, reason) from exc
        self._ffmpeg = surveyed.ffmpeg
        return surveyed, begun + CHECK_WITHIN_S - clock()

    async def _require_sample(self, within_s: float) -> None:
        sample = await self._samples.first() if self.definition.sees_ours else None
        if sample is None:
            return
        try:
            async with asyncio.timeout(within_s):
                reason = await self.unusable(sample, to_write=False)
        except TimeoutError as exc:
            reason = f"no answer within {within_s:.0f} s whether it sees {printable(sample)}; does its share hang?"
            raise HostError(self.name, reason) from exc
        if reason is not None:
            raise HostError(self.name, reason)

    def _tell_ready(self, surveyed: Surveyed) -> None:
        self._setup.emit(
            HostReady(
                time=time.time(),
                host=self.name,
                cluster=self._member.cluster,
                host_type=self._member.definition.type.value,
                os=surveyed.os,
                ffmpeg=surveyed.ffmpeg.path,
                ffmpeg_version=surveyed.ffmpeg.version,
                encoders=surveyed.ffmpeg.encoders,
                slots=self._member.slots,
                free_bytes=surveyed.free_bytes,
                confinement=surveyed.confinement,
            )
        )

    async def _until_out(self, equipment: Equipment, rest: "asyncio.Future[tuple[float, str]]") -> _Out:
        async with asyncio.TaskGroup() as group:
            lost = group.create_task(self._why_lost(equipment))
            await asyncio.wait((lost, rest), return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
        pause_s, reason = rest.result() if rest.done() else (self._next_pause_s(), "")
        if lost.cancelled():
            return _Out(f"rests: {reason.removeprefix(f'host {self.name}: ')}", pause_s, rests=True)
        return _Out(lost.result(), pause_s)

    async def _why_lost(self, equipment: Equipment) -> str:
        try:
            with _boundary(self.name):
                return f"lost: {await equipment.wait_lost()}"
        except HostError as exc:
            return exc.reason


@contextmanager
def _boundary(host: str) -> Iterator[None]:
    """Makes a fault of the host of whatever goes wrong within."""
    try:
        yield
    except HostError:
        raise
    except Exception as exc:  # the host's boundary: its trouble must not end the run of all
        raise HostError(host, f"unexpected {type(exc).__name__}: {exc}") from exc


def _size_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
