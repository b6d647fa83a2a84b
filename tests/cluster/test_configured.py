"""The documented configuration of hosts, and what ~/.ssh says of them: each word counts, or is told of."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cluster.evidence import contacts, hosts_of, reasons_of
from tests.end_to_end.command import PROFILES, Finished, run_pytranscoder
from tests.lab.commands import require, run
from tests.lab.host import Host
from tests.lab.lab import Lab

OTHER = f"""{PROFILES}\
  other:
    include: small
"""
MONO = f"""{PROFILES}\
  mono:
    output_options_audio: ["-c:a aac", "-ac 1", "-b:a 32k"]
"""
CHANGED = "key does not match known_hosts; remove the old one with `ssh-keygen -R 198.18."
UNKNOWN = "its key is not in known_hosts; connect once with `ssh "


def ssh_folder(lab: Lab) -> Path:
    return lab.place.home / ".ssh"


def write_ssh_config(lab: Lab, **entries: Mapping[str, object]) -> None:
    """Let this be all that the user's ssh configuration says: keywords and values by host."""
    lines = [
        line
        for name, entry in entries.items()
        for line in (f"Host {name}", *(f"  {key} {entry[key]}" for key in entry))
    ]
    (ssh_folder(lab) / "config").write_text("".join(f"{line}\n" for line in lines))


def hide_key(lab: Lab) -> Path:
    """Move the user's key to where nobody looks for it unasked, and return its path."""
    keys = lab.place.home / "keys"
    keys.mkdir()
    return Path(shutil.move(ssh_folder(lab) / "id_ed25519", keys / "of the lab"))


def encode(lab: Lab, film: Path, *words: str, environment: Mapping[str, str] | None = None) -> Finished:
    return run_pytranscoder(
        lab.place, "--json", "-c", "home", "-p", "small", *words, lab.place.add(film), environment=environment
    )


def require_encoded(done: Finished, host: str) -> None:
    assert (done.status, done.outcomes, hosts_of(done)) == (0, {"film.mp4": "encoded"}, {"film.mp4": host})


@pytest.fixture
def agent(lab: Lab) -> Iterator[str]:
    """The socket of an ssh agent that has the user's key, which is in no file any more."""
    socket = lab.place.root / "agent"
    said = run((require("ssh-agent"), "-s", "-a", str(socket)))
    pid = int(said.partition("SSH_AGENT_PID=")[2].partition(";")[0])
    try:
        key = hide_key(lab)
        run(("env", f"SSH_AUTH_SOCK={socket}", require("ssh-add"), "-q", str(key)))
        key.unlink()
        yield str(socket)
    finally:
        os.kill(pid, signal.SIGTERM)


def test_ip_may_be_a_name_of_the_ssh_configuration_with_address_user_port_and_key(lab: Lab, film: Path) -> None:
    host = lab.host("alpha", user="media", port=2222)
    key = hide_key(lab)
    entry = {"HostName": host.address, "User": "media", "Port": 2222, "IdentityFile": f'"{key}"'}
    write_ssh_config(lab, encoder=entry)
    lab.configure({"home": host.streaming(ip="encoder")})

    require_encoded(encode(lab, film), "alpha")


def test_ip_may_be_an_address_with_user_and_port(lab: Lab, film: Path) -> None:
    host = lab.host("alpha", user="media", port=2222)
    (ssh_folder(lab) / "config").unlink()
    lab.configure({"home": host.streaming(ip=host.address, user="media", port=2222)})

    require_encoded(encode(lab, film), "alpha")


def test_user_and_port_of_the_configuration_count_more_than_those_of_ssh(lab: Lab, film: Path) -> None:
    host = lab.host("alpha", user="media", port=2222)
    write_ssh_config(lab, alpha={"HostName": host.address, "User": "nobody", "Port": 22})
    lab.configure({"home": host.streaming(user="media", port=2222)})

    require_encoded(encode(lab, film), "alpha")


