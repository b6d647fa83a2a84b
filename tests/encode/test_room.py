import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytranscoder.encode.room import MARGIN_BYTES, Loans, Room
from pytranscoder.errors import LostError, UnfitError
from tests.encode.fake_files import FakeFiles, Visit, refusal

GB = 10**9


class Disk(FakeFiles):
    """A disk of a host on which each attempt has one file; only its numbers are kept."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.written: dict[str, int] = {}

    @property
    def left(self) -> int:
        return self.capacity - sum(self.written.values())

    async def names(self, directory: str) -> list[str]:
        await asyncio.sleep(0)
        return ["file"] if directory in self.written else []

    async def size_bytes(self, path: str, *, patiently: bool = False) -> int | None:
        del patiently
        await asyncio.sleep(0)
        return self.written.get(path.removesuffix("/file"))

    async def free_bytes(self, directory: str) -> int | None:
        assert directory == "/work/run"
        await self._begin("free_bytes")
        return self.left


def room_on(disk: FakeFiles, loans: Loans | None = None) -> Room:
    return Room("nas", disk, "/work/run", loans or Loans())


async def is_let_in(room: Room, need: int) -> bool:
    """Whether one more attempt needs not wait; leave with it."""
    try:
        async with asyncio.timeout(0.05), room.reserved("more", need):
            return True
    except TimeoutError:
        return False


@pytest.mark.parametrize(
    ("lent", "written", "need", "expected"),
    [
        pytest.param(0, 0, 9 * GB, True, id="empty disk"),
        pytest.param(4 * GB, 0, 5 * GB, True, id="beside what is lent"),
        pytest.param(6 * GB, 0, 5 * GB, False, id="what is lent is not free"),
        pytest.param(6 * GB, 3 * GB, 5 * GB, False, id="nor is what is written of it"),
        pytest.param(4 * GB, 4 * GB, 5 * GB, True, id="what is written is not counted twice"),
        pytest.param(2 * GB, 6 * GB, 5 * GB, False, id="more was written than was lent"),
    ],
)
async def test_attempt_waits_unless_there_is_space_for_it(lent: int, written: int, need: int, expected: bool) -> None:
    disk = Disk(10 * GB)
    room = room_on(disk)

    async with AsyncExitStack() as stack:
        if lent:
            await stack.enter_async_context(room.reserved("other", lent))
        disk.written["/work/run/other"] = written

        assert await is_let_in(room, need) is expected


async def test_waiting_attempt_goes_on_when_space_is_returned() -> None:
    disk, asked = Disk(10 * GB), Visit()
    room = room_on(disk)

    async with asyncio.TaskGroup() as group, room.reserved("1-1", 6 * GB):
        disk.on["free_bytes"] = asked
        waiting = group.create_task(is_let_in(room, 6 * GB))
        await asked.begun.wait()
        asked.over.set()

    assert waiting.result()


async def test_hosts_that_are_one_machine_lend_its_space_once() -> None:
    disk, loans = Disk(10 * GB), Loans()

    async with room_on(disk, loans).reserved("1-1", 6 * GB):
        assert not await is_let_in(room_on(disk, loans), 6 * GB)


@pytest.mark.parametrize("lent", [0, 2 * GB], ids=["empty disk", "others will be gone"])
async def test_what_can_never_fit_is_refused_at_once(lent: int) -> None:
    room = room_on(Disk(10 * GB))

    async with AsyncExitStack() as stack:
        if lent:
            await stack.enter_async_context(room.reserved("other", lent))
        with pytest.raises(UnfitError, match=r"host nas: 13\.0 GB are needed in /work/run .*, 10\.0 GB are free"):
            async with room.reserved("1-1", 13 * GB):
                pass


async def test_host_that_does_not_say_has_space_for_all() -> None:
    files = FakeFiles()
    files.on["free_bytes"] = refusal(LostError("nas", "gone"))
    room = Room("nas", files, "/", Loans())

    with pytest.raises(LostError):
        async with room.reserved("1-1", GB):
            pass
    files.on.clear()
    async with room.reserved("1-2", 10**18), room.reserved("1-3", 10**18):
        pass


@given(st.lists(st.integers(1, 100), min_size=1, max_size=12), st.integers(100, 250))
@example([100, 100, 100], 100)
def test_disk_is_never_filled_and_everybody_gets_their_turn(needs: list[int], capacity: int) -> None:
    disk = Disk(capacity * GB + MARGIN_BYTES)
    room = room_on(disk)
    least = [disk.left]

    async def work(name: str, need: int) -> None:
        async with room.reserved(name, need * GB):
            for quarter in range(1, 5):
                disk.written[f"/work/run/{name}"] = need * GB * quarter // 4
                least.append(disk.left)
                await asyncio.sleep(0)
            del disk.written[f"/work/run/{name}"]

    async def work_all() -> None:
        async with asyncio.TaskGroup() as group:
            for number, need in enumerate(needs):
                group.create_task(work(str(number), need))

    asyncio.run(work_all())

    assert min(least) >= 0
