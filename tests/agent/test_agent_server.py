"""What an agent serves: probes, commands and files for managers that it knows."""

import gc
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.agent.work import Waits
from pytranscoder.errors import HostError
from pytranscoder.hosts.agents.calls import FFMPEG, PROBE, RUN, Call, read_report, write_call
from tests.agent.standing import MakeStanding, Standing, anything, manager_of
from tests.clips import FFMPEG as PATH
from tests.hosts.programs import await_end, program

ANSWER_S = 20.0


async def test_a_probe_tells_what_the_agent_is(standing: Standing) -> None:
    async with manager_of(standing) as transport:
        answer = await transport.capture((PROBE,), ANSWER_S)

    report = read_report(answer.stdout)
    assert (report.ffmpeg, report.slots, report.working_dir) == (PATH, 2, str(standing.working_dir))
    assert "libx264" in report.encoders
    assert report.free_bytes


@pytest.mark.parametrize("name", [FFMPEG, PATH])
async def test_ffmpeg_runs_by_its_name_and_by_its_path(standing: Standing, film: Path, name: str) -> None:
    (standing.working_dir / "film.mp4").write_bytes(film.read_bytes())
    output = standing.working_dir / ".film.ptc-1.mkv"
    argv = (name, "-nostdin", "-y", "-v", "error", "-i", "film.mp4", "-sn", "-c", "copy", str(output))

    async with manager_of(standing) as transport, transport.supervise(argv, str(output)) as process:
        status = await process.wait()

    assert status == 0, process.stderr_tail
    assert output.stat().st_size > 0
    assert await standing.tells("ffmpeg for .film.ptc-1.mkv: done")


async def test_another_program_is_refused(standing: Standing) -> None:
    async with manager_of(standing) as transport:
        with pytest.raises(HostError, match="nothing else"):
            await transport.capture(("/bin/sh", "-c", "id"), ANSWER_S)

    assert await standing.tells("refused to run /bin/sh")


async def test_there_are_as_many_encodes_as_slots(make_standing: MakeStanding) -> None:
    standing = await make_standing(gate=anything, slots=1, waits=Waits(slot_s=0.1))
    async with manager_of(standing) as transport:
        async with transport.supervise(program("out:begun", "hang"), "") as first:
            assert await anext(first.lines()) == "begun"
            with pytest.raises(HostError, match="all 1 slots are busy"):
                await transport.capture(program("out:second"), ANSWER_S)

        again = await transport.capture(program("out:second"), ANSWER_S)

    assert again.stdout == "second\n"


async def test_commands_end_with_the_agent(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    folder = tmp_path / "agent"
    folder.mkdir()
    standing = Standing(folder, gate=anything)
    async with standing.serving():
        connection = await standing.connect()
        process = await connection.create_process(RUN, encoding=None)
        process.stdin.write(write_call(Call(program(f"hold:{lock}", "out:begun", "hang"), "", "t", 30, 1)))
        assert await process.stdout.readline() == b"ptc-begin t\n"
        assert await process.stdout.readline() == b"begun\n"

    await await_end(lock)
    assert await standing.tells("stopped: broken off")
    connection.close()


async def test_open_files_are_closed_with_the_agent(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    folder.mkdir()
    standing = Standing(folder)
    async with standing.serving():
        (standing.working_dir / "film.mkv").touch()
        connection = await standing.connect()
        sftp = await connection.start_sftp_client()
        await sftp.open("film.mkv", "rb")

    gc.collect()  # a file that nobody closed is a warning, and those are errors here
    await connection.wait_closed()


async def test_its_version_tells_nothing(standing: Standing) -> None:
    async with await standing.connect() as connection:
        assert connection.get_extra_info("server_version") == "SSH-2.0-pytranscoder"


async def test_nothing_is_compressed(standing: Standing) -> None:
    with pytest.raises(asyncssh.KeyExchangeFailed):
        await standing.connect(compression_algs=["zlib@openssh.com"])


async def test_the_ffmpeg_is_asked_again_when_it_was_replaced(make_standing: MakeStanding, tmp_path: Path) -> None:
    ffmpeg = tmp_path / "ffmpeg"
    write_ffmpeg(ffmpeg, "1.0")
    standing = await make_standing(ffmpeg=str(ffmpeg))
    async with manager_of(standing) as transport:
        before = read_report((await transport.capture((PROBE,), ANSWER_S)).stdout)
        write_ffmpeg(ffmpeg, "2.0.1")
        after = read_report((await transport.capture((PROBE,), ANSWER_S)).stdout)

    assert (before.ffmpeg_version, after.ffmpeg_version) == ("1.0", "2.0.1")


async def test_a_missing_ffmpeg_is_told(make_standing: MakeStanding, tmp_path: Path) -> None:
    standing = await make_standing(ffmpeg=str(tmp_path / "ffmpeg"))
    async with manager_of(standing) as transport:
        with pytest.raises(HostError, match="No such file"):
            await transport.capture((PROBE,), ANSWER_S)
        with pytest.raises(HostError, match="No such file"):
            await transport.capture((FFMPEG, "-nostdin", "-y", "out.mkv"), ANSWER_S)


def write_ffmpeg(path: Path, version: str) -> None:
    path.write_text(
        f"#!/bin/sh\necho 'ffmpeg version {version} Copyright' >&2\necho ' ------'\necho ' V....D libx264 x'\n"
    )
    path.chmod(0o755)
