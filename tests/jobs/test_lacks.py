"""Which lacks of encoders are told, and that each is told once."""

from typing import Any

import pytest

from pytranscoder.jobs.events import HostReady, JobReady
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.jobs.lacks import Lacks
from tests.jobs.samples import ready, spec, up

NAS = spec("nas", cluster="home")
TEXT = "host nas: ffmpeg 5.1 at /usr/bin/ffmpeg has no encoder hevc_nvenc"


def texts(*events: JobReady | HostReady, host: HostSpec = NAS) -> list[str]:
    """What is told when these come, one after the other."""
    lacks = Lacks([host])
    return [notice.text for event in events for notice in lacks.find(event)]


def wish(job: int, *encoders: str, cluster: str | None = "home", **values: Any) -> JobReady:
    return ready(job, cluster=cluster, encoders=encoders, **values)


@pytest.mark.parametrize("host_first", [True, False])
def test_a_lack_is_told_once_whatever_comes_first(host_first: bool) -> None:
    host = up(NAS, encoders=["libx264"])
    jobs = wish(1, "hevc_nvenc"), wish(2, "hevc_nvenc")

    assert (texts(host, *jobs, host) if host_first else texts(*jobs, host, host)) == [TEXT]


def test_profiles_that_ask_for_the_same_are_told_of_once() -> None:
    jobs = [wish(job, "hevc_nvenc", profile=profile) for job, profile in enumerate(("small", "large"))]

    assert texts(up(NAS, encoders=["libx264"]), *jobs) == [TEXT]


def test_each_encoder_is_told_of() -> None:
    told = texts(up(NAS, encoders=["aac"]), wish(1, "hevc_nvenc"), wish(2, "av1_qsv"))

    assert [text.rpartition(" ")[2] for text in told] == ["hevc_nvenc", "av1_qsv"]


@pytest.mark.parametrize(
    ("host", "job"),
    [
        pytest.param(NAS, wish(1, "libx264"), id="it has it"),
        pytest.param(NAS, wish(1, "hevc_nvenc", queue="cuda"), id="another queue"),
        pytest.param(spec("nas", {"cuda": 0}, cluster="home"), wish(1, "hevc_nvenc", queue="cuda"), id="no slot"),
        pytest.param(
            spec("nas", cluster="home", profiles=frozenset({"small"})), wish(1, "hevc_nvenc"), id="another profile"
        ),
        pytest.param(NAS, wish(1, "hevc_nvenc", cluster="work"), id="another cluster"),
        pytest.param(spec("local"), wish(1, "hevc_nvenc", cluster=None), id="no cluster"),
    ],
)
def test_what_is_no_lack_of_the_host_is_not_told(host: HostSpec, job: JobReady) -> None:
    assert texts(up(host, encoders=["libx264"]), job, host=host) == []


def test_a_host_whose_encoders_are_not_known_lacks_none() -> None:
    assert texts(up(NAS), wish(1, "hevc_nvenc")) == []
