"""Directories on a host that go away on every path out."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from pytranscoder.encode.copied import Copied
from pytranscoder.errors import (
    LostError,
)
from tests.encode.fake_files import Visit, hang, refusal
from tests.encode.nas import ATTEMPT, Nas, stage_and_fetch


async def leave_one(nas: Nas, staging: Copied) -> None:
    """Let the connection break so that the directory of an attempt cannot be removed."""
    nas.files.on["remove_tree"] = refusal(LostError("nas", "cable pulled"))
    async with staging.stage(nas.film(), 1, ATTEMPT):
        pass
    assert nas.directories == ["1-1"]
    del nas.files.on["remove_tree"]


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(lambda _, staging: staging.tidy(), id="at the next connection"),
        pytest.param(lambda nas, staging: stage_and_fetch(nas, staging, 2), id="at the next attempt"),
        pytest.param(lambda _, staging: staging.close(), id="at the end of the host"),
    ],
)
async def test_directory_that_could_not_be_removed_is_removed_later(
    nas: Nas, later: Callable[[Nas, Copied], Coroutine[Any, Any, object]]
) -> None:
    staging = nas.staging()
    await leave_one(nas, staging)

    await later(nas, staging)

    assert nas.directories == []


async def test_host_that_is_gone_does_not_hold_up_the_end(nas: Nas) -> None:
    staging = nas.staging(remove_within_s=0.01)
    nas.files.on["remove_tree"] = hang

    async with staging.stage(nas.film(), 1, ATTEMPT):
        pass
    await staging.close()

    assert nas.directories == ["1-1"]


async def test_end_of_one_cluster_leaves_the_other_one_its_directory(nas: Nas) -> None:
    one, other = nas.staging(), nas.staging()

    async with other.stage(nas.film(), 1, ATTEMPT) as staged:
        await one.close()
        assert Path(staged.source).exists()
    await other.close()

    assert list(nas.work.iterdir()) == []


async def test_removal_is_finished_however_often_it_is_cancelled(nas: Nas) -> None:
    staging, visit = nas.staging(), Visit()
    nas.files.on["remove_tree"] = visit

    async def stage() -> None:
        async with staging.stage(nas.film(), 1, ATTEMPT):
            pass

    work = asyncio.ensure_future(stage())
    await visit.begun.wait()
    for _ in range(3):
        work.cancel()
        await asyncio.sleep(0)
    visit.over.set()

    with pytest.raises(asyncio.CancelledError):
        await work
    assert (nas.directories, nas.noted()) == ([], [])