def test_host_is_reached_by_its_jump_host(lab: Lab, alpha: Host, film: Path) -> None:
    beta = lab.host("beta", user="media")
    write_ssh_config(
        lab,
        alpha={"HostName": alpha.address, "User": "root"},
        beta={"HostName": beta.address, "User": "media", "ProxyJump": "alpha"},
    )
    lab.configure({"home": beta.streaming()})

    require_encoded(encode(lab, film), "beta")
    log = beta.server.log.read_text()
    assert log.count(f"Connection from {alpha.address} ") == contacts(beta)


def test_proxy_command_that_is_not_there_is_named(lab: Lab, alpha: Host, film: Path) -> None:
    write_ssh_config(lab, alpha={"HostName": alpha.address, "ProxyCommand": "corkscrew %h %p"})
    lab.configure({"home": alpha.streaming()})

    reason = reasons_of(encode(lab, film))["alpha"]

    assert reason == "there is no program corkscrew; correct ProxyCommand in the ssh configuration"


def test_host_key_may_be_known_by_an_alias(lab: Lab, alpha: Host, film: Path) -> None:
    write_ssh_config(lab, alpha={"HostName": alpha.address, "HostKeyAlias": "the-encoder"})
    (ssh_folder(lab) / "known_hosts").write_text(f"the-encoder {alpha.server.public_key}\n")
    lab.configure({"home": alpha.streaming(user="root")})

    require_encoded(encode(lab, film), "alpha")


def test_key_may_be_in_the_agent_alone(lab: Lab, alpha: Host, film: Path, agent: str) -> None:
    write_ssh_config(lab, alpha={"HostName": alpha.address, "User": "root"})
    lab.configure({"home": alpha.streaming()})

    require_encoded(encode(lab, film, environment={"SSH_AUTH_SOCK": agent}), "alpha")


def test_encrypted_key_is_used_by_the_agent_only(lab: Lab, alpha: Host, film: Path) -> None:
    run((require("ssh-keygen"), "-q", "-p", "-N", "secret", "-f", str(ssh_folder(lab) / "id_ed25519")))
    write_ssh_config(lab, alpha={"HostName": alpha.address, "User": "root"})
    lab.configure({"home": alpha.streaming()})

    reason = reasons_of(encode(lab, film))["alpha"]

    key = ssh_folder(lab) / "id_ed25519"
    assert reason == (
        "no key is accepted for user root (tried only those of the agent); "
        f"load one into the agent with `ssh-add {key}`"
    )


@pytest.mark.parametrize(("known", "reason"), [(True, CHANGED), (False, UNKNOWN)], ids=["changed", "unknown"])
def test_host_key_that_is_not_known_is_refused_with_a_remedy(
    lab: Lab, alpha: Host, film: Path, known: bool, reason: str
) -> None:
    alpha.change_key()
    if not known:
        (ssh_folder(lab) / "known_hosts").unlink()
    lab.configure({"home": alpha.streaming()})

    done = encode(lab, film)

    assert (done.status, done.outcomes) == (3, {"film.mp4": "cancelled"})
    assert reason in reasons_of(done)["alpha"]
    assert "Accepted publickey" not in alpha.server.log.read_text()


def test_key_that_is_not_accepted_is_named(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.server.admit("")
    lab.configure({"home": alpha.streaming()})

    done = encode(lab, film)

    assert reasons_of(done) == {
        "alpha": "no key is accepted for user root (tried id_ed25519); copy yours there with `ssh-copy-id root@alpha`"
    }


def test_operating_system_is_detected(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming()})

    done = encode(lab, film)

    assert [(event["host"], event["os"]) for event in done.of("host_ready")] == [("alpha", "linux")]


def test_disabled_host_is_left_alone(lab: Lab, alpha: Host, film: Path) -> None:
    beta = lab.host("beta")
    lab.configure({"home": alpha.streaming() | beta.streaming(status="disabled")})

    require_encoded(encode(lab, film), "alpha")
    assert contacts(beta) == 0


