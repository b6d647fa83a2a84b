"""Files over sftp: against a real sshd, by a link that breaks and freezes when it is told to."""

import asyncio
import gc
import logging
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pytranscoder.errors import HostError, LostError, SourceChangedError, SpaceError, TransferError
from pytranscoder.hosts.connection import Address, Connections
from pytranscoder.hosts.rate import Limiter
from pytranscoder.hosts.sftp import Patience, SftpFiles
from pytranscoder.hosts.transport import Files
from tests.hosts.faulty_link import FaultyLink, faulty_link
from tests.hosts.sshd import Sshd

MIB = 1 << 20
ACCOUNT = "root-bash"
SIZE = 12 * MIB
BREAKS_AT = 8 * MIB
# What may be under way on a link without delay, and so be lost with it.
UNDER_WAY = 5 * MIB
QUICK = Patience(pause_s=0.01)
IMPATIENT = Patience(stall_s=0.5, reconnect_s=0.5, pause_s=0.01)

STRANGE_NAMES = [
    "film.mkv",
    "-rf",
    " two  spaces ",
    'it\'s "quoted" `id` $(id) ${HOME} \\ * ? [a] ; & | < > # ~ !',
    "line\nbreak\ttab\x7f\x01",
    "Амели 🎬 é",
    "not utf-8 \udcff\udc80.mkv",
    "a" * 255,
]


