"""An agent's files, through the eyes of the manager's own sftp, and what is refused to anybody else's."""

import asyncio
import gc
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.agent.room import Room
from pytranscoder.errors import HostError, SpaceError
from pytranscoder.hosts.connection import Connections
from pytranscoder.hosts.sftp import Patience, SftpFiles
from tests.agent.standing import MakeStanding, Standing
from tests.hosts.faulty_link import faulty_link

MIB = 1 << 20
SIZE = 12 * MIB
STRANGE_NAMES = [
    "-rf",
    "two  spaces ",
    'it\'s "$(id)" \\ *?.mkv',
    "line\nbreak",
    "Амели 🎬",
    "\udcff\udc80.mkv",
    "a" * 255,
]
QUICK = Patience(pause_s=0.01)


@pytest.fixture
async def files(standing: Standing) -> AsyncIterator[SftpFiles]:
    async with Connections("agent", standing.address()) as connections:
        yield SftpFiles(connections, None)


@pytest.fixture
async def sftp(standing: Standing) -> AsyncIterator[asyncssh.SFTPClient]:
    async with await standing.connect() as connection, connection.start_sftp_client() as client:
        yield client


@pytest.fixture
def film_to_send(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    path.write_bytes(os.urandom(SIZE))
    return path


async def test_a_file_goes_there_and_back(
    files: SftpFiles, standing: Standing, film_to_send: Path, tmp_path: Path
) -> None:
    theirs = str(standing.working_dir / "film.mkv")

    await files.upload(film_to_send, theirs, lambda _: None)
    await files.fetch(theirs, tmp_path / "back.mkv", lambda _: None)

    assert (standing.working_dir / "film.mkv").read_bytes() == film_to_send.read_bytes()
    assert (tmp_path / "back.mkv").read_bytes() == film_to_send.read_bytes()


@pytest.mark.parametrize("name", STRANGE_NAMES)
async def test_any_name_is_a_name(files: SftpFiles, standing: Standing, tmp_path: Path, name: str) -> None:
    ours = tmp_path / "small"
    ours.write_bytes(b"half a film")
    theirs = standing.working_dir / name

    await files.upload(ours, str(theirs), lambda _: None)

    assert await files.names(str(standing.working_dir)) == [name]
    assert await files.size_bytes(str(theirs)) == 11


async def test_a_relative_name_counts_from_the_working_directory(files: SftpFiles, standing: Standing) -> None:
    await files.make_directory("run/one/two")

    assert (standing.working_dir / "run" / "one" / "two").is_dir()
    assert (standing.working_dir / "run").stat().st_mode & 0o777 == 0o700


async def test_a_tree_is_removed_and_no_link_is_followed(files: SftpFiles, standing: Standing, tmp_path: Path) -> None:
    run = standing.working_dir / "run"
    (run / "deep" / "deeper").mkdir(parents=True)
    for number in range(70):
        (run / "deep" / f"{number}").touch()
    (tmp_path / "film.mkv").touch()
    (run / "link").symlink_to(tmp_path)
    (run / "deep" / "dangling").symlink_to("nowhere")

    await files.remove_tree(str(run))

    assert not run.exists()
    assert (tmp_path / "film.mkv").exists()


async def test_what_is_not_there_is_no_trouble(files: SftpFiles, standing: Standing) -> None:
    await files.remove_tree(str(standing.working_dir / "nothing"))

    assert await files.names(str(standing.working_dir / "nothing")) == []
    assert await files.size_bytes("nothing") is None


async def test_room_is_told_without_what_must_be_left_free(make_standing: MakeStanding, tmp_path: Path) -> None:
    stat = os.statvfs(tmp_path)
    left = stat.f_frsize * stat.f_bavail // 2
    standing = await make_standing(room=Room(left))
    async with Connections("agent", standing.address()) as connections:
        free = await SftpFiles(connections, None).free_bytes(str(standing.working_dir / "not" / "there"))

    assert free is not None
    assert abs(free - left) < 256 * MIB


async def test_a_disk_that_counts_as_full_takes_nothing_more(make_standing: MakeStanding, film_to_send: Path) -> None:
    standing = await make_standing(room=Room(1 << 60))
    async with Connections("agent", standing.address()) as connections:
        with pytest.raises(SpaceError):
            await SftpFiles(connections, None).upload(film_to_send, "film.mkv", lambda _: None)

    assert (standing.working_dir / "film.mkv").stat().st_size == 0


async def test_a_cut_transfer_goes_on(standing: Standing, film_to_send: Path, tmp_path: Path) -> None:
    async with (
        faulty_link(standing.port) as link,
        Connections("agent", standing.address(link.port)) as connections,
    ):
        known = tmp_path / "home" / ".ssh" / "known_hosts"
        known.write_text(known.read_text() + known.read_text().replace(str(standing.port), str(link.port)))
        files = SftpFiles(connections, None, QUICK)
        link.break_after(SIZE // 2)
        await files.upload(film_to_send, "film.mkv", lambda _: None)

    assert link.has_failed.is_set()
    assert (standing.working_dir / "film.mkv").read_bytes() == film_to_send.read_bytes()


async def test_shares_can_be_read_and_writable_ones_written(
    files: SftpFiles, standing: Standing, tmp_path: Path
) -> None:
    (standing.share / "film.mkv").write_bytes(b"film")
    ours = tmp_path / "small"

    await files.fetch(str(standing.share / "film.mkv"), ours, lambda _: None)
    await files.upload(ours, str(standing.writable_share / "film.mkv"), lambda _: None)

    assert (standing.writable_share / "film.mkv").read_bytes() == b"film"
    with pytest.raises(HostError, match="permission denied"):
        await files.upload(ours, str(standing.share / "other.mkv"), lambda _: None)


FOLLOWING = ("open", "stat", "listdir", "statvfs", "realpath", "readlink")
OUTSIDE = [
    *itertools.product(
        ("/etc/passwd", "../secret", "run/../../secret", "link/secret"), (*FOLLOWING, "remove", "mkdir", "rename")
    ),
    # The link itself is in the folder, and may be removed.
    *itertools.product(["secret-link"], FOLLOWING),
]


@pytest.mark.parametrize(("path", "request_name"), OUTSIDE)
async def test_nothing_outside_is_reached(
    sftp: asyncssh.SFTPClient, standing: Standing, path: str, request_name: str
) -> None:
    secret = standing.folder / "secret"
    secret.write_bytes(b"secret")
    (standing.working_dir / "run").mkdir()
    (standing.working_dir / "link").symlink_to(standing.folder)
    (standing.working_dir / "secret-link").symlink_to(secret)
    arguments = ["run/new"] if request_name == "rename" else []

    with pytest.raises(asyncssh.SFTPPermissionDenied):
        await getattr(sftp, request_name)(path, *arguments)

    assert secret.read_bytes() == b"secret"
    assert await standing.tells("refused sftp:")


@pytest.mark.parametrize("request_name", ["symlink", "link"])
async def test_no_link_is_made(sftp: asyncssh.SFTPClient, standing: Standing, request_name: str) -> None:
    with pytest.raises(asyncssh.SFTPPermissionDenied):
        await getattr(sftp, request_name)("/etc/passwd", "link")

    assert not os.path.lexists(standing.working_dir / "link")


async def test_a_file_made_is_for_its_owner_alone(sftp: asyncssh.SFTPClient, standing: Standing) -> None:
    async with sftp.open("film.mkv", "wb", asyncssh.SFTPAttrs(permissions=0o4777)) as file:
        await file.write(b"film")
    await sftp.chmod("film.mkv", 0o4777)

    assert (standing.working_dir / "film.mkv").stat().st_mode & 0o7777 == 0o600


async def test_a_pipe_is_not_opened(sftp: asyncssh.SFTPClient, standing: Standing) -> None:
    os.mkfifo(standing.working_dir / "pipe")

    with pytest.raises(asyncssh.SFTPPermissionDenied):
        async with asyncio.timeout(5):
            await sftp.open("pipe", "rb")


@pytest.mark.parametrize(("replaces", "content"), [(False, b"old"), (True, b"new")])
async def test_renaming_replaces_only_when_it_is_told_to(
    sftp: asyncssh.SFTPClient, standing: Standing, replaces: bool, content: bytes
) -> None:
    (standing.working_dir / "new").write_bytes(b"new")
    (standing.working_dir / "old").write_bytes(b"old")

    if replaces:
        await sftp.posix_rename("new", "old")
    else:
        with pytest.raises(asyncssh.SFTPError):
            await sftp.rename("new", "old")

    assert (standing.working_dir / "old").read_bytes() == content


ROOTS = ("{work}", "{work}/.", ".", "run/..", "{share}", "{share}/", "{rw}", "{rw}/x/..", "{work}/../share-rw")


@pytest.mark.parametrize("name", ROOTS)
async def test_a_folder_of_the_agent_stays_where_it_is(
    sftp: asyncssh.SFTPClient, standing: Standing, name: str
) -> None:
    root = name.format(work=standing.working_dir, share=standing.share, rw=standing.writable_share)
    for folder in (standing.working_dir / "run", standing.writable_share / "x"):
        folder.mkdir()
    attacks = [sftp.rmdir(root), sftp.remove(root)]
    for rename in (sftp.rename, sftp.posix_rename):
        attacks += [rename(root, f"{standing.writable_share}/old"), rename("run", root)]

    for attack in attacks:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await attack

    assert await standing.tells("refused sftp:")


@pytest.mark.parametrize(("old", "new"), [("link", "other"), ("film.mkv", "link")])
async def test_a_link_stays_where_it_is(sftp: asyncssh.SFTPClient, standing: Standing, old: str, new: str) -> None:
    (standing.working_dir / "film.mkv").touch()
    (standing.working_dir / "link").symlink_to("film.mkv")

    for rename in (sftp.rename, sftp.posix_rename):
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="stays where it is"):
            await rename(old, new)

    assert (standing.working_dir / "link").readlink() == Path("film.mkv")


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("path", ["missing", "/etc/passwd"])
async def test_what_cannot_be_opened_counts_for_no_open_file(
    sftp: asyncssh.SFTPClient, standing: Standing, path: str
) -> None:
    (standing.working_dir / "film.mkv").touch()
    for _ in range(20):
        with pytest.raises((asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied)):
            await sftp.open(path, "rb")
        with pytest.raises((asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied)):
            await sftp.listdir(path)

    await sftp.open("film.mkv", "rb")