@pytest.mark.parametrize("words", [(), ("--host", "alpha")], ids=["cluster", "host"])
def test_nothing_but_disabled_hosts_is_no_host(lab: Lab, alpha: Host, film: Path, words: tuple[str, ...]) -> None:
    lab.configure({"home": alpha.streaming(status="disabled")})

    done = encode(lab, film, *words)

    assert (done.status, "disabled; set `status: enabled` in the configuration" in done.stderr) == (3, True)


def test_host_gets_only_the_profiles_that_it_lists(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming(profiles=["other"]) | lab.local(profiles=["small"])}, OTHER)
    films = [lab.place.add(film, f"{number}.mp4") for number in range(4)]

    done = run_pytranscoder(lab.place, "--json", "-c", "home", "-p", "small", *films[:3], "-p", "other", films[3])

    assert (done.status, hosts_of(done)) == (0, dict.fromkeys(("0.mp4", "1.mp4", "2.mp4"), "here") | {"3.mp4": "alpha"})


def test_profile_that_no_host_lists_fails_at_planning(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming(profiles=["other"])}, OTHER)

    done = encode(lab, film)

    assert (done.status, done.of("encode_started")) == (1, [])
    assert done.reasons == ["host alpha does not admit the profile small"]


def test_mixins_work_on_hosts(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming()}, MONO)

    done = encode(lab, film, "-m", "mono")

    require_encoded(done, "alpha")
    assert "-ac" in done.of("encode_started")[0]["argv"]


def test_manager_is_a_host_among_others(lab: Lab, alpha: Host, film: Path) -> None:
    alpha.stop_server()
    lab.configure({"home": lab.local("desktop") | alpha.streaming()})

    require_encoded(encode(lab, film), "desktop")


def test_ssh_key_of_older_files_is_accepted_and_said_to_be_unneeded(lab: Lab, alpha: Host, film: Path) -> None:
    lab.configure({"home": alpha.streaming()}, ssh="/usr/bin/ssh")

    done = encode(lab, film)

    require_encoded(done, "alpha")
    assert "config.ssh: is not needed any more; remove it" in done.stderr


def test_every_problem_of_hosts_is_told_with_its_line(lab: Lab) -> None:
    (lab.place.home / ".transcode.yml").write_text(
        "config:\n  clusters:\n    home:\n      one:\n        type: streaming\n        ip: nas\n"
        "      two:\n        type: mounted\n        ip: pc\n        os: beos\n"
        "      three:\n        type: agent\n        port: ssh\n        ip: mac\n"
        "profiles:\n  small:\n    queue: cuda\n    output_options_video: -c:v libx264\n"
    )

    done = run_pytranscoder(lab.place, "-c", "home", "film.mp4")

    told = [line.partition(".transcode.yml:")[2] for line in done.stderr.splitlines()]
    assert done.status == 2
    assert [line.partition(";")[0] for line in told] == [
        "4: config.clusters.home.one: the key working_dir is missing",
        "10: config.clusters.home.two.os: expected one of linux, macos, win10, windows, found 'beos'",
        "13: config.clusters.home.three.port: expected a port from 1 to 65535, found 'ssh'",
        "17: profiles.small.queue: no such queue: 'cuda'",
    ]


@pytest.mark.parametrize(
    ("system", "status", "said"),
    [
        ("macos", 0, "host alpha: it runs linux, not macos; correct `os`, or leave it out"),
        ("win10", 3, "its login shell is none of Windows; correct `os`, or leave it out to have it found out"),
    ],
)
def test_host_that_runs_another_system_than_it_is_said_to_is_named(
    lab: Lab, alpha: Host, film: Path, system: str, status: int, said: str
) -> None:
    lab.configure({"home": alpha.streaming(os=system)})

    done = run_pytranscoder(lab.place, "-p", "small", "-c", "home", lab.place.add(film))

    assert (done.status, (done.stdout + done.stderr).count(said) > 0) == (status, True)
