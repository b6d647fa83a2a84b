"""What the scheduler is told of the hosts of a run before they have answered, and what one of them may do to all."""

import asyncio
from pathlib import Path

import pytest

from pytranscoder.encode.equipment import Setup
from pytranscoder.fleet import Fleet, Member, local_member
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.jobs.events import Event, HostReady, HostUnavailable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def member(name: str, cluster: str, **values: object) -> Member:
    return Member(HostDefinition(name, HostType.MOUNTED, **values), cluster)  # type: ignore[arg-type]  # for brevity


def test_a_host_has_a_default_queue_of_one_slot() -> None:
    assert local_member(None, {"cuda": 2}).spec.slots == {"default": 1, "cuda": 2}


def test_a_host_may_set_the_slots_of_its_default_queue() -> None:
    assert local_member(None, {"default": 3}).spec.slots == {"default": 3}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ip": "10.0.0.9"}, {"ip": "10.0.0.9", "port": 22}),
        ({"ip": "NAS.lan"}, {"ip": "nas.lan", "user": "me"}),
        ({"ip": "tower"}, {"ip": "10.0.0.7", "port": 2222}),
    ],
    ids=["port 22", "case and user", "alias"],
)
def test_one_machine_in_two_clusters_is_known_as_one(
    home: Path, one: dict[str, object], other: dict[str, object]
) -> None:
    (home / ".ssh" / "config").write_text("Host tower\n  HostName 10.0.0.7\n  Port 2222\n")

    assert member("a", "home", **one).spec.machine == member("b", "work", **other).spec.machine


@pytest.mark.usefixtures("home")
def test_two_ports_of_an_address_are_two_machines() -> None:
    assert member("a", "c", ip="10.0.0.9").spec.machine != member("b", "c", ip="10.0.0.9", port=2222).spec.machine


def test_one_address_behind_two_jump_hosts_is_two_machines(home: Path) -> None:
    entries = "".join(f"Host {name}\n  HostName 10.0.0.9\n  ProxyJump {name}-gate\n" for name in ("ours", "theirs"))
    (home / ".ssh" / "config").write_text(entries)

    assert member("a", "c", ip="ours").spec.machine != member("b", "c", ip="theirs").spec.machine


def test_this_machine_is_one_whatever_its_name() -> None:
    here = Member(HostDefinition("desk", HostType.LOCAL), "home")

    assert here.spec.machine == local_member(None, {}).spec.machine


@pytest.mark.parametrize(
    "line",
    ["Port not-a-number", "UserKnownHostsFile ~no.such.user/known_hosts", "Include ~/.ssh/config"],
    ids=["no number", "no such user", "includes itself"],
)
def test_an_ssh_configuration_that_cannot_be_read_keeps_hosts_apart(home: Path, line: str) -> None:
    (home / ".ssh" / "config").write_text(f"{line}\n")

    assert member("a", "c", ip="10.0.0.9").spec.machine != member("b", "c", ip="10.0.0.8").spec.machine


class _Told:
    """What a fleet says, until each of `hosts` has said something `times` times."""

    def __init__(self, hosts: int, times: int) -> None:
        self.events: dict[str, list[Event]] = {}
        self.enough = asyncio.Event()
        self._hosts = hosts
        self._times = times

    def hear(self, event: Event) -> None:
        if isinstance(event, HostReady | HostUnavailable):
            self.events.setdefault(event.host, []).append(event)
        counts = [len(events) for events in self.events.values()]
        if len(counts) == self._hosts and max(counts) >= self._times:
            self.enough.set()


async def test_host_with_an_unexpected_fault_is_tried_again_and_the_others_go_on(tmp_path: Path) -> None:
    odd = HostDefinition("odd", HostType.LOCAL, ffmpeg=3)  # type: ignore[arg-type]  # a mistake of ours
    desk = HostDefinition("desk", HostType.LOCAL)
    told = _Told(hosts=2, times=2)
    setup = Setup("run", None, told.hear, Trust(tmp_path))
    fleet = Fleet([Member(odd, "home"), Member(desk, "home")], setup, retry_s=0.1)

    keeping = asyncio.ensure_future(fleet.keep())
    await told.enough.wait()
    keeping.cancel()

    first, second, *_ = told.events["odd"]
    assert isinstance(first, HostUnavailable)
    assert first.reason.startswith("unexpected TypeError: ")
    assert isinstance(second, HostUnavailable)
    assert isinstance(told.events["desk"][0], HostReady)
