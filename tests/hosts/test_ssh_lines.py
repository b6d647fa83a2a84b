"""Lines of an ssh configuration as OpenSSH reads them, which asyncssh by itself does not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pytranscoder.hosts.ssh_lines import plain
from pytranscoder.hosts.ssh_settings import read_settings

LINES = [
    pytest.param("Port 2222 # Bob's nas", "Port 2222 ", id="comment"),
    pytest.param("Port=2222 #x", "Port=2222 ", id="comment after an equal sign"),
    pytest.param("\tHost nas \t# the nas", "\tHost nas \t", id="comment behind a host"),
    pytest.param("HostName a#b", "HostName a#b", id="in a word"),
    pytest.param('User "a # b"', 'User "a # b"', id="in quotes"),
    pytest.param("User 'a # b' # c", "User 'a # b' ", id="in single quotes"),
    pytest.param(r'User "an\"na # b" # c', r'User "an\"na # b" ', id="escaped quote"),
    pytest.param("ProxyCommand nc %h %p # x", "ProxyCommand nc %h %p # x", id="command"),
    pytest.param("# nothing", "# nothing", id="whole line"),
    pytest.param("", "", id="empty line"),
    pytest.param("ConnectTimeout 1m30s # x", "ConnectTimeout 90", id="time"),
    pytest.param('serveraliveinterval="1h"', "serveraliveinterval=3600", id="time in quotes"),
    pytest.param("ConnectTimeout 10", "ConnectTimeout 10", id="seconds"),
    pytest.param("ConnectTimeout none", "", id="no time"),
    pytest.param("ConnectTimeout soon", "ConnectTimeout soon", id="wrong time"),
    pytest.param(r"IdentityFile C:\Users\me\key", r"IdentityFile C:\\Users\\me\\key", id="Windows"),
    pytest.param(r'IdentityFile "C:\Users\my key"', r'IdentityFile "C:\Users\my key"', id="Windows in quotes"),
    pytest.param(r"IdentityFile ~/a\ b # c", r"IdentityFile ~/a\ b ", id="escaped space"),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_is_made_plain(line: str, expected: str) -> None:
    assert plain(line) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["Host nas # Bob's", "HostName a#b", "Port 2222 # x", "User anna"],
        ['User "an\\"na # b" # c', "ConnectTimeout 5s", "ServerAliveInterval 1m"],
        ["Match host nas # c", "Port=2201 #x", "Host other # y", "User nobody"],
        ["ConnectTimeout none", "Port 7", "Port 8"],
    ],
)
def test_settings_are_those_of_ssh(lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    configuration = tmp_path / ".ssh" / "config"
    configuration.write_text("\n".join(lines))
    ssh = shutil.which("ssh") or pytest.skip("needs OpenSSH's client")

    said = subprocess.run([ssh, "-G", "-F", configuration, "nas"], capture_output=True, text=True, check=True).stdout

    settings = read_settings("nas")
    values = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    if any(line.startswith("User") for line in lines):  # without, each has its own way to find out who we are
        assert settings.user == values["user"]
    assert (settings.hostname, str(settings.port)) == (values["hostname"], values["port"])


def test_a_mistake_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("# caf\xe9\nConnectTimeout none\nPort many # x\n", "latin-1")

    with pytest.raises(ValueError, match=r"config line 3: Invalid Port integer value: many"):
        read_settings("nas")
