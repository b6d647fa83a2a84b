"""What a copy knows of the order of its blocks, and the files of ours."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.hosts.transfer import Arrived, ChangedError, OurFileError, open_ours


@given(st.lists(st.integers(1, 9), max_size=20).flatmap(lambda sizes: st.permutations(list(enumerate(sizes)))))
def test_a_hole_holds_up_what_has_arrived(blocks: list[tuple[int, int]]) -> None:
    sizes = dict(blocks)
    arrived, seen = Arrived(), set[int]()

    for number, size in blocks:
        arrived.add(sum(sizes[before] for before in range(number)), size)
        seen.add(number)
        whole = next(last for last in range(len(sizes) + 1) if last not in seen)
        assert arrived.bytes == sum(sizes[before] for before in range(whole))


def test_what_lay_beyond_a_hole_is_forgotten_when_a_copy_goes_on() -> None:
    arrived = Arrived()
    arrived.add(0, 10)
    arrived.add(20, 10)

    arrived.resume_at(10)
    arrived.add(10, 10)

    assert arrived.bytes == 20


async def test_blocks_are_written_where_they_belong(tmp_path: Path) -> None:
    async with open_ours(tmp_path / "film", "wb") as file:
        await file.write([(4, b"efgh"), (0, b"abcd")])

        assert await file.size_bytes() == 8

    assert (tmp_path / "film").read_bytes() == b"abcdefgh"


async def test_a_file_that_is_shorter_than_it_was_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"abcdef")

    async with open_ours(tmp_path / "film", "rb") as file:
        assert await file.read(1, [2, 2]) == [b"bc", b"de"]
        with pytest.raises(ChangedError, match="shorter"):
            await file.read(4, [2, 2])


async def test_the_memory_of_a_block_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"abcdef")

    async with open_ours(tmp_path / "film", "rb") as file:
        first, second = await file.read(0, [2, 2])
        file.give_back(first)
        (third,) = await file.read(4, [2])

        assert third.obj is first.obj
        assert (bytes(third), bytes(second)) == (b"ef", b"cd")


async def test_a_block_that_is_larger_than_one_given_back_has_its_own_memory(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"abcdef")

    async with open_ours(tmp_path / "film", "rb") as file:
        for block in await file.read(0, [2, 2]):
            file.give_back(block)
        (larger,) = await file.read(0, [6])

        assert bytes(larger) == b"abcdef"


async def test_a_fault_of_our_file_is_told_from_one_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(OurFileError) as caught:
        async with open_ours(tmp_path / "nowhere" / "film", "wb"):
            pass

    assert isinstance(caught.value.error, FileNotFoundError)