@pytest.fixture(autouse=True)
def nothing_is_forgotten(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test that leaves a task behind whose error nobody asks for."""
    yield
    gc.collect()
    assert [record.message for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
async def connections(address: Callable[[str], Address]) -> AsyncIterator[Connections]:
    async with Connections("nas", address(ACCOUNT)) as connections:
        yield connections


@pytest.fixture
def files(connections: Connections) -> Files:
    return SftpFiles(connections, None)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A path on the host, which is this machine."""
    (tmp_path / "theirs").mkdir()
    return tmp_path / "theirs" / "film.mkv"


@pytest.fixture
async def link(sshd: Sshd) -> AsyncIterator[FaultyLink]:
    async with faulty_link(sshd.port) as link:
        yield link


@pytest.fixture
async def far(link: FaultyLink, ssh_home: Path) -> AsyncIterator[Callable[[Patience], SftpFiles]]:
    """Makes the files of the host at the end of the link."""
    del ssh_home
    async with Connections("nas", Address("127.0.0.1", link.port, ACCOUNT)) as connections:
        yield lambda patience: SftpFiles(connections, None, patience)


def ignore(_: int) -> None:
    """A report that nobody reads."""


@pytest.mark.parametrize("size", [0, 1, 255 << 10, (255 << 10) + 1, 3 * MIB + 7])
async def test_a_file_arrives_as_it_is_and_comes_back(files: Files, tmp_path: Path, theirs: Path, size: int) -> None:
    ours, back = tmp_path / "ours", tmp_path / "back"
    ours.write_bytes(os.urandom(size))
    back.write_bytes(b"what was there before")

    await files.upload(ours, str(theirs), ignore)
    await files.fetch(str(theirs), back, ignore)

    assert back.read_bytes() == theirs.read_bytes() == ours.read_bytes()


async def test_an_upload_replaces_a_longer_file(files: Files, film: Path, theirs: Path) -> None:
    theirs.write_bytes(bytes(SIZE + 1))

    await files.upload(film, str(theirs), ignore)

    assert theirs.read_bytes() == film.read_bytes()


async def test_reports_grow_to_the_size(files: Files, film: Path, theirs: Path) -> None:
    sent, fetched = list[int](), list[int]()

    await files.upload(film, str(theirs), sent.append)
    await files.fetch(str(theirs), film.with_name("back"), fetched.append)

    assert (sent[0], sent[-1], fetched[0], fetched[-1]) == (0, SIZE, 0, SIZE)
    assert (sent, fetched) == (sorted(sent), sorted(fetched))
    assert min(len(sent), len(fetched)) > 20


@pytest.mark.parametrize("name", STRANGE_NAMES)
async def test_any_name_works(files: Files, film: Path, theirs: Path, name: str) -> None:
    directory = str(theirs.with_name(name))
    path = f"{directory}/{name}"

    await files.make_directory(directory)
    await files.upload(film, path, ignore)
    await files.fetch(path, film.with_name(name), ignore)

    assert await files.names(directory) == [name]
    assert await files.size_bytes(path) == SIZE
    assert film.with_name(name).read_bytes() == film.read_bytes()
    await files.remove_tree(directory)
    assert not any(theirs.parent.iterdir())


async def test_transfers_side_by_side(files: Files, film: Path, theirs: Path) -> None:
    numbers = range(9)

    await asyncio.gather(*(files.upload(film, f"{theirs}{number}", ignore) for number in numbers))
    await asyncio.gather(*(files.fetch(f"{theirs}{number}", Path(f"{film}{number}"), ignore) for number in numbers))

    assert {Path(f"{film}{number}").read_bytes() for number in numbers} == {film.read_bytes()}


async def test_an_upload_goes_on_where_the_connection_broke(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, theirs: Path
) -> None:
    reports: list[int] = []
    link.break_after(BREAKS_AT)

    await far(QUICK).upload(film, str(theirs), reports.append)

    assert theirs.read_bytes() == film.read_bytes()
    assert reports == sorted(reports)
    assert (link.connections, link.carried < SIZE + UNDER_WAY) == (2, True)


async def test_a_fetch_goes_on_where_the_connection_broke(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, tmp_path: Path
) -> None:
    back, reports = tmp_path / "back", list[int]()
    link.break_after(BREAKS_AT)

    await far(QUICK).fetch(str(film), back, reports.append)

    assert back.read_bytes() == film.read_bytes()
    assert reports == sorted(reports)
    assert (link.connections, link.carried < SIZE + UNDER_WAY) == (2, True)


async def test_an_upload_begins_anew_when_the_host_has_lost_its_part(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, theirs: Path
) -> None:
    link.break_after(BREAKS_AT)
    async with asyncio.TaskGroup() as group:
        group.create_task(far(Patience(pause_s=0.2)).upload(film, str(theirs), ignore))
        await link.has_failed.wait()
        theirs.unlink()

    assert theirs.read_bytes() == film.read_bytes()


async def test_a_transfer_goes_on_over_another_connection_when_one_freezes(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, theirs: Path
) -> None:
    link.freeze_after(BREAKS_AT, for_good=False)

    await far(Patience(stall_s=1, pause_s=0.01)).upload(film, str(theirs), ignore)

    assert theirs.read_bytes() == film.read_bytes()
    assert link.connections == 2


@pytest.mark.parametrize("direction", ["upload", "fetch"])
async def test_a_transfer_over_a_frozen_link_is_lost(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, theirs: Path, direction: str
) -> None:
    files = far(IMPATIENT)
    link.freeze_after(BREAKS_AT, for_good=True)

    with pytest.raises(LostError, match=r"host nas: connection lost, and no other for 0\.5 s"):
        await _copy(files, film, theirs, direction)


async def test_a_question_over_a_frozen_link_is_lost(far: Callable[[Patience], SftpFiles], link: FaultyLink) -> None:
    files = far(IMPATIENT)
    assert await files.size_bytes("/dev/null") == 0
    link.freeze_after(0, for_good=False)
    assert await files.size_bytes("/dev/null") == 0

    assert link.connections == 2


async def test_tries_that_bring_nothing_come_to_an_end(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, theirs: Path
) -> None:
    link.break_each_after(15_000)  # too little for a login and one block

    with pytest.raises(LostError, match="host nas: connection lost: "):
        await far(QUICK).upload(film, str(theirs), ignore)

    assert link.connections == QUICK.tries


@pytest.mark.parametrize("direction", ["upload", "fetch"])
async def test_a_cancelled_transfer_leaves_at_once_also_a_frozen_link(
    far: Callable[[Patience], SftpFiles], link: FaultyLink, film: Path, theirs: Path, direction: str
) -> None:
    link.freeze_after(BREAKS_AT, for_good=True)
    copying = asyncio.create_task(_copy(far(QUICK), film, theirs, direction))
    await link.has_failed.wait()

    copying.cancel()
    async with asyncio.timeout(2):
        await asyncio.wait([copying])

    assert copying.cancelled()
    assert _open_files() & {str(film), str(theirs)} == set()


@pytest.mark.parametrize("direction", ["upload", "fetch"])
async def test_other_files_go_on_when_a_transfer_is_cancelled(
    files: Files, film: Path, theirs: Path, direction: str
) -> None:
    begun = asyncio.Event()
    copying = asyncio.create_task(_copy(files, film, theirs, direction, lambda done: begun.set() if done else None))
    await begun.wait()

    copying.cancel()
    await asyncio.wait([copying])
    await files.remove_tree(str(theirs.parent))

    assert await files.names(str(theirs.parent)) == []
    assert _open_files() & {str(film), str(theirs)} == set()


def _open_files() -> set[str]:
    return {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}


async def _copy(files: Files, film: Path, theirs: Path, direction: str, report: Callable[[int], None] = ignore) -> None:
    if direction == "upload":
        await files.upload(film, str(theirs), report)
    else:
        await files.fetch(str(film), theirs, report)


@pytest.mark.parametrize("size", [SIZE // 2, SIZE * 2], ids=["shorter", "longer"])
async def test_a_source_that_changes_meanwhile_is_noticed(files: Files, film: Path, theirs: Path, size: int) -> None:
    with pytest.raises(SourceChangedError, match=r"film\.mkv: it became (shorter|longer) while it was copied"):
        await files.upload(film, str(theirs), lambda _: os.truncate(film, size))


@pytest.mark.parametrize("size", [SIZE // 2, SIZE * 2], ids=["shorter", "longer"])
async def test_a_file_of_the_host_that_changes_meanwhile_is_noticed(
    files: Files, film: Path, theirs: Path, size: int
) -> None:
    with pytest.raises(TransferError, match=r"film\.mkv: (it became shorter|\d+ bytes after the copy)"):
        await files.fetch(str(film), theirs, lambda _: os.truncate(film, size))


@pytest.mark.parametrize("direction", ["upload", "fetch"])
async def test_who_hears_the_reports_may_end_a_copy(files: Files, film: Path, theirs: Path, direction: str) -> None:
    def refuse(done_bytes: int) -> None:
        if done_bytes > MIB:
            raise TransferError("nas", "too much")

    with pytest.raises(TransferError, match="host nas: too much"):
        await _copy(files, film, theirs, direction, refuse)

    assert theirs.stat().st_size < SIZE


async def test_what_is_not_there_cannot_be_copied(files: Files, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await files.upload(tmp_path / "missing", str(tmp_path / "film"), ignore)
    with pytest.raises(TransferError, match="missing: no such file there"):
        await files.fetch(str(tmp_path / "missing"), tmp_path / "film", ignore)


async def test_a_full_disk_of_ours_is_no_fault_of_the_host(files: Files, film: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        await files.fetch(str(film), Path("/dev/full"), ignore)


@pytest.fixture
def small_disk(sshd: Sshd, tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB, which is seen by the sshd only."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    enter = ("nsenter", "-t", str(sshd.process.pid), "-m")
    subprocess.run([*enter, "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run([*enter, "umount", "-l", str(disk)], check=True)


async def test_a_full_disk_of_the_host_is_told_from_other_failures(files: Files, film: Path, small_disk: Path) -> None:
    with pytest.raises(SpaceError, match=r"film\.mkv: no space left on its disk; free some, or choose another"):
        await files.upload(film, f"{small_disk}/film.mkv", ignore)


async def test_a_failure_with_room_left_is_one_of_the_transfer(files: Files, film: Path, theirs: Path) -> None:
    theirs.mkdir()

    with pytest.raises(TransferError, match=r"film\.mkv: Failure"):
        await files.upload(film, str(theirs), ignore)


async def test_free_bytes_are_those_of_the_file_system(files: Files, small_disk: Path) -> None:
    assert await files.free_bytes(str(small_disk)) == 4 * MIB
    assert await files.free_bytes(f"{small_disk}/not/there/yet") == 4 * MIB


async def test_what_is_forbidden_is_said_with_a_remedy(
    address: Callable[[str], Address], tmp_path: Path, film: Path
) -> None:
    async with Connections("nas", address("user-bash")) as connections:
        with pytest.raises(
            HostError, match="permission denied; give the user who logs in the right to it, or"
        ) as caught:
            await SftpFiles(connections, None).upload(film, str(tmp_path / "film"), ignore)

    assert type(caught.value) is HostError


@pytest.mark.parametrize("direction", ["upload", "fetch"])
async def test_bandwidth_is_shared_by_all_transfers_of_a_direction(
    connections: Connections, film: Path, theirs: Path, direction: str
) -> None:
    files = SftpFiles(connections, bandwidth=60 * MIB)
    loop = asyncio.get_running_loop()
    begun = loop.time()

    await asyncio.gather(*(_copy(files, film, Path(f"{theirs}{number}"), direction) for number in range(3)))

    assert loop.time() - begun > 3 * SIZE / (60 * MIB) - 0.15


async def test_bandwidth_may_be_shared_by_two_hosts_that_are_one_machine(
    connections: Connections, film: Path, theirs: Path
) -> None:
    limiters = Limiter(40 * MIB), Limiter(40 * MIB)
    hosts = [SftpFiles(connections, None, limiters=limiters) for _ in range(2)]
    loop = asyncio.get_running_loop()
    begun = loop.time()

    await asyncio.gather(*(host.upload(film, f"{theirs}{number}", ignore) for number, host in enumerate(hosts)))

    assert loop.time() - begun > 2 * SIZE / (40 * MIB) - 0.15
