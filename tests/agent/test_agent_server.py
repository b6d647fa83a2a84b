"""What an agent serves: probes, commands and files for managers that it knows."""

from pathlib import Path

import pytest

from pytranscoder.agent.work import Waits
from pytranscoder.errors import HostError
from pytranscoder.hosts.agent_calls import FFMPEG, PROBE, RUN, Call, read_report, write_call
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
    assert await standing.tells("stopped: the agent ended")
    connection.close()
