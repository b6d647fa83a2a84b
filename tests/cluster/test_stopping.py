"""However a run ends, every ffmpeg that it has started on hosts ends too, whatever their users and login shells."""

import signal
import time
from pathlib import Path

import pytest

from tests.cluster.scene import MORE_PROFILES, all_remains, leases, wait_for_bytes
from tests.end_to_end.command import Running, start_pytranscoder
from tests.lab.host import AGENT, SHELLS, Entry, Host
from tests.lab.lab import Lab

ON_HOME = ("-c", "home", "-p", "small")
# What the manager promises for a signal, and hosts for its death and for a link that is gone.
STOPPED_WITHIN_S = 10.0
ORPHANED_WITHIN_S = 5.0
CUT_OFF_WITHIN_S = 45.0
USERS = ("root", "media")


def hosts_of_all_kinds(lab: Lab, behaviour: str) -> list[Host]:
    """A host for each login shell, each with another user than the one before, between two with agents."""
    shells = (AGENT, *SHELLS)
    hosts = [lab.host(shell, login_shell=shell, user=USERS[number % 2]) for number, shell in enumerate(shells)]
    hosts.append(lab.host("sharing-agent", login_shell=AGENT))
    for host in hosts:
        host.ffmpeg_stand_in(behaviour)
    return hosts


def a_film_each(lab: Lab, hosts: list[Host], film: Path) -> list[Path]:
    return [lab.place.add(film, f"{number}.mp4") for number, _ in enumerate(hosts)]


def wait_for_encodes(running: Running, hosts: list[Host]) -> None:
    """Read events until each host has an encode that makes progress."""
    at_work = set[str]()
    while at_work != {host.name for host in hosts}:
        at_work.add(running.wait_for("progress")["host"])


def left_running(hosts: list[Host], within_s: float) -> list[str]:
    """What does not end within a time on all hosts together."""
    deadline = time.monotonic() + within_s
    return [command for host in hosts for command in host.left_running(deadline - time.monotonic())]


def of_both_types(lab: Lab, hosts: list[Host]) -> Entry:
    """Their entries in a cluster: the first ones are copied to, the others share our media."""
    half = len(hosts) // 2
    for host in hosts[half:]:
        host.share(lab.place.media)
    entries = [host.streaming() for host in hosts[:half]] + [host.mounted() for host in hosts[half:]]
    return {name: keys for entry in entries for name, keys in entry.items()}


@pytest.mark.parametrize(
    ("number", "behaviour"),
    [(signal.SIGINT, "stubborn"), (signal.SIGTERM, "stubborn"), (signal.SIGTERM, "grandchild")],
    ids=["int stubborn", "term stubborn", "term grandchild"],
)
def test_signal_ends_all_encodes_on_hosts_before_the_command_returns(
    lab: Lab, film: Path, number: signal.Signals, behaviour: str
) -> None:
    hosts = hosts_of_all_kinds(lab, behaviour)
    lab.configure({"home": of_both_types(lab, hosts)})

    with start_pytranscoder(lab.place, *ON_HOME, *a_film_each(lab, hosts, film)) as running:
        wait_for_encodes(running, hosts)
        begun = running.send(number)
        running.process.wait()
        seconds, running_on = time.monotonic() - begun, [host.processes() for host in hosts]
        done = running.finish()

    assert (done.status, set(done.outcomes.values()), running_on) == (130, {"cancelled"}, [[]] * len(hosts))
    assert seconds < STOPPED_WITHIN_S
    assert all_remains(lab) == []


@pytest.mark.parametrize("direction", ["upload", "fetch"])
def test_ctrl_c_in_mid_copy_leaves_nothing(lab: Lab, heavy_film: Path, direction: str) -> None:
    alpha = lab.host("alpha")
    alpha.link(rate_bit_s=8e6)
    lab.configure({"home": alpha.streaming()}, MORE_PROFILES)

    with start_pytranscoder(lab.place, "-c", "home", "-p", "copy", lab.place.add(heavy_film)) as running:
        wait_for_bytes(running, direction, 500_000)
        begun = running.send(signal.SIGINT)
        done = running.finish()
        seconds = time.monotonic() - begun

    assert (done.status, done.outcomes, seconds < STOPPED_WITHIN_S) == (130, {"heavy.mkv": "cancelled"}, True)
    assert (lab.place.names(), all_remains(lab)) == (["heavy.mkv"], [])


def test_ctrl_c_is_quick_when_a_host_does_not_answer(lab: Lab, film: Path) -> None:
    frozen, cut, silent = (lab.host(name) for name in ("frozen", "cut", "silent"))
    silent.freeze()
    for host in (frozen, cut):
        host.ffmpeg_stand_in("endless")
    lab.configure({"home": frozen.streaming() | cut.streaming() | silent.streaming()})

    with start_pytranscoder(lab.place, *ON_HOME, *a_film_each(lab, [frozen, cut], film)) as running:
        wait_for_encodes(running, [frozen, cut])
        frozen.freeze()
        cut.cut()
        begun = running.send(signal.SIGINT)
        done = running.finish()
        seconds = time.monotonic() - begun

    assert (done.status, set(done.outcomes.values()), seconds < STOPPED_WITHIN_S) == (130, {"cancelled"}, True)


def test_killed_manager_ends_all_encodes_on_hosts(lab: Lab, film: Path) -> None:
    hosts = hosts_of_all_kinds(lab, "stubborn")
    lab.configure({"home": of_both_types(lab, hosts)})

    with start_pytranscoder(lab.place, *ON_HOME, *a_film_each(lab, hosts, film)) as running:
        wait_for_encodes(running, hosts)
        running.process.kill()
        running_on = left_running(hosts, ORPHANED_WITHIN_S)

    assert running_on == []
    assert [lease for host in hosts for lease in leases(host)] == []


@pytest.mark.timeout(120)
def test_hosts_end_their_encodes_when_their_link_is_cut_or_frozen(lab: Lab, film: Path) -> None:
    kinds = [(shell, user) for shell in SHELLS for user in ("root", "media")]
    cut = [lab.host(f"cut-{shell}-{user}", login_shell=shell, user=user) for shell, user in [*kinds, (AGENT, "root")]]
    frozen = [lab.host(f"frozen-{shell}-{user}", login_shell=shell, user=user) for shell, user in kinds]
    hosts = cut + frozen
    for host in hosts:
        host.ffmpeg_stand_in("stubborn")
    lab.configure({"home": of_both_types(lab, hosts)})

    with start_pytranscoder(lab.place, *ON_HOME, *a_film_each(lab, hosts, film)) as running:
        wait_for_encodes(running, hosts)
        for host in cut:
            host.cut()
        for host in frozen:
            host.freeze()
        running_on = left_running(hosts, CUT_OFF_WITHIN_S)
        begun = running.send(signal.SIGINT)
        done = running.finish()
        seconds = time.monotonic() - begun

    assert running_on == []
    assert [lease for host in hosts for lease in leases(host)] == []
    assert (done.status, seconds < STOPPED_WITHIN_S) == (130, True)
