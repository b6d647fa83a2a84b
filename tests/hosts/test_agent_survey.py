"""What is made of an agent's answer to a probe."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.agents.calls import write_report
from pytranscoder.hosts.agents.survey import survey_agent
from pytranscoder.hosts.definition import HostDefinition, HostType, PathSubstitution
from pytranscoder.hosts.transport import Captured, Supervised
from tests.hosts.samples import REPORT


@dataclass
class Answering:
    """An agent that says the same to everything."""

    answer: str
    host: str = "nas"

    async def capture(self, argv: Sequence[str], timeout_s: float) -> Captured:
        assert (tuple(argv), timeout_s > 0) == (("probe",), True)
        return Captured(0, self.answer, "")

    def supervise(self, argv: Sequence[str], partial: str) -> AbstractAsyncContextManager[Supervised]:
        raise NotImplementedError


def definition(theirs: str | None = None, **queues: int) -> HostDefinition:
    substitutions = (PathSubstitution("/films", theirs),) if theirs else ()
    return HostDefinition("nas", HostType.AGENT, ip="nas", path_substitutions=substitutions, queues=queues)


async def test_an_agent_tells_its_system_its_ffmpeg_and_its_room() -> None:
    found = await survey_agent(Answering(write_report(REPORT) + "\n"), definition())

    assert (found.os, found.free_bytes) == ("linux", 10**12)
    assert (found.ffmpeg.path, found.ffmpeg.version) == ("/usr/bin/ffmpeg", "7.1")
    assert found.ffmpeg.encoders == {"libx264", "aac"}


@pytest.mark.parametrize("theirs", ["/scratch", "/scratch/films", "d:/Films/new"])
async def test_files_on_a_share_need_no_room(theirs: str) -> None:
    found = await survey_agent(Answering(write_report(REPORT)), definition(theirs))

    assert found.free_bytes is None


@pytest.mark.parametrize("theirs", ["/media", "/scratches", "/elsewhere", "E:\\films"])
async def test_a_folder_that_an_agent_may_not_write_to_is_named(theirs: str) -> None:
    with pytest.raises(HostError, match=r"its agent may not write to .*; start it with `--share-rw "):
        await survey_agent(Answering(write_report(REPORT)), definition(theirs))


async def test_more_slots_than_an_agent_has_are_named() -> None:
    with pytest.raises(HostError, match="runs 2 ffmpegs at most, not 3; start it with `--slots 3`, or lower `queues`"):
        await survey_agent(Answering(write_report(REPORT)), definition(cuda=2))


async def test_as_many_slots_as_an_agent_has_are_enough() -> None:
    await survey_agent(Answering(write_report(replace(REPORT, slots=3))), definition(cuda=2))


async def test_what_is_no_agent_is_named() -> None:
    with pytest.raises(HostError, match="what answers there is no agent of this program; check `ip` and `port`"):
        await survey_agent(Answering("hello"), definition())
