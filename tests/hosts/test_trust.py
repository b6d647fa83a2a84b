"""What a manager keeps of its agents."""

from pathlib import Path

import asyncssh
import pytest

from pytranscoder.hosts.agents.trust import Trust

ONE = asyncssh.generate_private_key("ssh-ed25519")
OTHER = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "agents")


def text(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def known(trust: Trust, address: str, port: int) -> list[str]:
    keys = asyncssh.read_known_hosts(str(trust.known_hosts)).match(address, "", port)[0]
    return [text(key) for key in keys]


def test_the_key_is_made_once(trust: Trust) -> None:
    first = trust.key().read_bytes()

    assert trust.key().read_bytes() == first


def test_nothing_is_trusted_at_first(trust: Trust) -> None:
    assert trust.pinned("10.0.0.5", 9567) == ()


@pytest.mark.parametrize("address", ["10.0.0.5", "tower", "fd00::1"])
def test_a_pinned_key_is_known_to_ssh(trust: Trust, address: str) -> None:
    trust.pin(address, 9567, ONE)

    assert trust.pinned(address, 9567) == (text(ONE),)
    assert known(trust, address, 9567) == [text(ONE)]


def test_a_new_key_takes_the_place_of_the_old_one(trust: Trust) -> None:
    trust.pin("10.0.0.5", 9567, ONE)
    trust.pin("10.0.0.5", 9567, OTHER)

    assert trust.pinned("10.0.0.5", 9567) == (text(OTHER),)


def test_other_lines_stay_as_they_are(trust: Trust) -> None:
    trust.pin("10.0.0.5", 9567, ONE)
    before = "# mine\n\nbroken\n" + trust.known_hosts.read_text()
    trust.known_hosts.write_text(before)

    trust.pin("10.0.0.5", 9568, OTHER)

    assert trust.known_hosts.read_text() == f"{before}[10.0.0.5]:9568 {text(OTHER)}\n"


def test_port_22_is_written_as_ssh_does(trust: Trust) -> None:
    trust.pin("10.0.0.5", 22, ONE)

    assert trust.known_hosts.read_text() == f"10.0.0.5 {text(ONE)}\n"
