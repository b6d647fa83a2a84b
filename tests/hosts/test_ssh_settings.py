"""What is read from an ssh configuration without connecting anywhere."""

from pathlib import Path

import pytest

from pytranscoder.hosts.ssh_settings import Jump, Settings, read_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path


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
