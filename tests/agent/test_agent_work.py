"""How a command of a manager ends: by itself, when the manager goes or is silent, when the disk is full."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.agent.room import Room
from pytranscoder.agent.work import Waits
from pytranscoder.hosts.agents.calls import RUN, Call, write_call
from tests.agent.standing import MakeStanding, Standing, anything
from tests.hosts.programs import await_end, await_gone, program

CALL = Call((), "", "t", silence_s=30, grace_s=1)
ENDS_WITHIN_S = 5.0


@pytest.fixture
async def standing(make_standing: MakeStanding) -> Standing:
    return await make_standing(gate=anything)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def partial(standing: Standing) -> Path:
    return standing.working_dir / ".film.ptc-1.mkv"


@asynccontextmanager
async def running(
    standing: Standing, call: Call
) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, asyncssh.SSHClientProcess[bytes]]]:
    """Yield a connection with a command that has said that it has begun."""
    async with await standing.connect() as connection:
        process = await connection.create_process(RUN, encoding=None)
        process.stdin.write(write_call(call))
        assert await process.stdout.readline() == b"ptc-begin t\n"
        assert await process.stdout.readline() == b"begun\n"
        yield connection, process


def hanging(lock: Path, partial: Path) -> Call:
    argv = program(f"hold:{lock}", f"write:{partial}", "deaf", "child", "out:begun", "hang")
    return replace(CALL, argv=argv, partial=str(partial))


async def test_a_manager_that_is_gone_takes_its_command_along(standing: Standing, lock: Path, partial: Path) -> None:
    async with running(standing, hanging(lock, partial)) as (connection, _):
        connection.abort()

        async with asyncio.timeout(ENDS_WITHIN_S):
            await await_end(lock)
            await await_gone(partial)

    assert await standing.tells("stopped: the connection to the manager is lost")


async def test_a_closed_channel_takes_its_command_along(standing: Standing, lock: Path, partial: Path) -> None:
    async with running(standing, hanging(lock, partial)) as (_, process):
        process.close()

        async with asyncio.timeout(ENDS_WITHIN_S):
            await await_end(lock)


async def test_the_end_of_input_stops_a_command(standing: Standing, lock: Path, partial: Path) -> None:
    async with running(standing, hanging(lock, partial)) as (_, process):
        process.stdin.write_eof()

        assert await process.stdout.readline() == b"ptc-exit t 143\n"
        await await_end(lock)
    assert not partial.exists()


async def test_a_word_stops_a_command(standing: Standing, lock: Path, partial: Path) -> None:
    async with running(standing, hanging(lock, partial)) as (_, process):
        process.stdin.write(b"\n\nst")
        process.stdin.write(b"op\n")

        assert await process.stdout.readline() == b"ptc-exit t 143\n"
        await await_end(lock)


async def test_silence_stops_a_command(standing: Standing, lock: Path, partial: Path) -> None:
    async with running(standing, replace(hanging(lock, partial), silence_s=1.5)) as (_, process):
        assert await process.stdout.readline() == b"ptc-exit t 143\n"
        await await_end(lock)

    assert await standing.tells("stopped: the manager was silent for 1.5 s")


async def test_no_manager_may_be_silent_as_long_as_it_likes(
    make_standing: MakeStanding, lock: Path, tmp_path: Path
) -> None:
    standing = await make_standing(gate=anything, waits=Waits(silence_s=1.5))
    async with running(standing, replace(hanging(lock, tmp_path / "film.mkv"), silence_s=3600)) as (_, process):
        assert await process.stdout.readline() == b"ptc-exit t 143\n"


async def test_heartbeats_keep_a_command_running(standing: Standing, partial: Path, lock: Path) -> None:
    call = replace(hanging(lock, partial), silence_s=1.5)
    async with running(standing, call) as (_, process):
        for _ in range(20):
            process.stdin.write(b"\n")
            await asyncio.sleep(0.1)

        assert not process.stdout.at_eof()
        assert partial.exists()


async def test_what_was_there_before_is_not_removed(standing: Standing, partial: Path) -> None:
    partial.write_bytes(b"film")
    async with running(standing, replace(CALL, argv=program("out:begun", "exit:1"), partial=str(partial))) as (
        _,
        process,
    ):
        assert await process.stdout.readline() == b"ptc-exit t 1\n"

    assert partial.read_bytes() == b"film"
    assert await standing.tells("failed with status 1")


async def test_the_last_words_come_before_the_end(standing: Standing) -> None:
    async with running(standing, replace(CALL, argv=program("out:begun", "err:why", "exit:3"))) as (_, process):
        stdout, stderr = await process.communicate()

    assert (stdout, stderr) == (b"ptc-exit t 3\n", b"why\n")


async def test_an_encode_is_stopped_when_its_disk_counts_as_full(make_standing: MakeStanding, lock: Path) -> None:
    class Filling(Room):
        full = False

        def bytes_at(self, path: str | Path) -> int:
            return -1 if self.full else super().bytes_at(path)

    room = Filling(0)
    standing = await make_standing(gate=anything, room=room)
    async with running(standing, hanging(lock, standing.working_dir / "film.mkv")) as (_, process):
        room.full = True
        _, stderr = await process.communicate()

    assert b"No space left on device" in stderr
    await await_end(lock)
    assert list(standing.working_dir.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        (pytest.fail if "CI" in os.environ else pytest.skip)("mounts a file system, which only root on Linux may")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["/bin/umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("is_there", [False, True], ids=["new file", "file that is there"])
async def test_a_manager_cannot_fill_the_disk(make_standing: MakeStanding, small_disk: Path, is_there: bool) -> None:
    standing = await make_standing(gate=anything, room=Room(6 << 20))
    output = small_disk / "film.mkv"
    if is_there:
        output.touch()
    argv = ("/bin/sh", "-c", 'echo begun; exec dd if=/dev/zero bs=64k of="$0"', str(output))

    async with running(standing, replace(CALL, argv=argv, partial=str(output))) as (_, process):
        stdout, stderr = await process.communicate()

    assert stdout == b"ptc-exit t 1\n"
    assert b"No space left on device" in stderr
    assert output.exists() == is_there
    assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize >= 6 << 20
