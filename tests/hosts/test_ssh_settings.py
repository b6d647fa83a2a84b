"""What is read from an ssh configuration without connecting anywhere."""

from pathlib import Path

import asyncssh
import pytest

from pytranscoder.hosts.agents.calls import AGENT_PORT, USER
from pytranscoder.hosts.agents.trust import Trust
from pytranscoder.hosts.ssh_settings import Jump, Settings, read_settings

KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "agents")


def read(home: Path, *lines: str) -> Settings:
    (home / ".ssh" / "config").write_text("\n".join(lines))
    return read_settings("nas")


@pytest.mark.parametrize(
    ("written", "jumps"),
    [
        ("gate", (Jump("gate"),)),
        ("anna@gate:2222", (Jump("gate", 2222, "anna"),)),
        ("anna@home@gate", (Jump("gate", None, "anna@home"),)),
        ("[fd00::1]:2222", (Jump("fd00::1", 2222),)),
        ("ssh://anna@gate:2222", (Jump("gate", 2222, "anna"),)),
        ("gate,anna@inner", (Jump("gate"), Jump("inner", None, "anna"))),
        ("none", ()),
        ("nas", ()),
    ],
    ids=["name", "user and port", "user with an at sign", "IPv6", "URI", "two", "none", "itself"],
)
def test_jump_hosts_are_read_as_ssh_writes_them(home: Path, written: str, jumps: tuple[Jump, ...]) -> None:
    assert read(home, f"ProxyJump {written}").jumps == jumps


def test_a_jump_host_that_cannot_be_read_is_named(home: Path) -> None:
    with pytest.raises(ValueError, match=r"ProxyJump fd00::1 is no \[user@\]host\[:port\]"):
        read(home, "ProxyJump fd00::1")


@pytest.mark.parametrize(
    "line",
    ["one-word", "@unknown nas ssh-ed25519 AAAA", "|1|broken ssh-ed25519 AAAA", "@revoked nas", "nas ssh-ed25519 \xff"],
)
def test_a_broken_line_in_known_hosts_does_not_put_out_the_others(home: Path, line: str) -> None:
    known = f"nas {KEY.export_public_key().decode()}"
    (home / ".ssh" / "known_hosts").write_text(f"{line}\n{known}{line}\n", "latin-1")

    assert read_settings("nas").is_known


def test_an_agent_has_a_port_and_a_user_of_its_own(home: Path, trust: Trust) -> None:
    (home / ".ssh" / "config").write_text("Port 2222\nUser anna\n")

    settings = read_settings("nas", trust=trust)

    assert (settings.port, settings.user) == (AGENT_PORT, USER)


@pytest.mark.usefixtures("home")
def test_what_is_set_for_an_agent_wins(trust: Trust) -> None:
    settings = read_settings("nas", 9600, "anna", trust)

    assert (settings.port, settings.user) == (9600, "anna")


def test_an_agent_is_shown_our_key_for_agents_before_the_usual_ones(home: Path, trust: Trust) -> None:
    KEY.write_private_key(home / ".ssh" / "id_ed25519")
    KEY.write_private_key(home / ".ssh" / "id_locked", "pkcs8-pem", passphrase="secret")
    own = trust.key()

    settings = read_settings("nas", trust=trust)

    assert settings.options["client_keys"] == [str(own), str(home / ".ssh" / "id_ed25519")]


@pytest.mark.usefixtures("home")
def test_to_read_settings_makes_no_key(trust: Trust) -> None:
    read_settings("nas", trust=trust)

    assert not trust.folder.exists()


@pytest.mark.parametrize("pinned_as", ["nas", "10.0.0.7"])
def test_an_agent_is_known_by_the_name_given_and_by_its_address(home: Path, trust: Trust, pinned_as: str) -> None:
    (home / ".ssh" / "config").write_text("Host nas\nHostName 10.0.0.7\n")
    trust.pin(pinned_as, AGENT_PORT, KEY)

    assert read_settings("nas", trust=trust).is_known
    assert not read_settings("nas").is_known


def test_jump_hosts_lead_to_agents_too(home: Path, trust: Trust) -> None:
    (home / ".ssh" / "config").write_text("Host nas\nProxyJump gate\n")

    assert read_settings("nas", trust=trust).jumps == (Jump("gate"),)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("~/known/%k", "nas"),
        ("%d/known/%h-%p", "10.0.0.2-2222"),
        ("${HOME}/known/%n%%", "nas%"),
    ],
    ids=["alias", "address and port", "variable"],
)
def test_known_hosts_may_be_in_files_of_each_host(home: Path, file: str, name: str) -> None:
    (home / "known").mkdir()
    (home / "known" / name).write_text(f"[10.0.0.2]:2222 {KEY.export_public_key().decode()}")

    assert read(home, "HostName 10.0.0.2", "Port 2222", f"UserKnownHostsFile {file}").is_known


def test_a_key_that_is_not_there_is_none(home: Path) -> None:
    KEY.write_private_key(home / ".ssh" / "id_other")
    KEY.write_public_key(home / ".ssh" / "card.pub")
    missing = "IdentityFile ~/.ssh/missing"

    assert read(home, missing).options["client_keys"] == []
    assert read(home, missing, "IdentityFile ~/.ssh/card.pub").options["client_keys"] == ["~/.ssh/card.pub"]
    assert read(home, missing, "IdentityFile ~/.ssh/id_other").options["client_keys"] == ["~/.ssh/id_other"]
