import asyncio
import os
import sys
from pathlib import Path

import pytest

from pytranscoder.errors import UnreadableMediaError
from pytranscoder.media.prober import Prober
from tests.clips import Clips

FAKE = (sys.executable, "-m", "tests.media.fake_worker")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_real_file_is_probed(clips: Clips) -> None:
    async with Prober() as prober:
        media = await prober.probe(clips.rich())

    assert media.path == clips.rich()
    assert len(media.streams) == 7


async def test_real_file_is_examined(clips: Clips) -> None:
    async with Prober() as prober:
        ends = await prober.examine(clips.plain())

    assert ends.complete
    assert ends.end_s == pytest.approx(2.0, abs=0.1)


async def test_relative_path_is_found_and_kept(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(clips.plain().name)
    monkeypatch.chdir(clips.plain().parent)

    async with Prober() as prober:
        media = await prober.probe(path)

    assert media.path == path


async def test_reason_comes_from_the_worker(tmp_path: Path) -> None:
    async with Prober() as prober:
        with pytest.raises(UnreadableMediaError, match="is a directory"):
            await prober.probe(tmp_path)


async def test_no_module_of_the_working_directory_is_loaded(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)

    async with Prober() as prober:
        media = await prober.probe(clips.plain())

    assert media.container == "matroska,webm"


async def test_crash_makes_only_that_file_unreadable() -> None:
    async with Prober(workers=1, command=FAKE) as prober:
        with pytest.raises(UnreadableMediaError, match=r"crash\.mkv: the demuxer crashed \(signal 11\)"):
            await prober.probe(Path("crash.mkv"))
        media = await prober.probe(Path("next.mkv"))

    assert media.container == "next.mkv"


async def test_worker_that_died_idle_is_replaced_without_blame() -> None:
    async with Prober(workers=1, command=FAKE) as prober:
        first = await prober.probe(Path("last.mkv"))
        second = await prober.probe(Path("next.mkv"))

    assert second.container == "next.mkv"
    assert second.chapters != first.chapters


async def test_crash_in_a_used_worker_is_blamed_on_the_file() -> None:
    async with Prober(workers=1, command=FAKE) as prober:
        await prober.probe(Path("first.mkv"))
        with pytest.raises(UnreadableMediaError, match="signal 11"):
            await prober.probe(Path("crash.mkv"))


async def test_file_that_takes_too_long_is_unreadable() -> None:
    async with Prober(timeout_s=0.05, command=FAKE) as prober:
        with pytest.raises(UnreadableMediaError, match=r"could not be read within 0\.05 s"):
            await prober.probe(Path("hang.mkv"))


async def test_late_answer_of_a_cancelled_request_is_not_taken_for_the_next() -> None:
    async with Prober(workers=1, command=FAKE) as prober:
        await prober.probe(Path("first.mkv"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await prober.probe(Path("late.mkv"))
        media = await prober.probe(Path("next.mkv"))

    assert media.container == "next.mkv"


async def test_one_worker_serves_requests_that_follow_each_other() -> None:
    async with Prober(workers=2, command=FAKE) as prober:
        pids = {(await prober.probe(Path(f"{number}.mkv"))).chapters for number in range(5)}

    assert len(pids) == 1


async def test_no_more_workers_are_started_than_asked_for() -> None:
    async with Prober(workers=2, command=FAKE) as prober:
        found = await asyncio.gather(*(prober.probe(Path(f"{number}.mkv")) for number in range(20)))

    assert [media.container for media in found] == [f"{number}.mkv" for number in range(20)]
    assert len({media.chapters for media in found}) == 2


async def test_leaving_ends_all_workers() -> None:
    async with Prober(workers=2, command=FAKE) as prober:
        found = await asyncio.gather(*(prober.probe(Path(f"{number}.mkv")) for number in range(4)))

    assert not any(is_running(media.chapters) for media in found)


async def test_cancellation_ends_all_workers() -> None:
    pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def probe_until_cancelled() -> None:
        async with Prober(workers=1, command=FAKE) as prober:
            pid.set_result((await prober.probe(Path("first.mkv"))).chapters)
            await prober.probe(Path("hang.mkv"))

    task = asyncio.create_task(probe_until_cancelled())
    await pid
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_running(pid.result())


async def test_request_under_way_ends_when_the_prober_is_left() -> None:
    async with Prober(workers=1, command=FAKE) as prober:
        pid = (await prober.probe(Path("first.mkv"))).chapters
        request = asyncio.create_task(prober.probe(Path("hang.mkv")))
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="was left"):
        await request
    assert not is_running(pid)
