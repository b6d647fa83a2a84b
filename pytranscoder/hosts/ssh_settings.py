"""What `ssh` would use to reach a host: its configuration files, keys and known hosts. Connects to nothing."""

import getpass
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import asyncssh

from pytranscoder.hosts.agents.calls import AGENT_PORT, USER
from pytranscoder.hosts.agents.trust import SSH_PORT, Trust, known_as
from pytranscoder.hosts.ssh_lines import teach_asyncssh

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
# ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile.
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
# AES-GCM is the fastest by far: measured 450 MB/s against 160 MB/s with the usual first choice.
CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
# Any kind of host key, so that a host whose known key is of another kind is told from one that cannot be talked to.
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-*", "rsa-sha2-*")

# ssh_config(5), ProxyJump: [user@]host[:port] or a URI; an IPv6 address is in brackets.
_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<address>[^]]+)\]|(?P<name>[^]\[:]+))(?::(?P<port>\d+))?/?")

# What comes of files that cannot be read or understood. RuntimeError: one includes itself, or a `~name` is nobody.
SETTINGS_FAULTS = (OSError, ValueError, RuntimeError)

teach_asyncssh()

_Keys = tuple[tuple[asyncssh.SSHKey, ...], tuple[asyncssh.SSHKey, ...]]


class Jump(NamedTuple):
    """A host on the way to another one."""

    name: str
    port: int | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach one host: `jumps` are the hosts on the way, `options` are for `asyncssh.connect`.

    `is_known` tells whether one of `known_hosts_files` has a key for it, under `known_hosts_name`; of an agent, whether
    what we trust has one.
    """

    ip: str
    hostname: str
    port: int
    user: str
    known_hosts_name: str
    is_known: bool
    jumps: tuple[Jump, ...]
    options: Mapping[str, Any]
    is_agent: bool = False
    known_hosts_files: tuple[Path, ...] = ()

    @property
    def ssh_command(self) -> str:
        """What a person types to reach it."""
        port = f"-p {self.port} " if self.port != SSH_PORT else ""
        return f"ssh {port}{self.user}@{self.ip}"


def read_settings(ip: str, port: int | None = None, user: str | None = None, trust: Trust | None = None) -> Settings:
    """Reads what applies to a host, which may be a name from an ssh configuration; `port` and `user` come first.

    With `trust` the host is an agent: the key and the host keys in there count first, and the configuration's port and
    user are those of another server. Raises one of SETTINGS_FAULTS for files that cannot be read or understood.
    """
    given: dict[str, Any] = {"config": _config_files()}
    if trust is not None:
        port, user = port or AGENT_PORT, user or USER
    if port:
        given["port"] = port
    if user:
        given["username"] = user
    # Without keys, as a key that is named and missing would be an error here; to `ssh` it is none.
    found = asyncssh.SSHClientConnectionOptions(host=ip, client_keys=None, tunnel=(), **given)
    name = found.host_key_alias or found.host
    files = _known_hosts_files(found, ip)
    known_hosts = _read_known_hosts(files)
    if trust is not None:
        _add_trusted(known_hosts, trust, {ip, found.host}, found.port, known_as(name, found.port))
    keys, authorities = _known_keys(known_hosts, name, found.port)
    return Settings(
        ip=ip,
        hostname=found.host,
        port=found.port,
        user=found.username,
        known_hosts_name=found.host_key_alias or known_as(found.host, found.port),
        is_known=bool(keys or authorities),
        jumps=_jumps(found.tunnel, ip),
        options=given
        | _options(found.config, _host_key_kinds(keys, authorities))
        | (_keys_for_agents(found.config, trust) if trust is not None else {})
        | {"known_hosts": known_hosts},
        is_agent=trust is not None,
        known_hosts_files=files,
    )


def file_of_known_key(settings: Settings) -> Path | None:
    """Returns the file that has a host's key; None when none has, or cannot be read."""
    is_alias = settings.known_hosts_name != known_as(settings.hostname, settings.port)
    name = settings.known_hosts_name if is_alias else settings.hostname
    for path in settings.known_hosts_files:
        if any(_known_keys(_read_known_hosts((path,)), name, settings.port)):
            return path
    return None


def default_keys() -> tuple[Path, ...]:
    """Returns the private keys in ~/.ssh under their usual names."""
    return tuple(path for path in sorted(Path("~/.ssh").expanduser().glob("id_*")) if path.suffix != ".pub")


def is_locked(key: Path) -> bool:
    """Tells whether a private key needs a passphrase; a file that cannot be read does not."""
    try:
        asyncssh.read_private_key(key.expanduser())
    except asyncssh.KeyImportError as exc:
        return "assphrase" in str(exc)
    except OSError:
        return False
    return False


def _config_files() -> list[str]:
    # asyncssh reads the user's alone unless told. The first value counts, as with ssh.
    files = (Path("~/.ssh/config").expanduser(), SYSTEM_CONFIG)
    return [str(path) for path in files if os.access(path, os.R_OK)]


def _options(config: Any, host_key_kinds: str) -> dict[str, Any]:
    # Nobody is there to type a password, and our sessions need no agent, display or terminal over there.
    options: dict[str, Any] = {
        "password_auth": False,
        "kbdint_auth": False,
        "agent_forwarding": False,
        "x11_forwarding": False,
        "request_pty": False,
        "command": None,
        "ignore_encrypted": True,
        "login_timeout": 0,  # one clock for the whole way is ours
    }
    if not config.get("Ciphers"):
        options["encryption_algs"] = CIPHERS
    if not config.get("HostKeyAlgorithms"):
        options["server_host_key_algs"] = host_key_kinds
    if named := config.get("IdentityFile", ()):
        # A key that is not there is none; of one that only the agent has, the public half may be. When none is left,
        # asyncssh tries the usual ones, which `ssh` would not.
        options["client_keys"] = _identities(config) or [path for path in named if _is_there(path)]
    return options


def _keys_for_agents(config: Any, trust: Trust) -> dict[str, Any]:
    # Those of an ssh-agent would all be tried before ours, and the agent lets nobody try many.
    own = [str(trust.key_path)] if trust.key_path.exists() else []
    usual = _identities(config) or [str(path) for path in default_keys() if _is_usable(path)]
    return {"client_keys": [*own, *usual], "agent_path": None, "agent_identities": None}


def _identities(config: Any) -> list[str]:
    return [path for path in config.get("IdentityFile", ()) if _is_private_key(path)]


def _is_usable(key: Path) -> bool:
    try:
        asyncssh.read_private_key(key)
    except (asyncssh.KeyImportError, OSError):
        return False
    return True


def _is_private_key(path: str) -> bool:
    return Path(path).suffix != ".pub" and _is_there(path)


def _is_there(path: str) -> bool:
    return os.access(Path(path).expanduser(), os.R_OK)


def _known_hosts_files(found: asyncssh.SSHClientConnectionOptions, ip: str) -> tuple[Path, ...]:
    config: Any = found.config
    files = [
        *cast(Iterable[str], config.get("UserKnownHostsFile", USER_KNOWN_HOSTS)),
        *cast(Iterable[str], config.get("GlobalKnownHostsFile", SYSTEM_KNOWN_HOSTS)),
    ]
    # Few files have any, and who we are is not known everywhere.
    tokens = _tokens(found, ip) if any("%" in file for file in files) else {}
    return tuple(Path(_expand(file, tokens)).expanduser() for file in files)


def _tokens(found: asyncssh.SSHClientConnectionOptions, ip: str) -> Mapping[str, str]:
    return {
        "%": "%",
        "d": str(Path.home()),
        "h": found.host,
        "i": str(getattr(os, "getuid", lambda: "")()),
        "k": found.host_key_alias or ip,
        "n": ip,
        "p": str(found.port),
        "r": found.username,
        "u": getpass.getuser(),
    }


def _read_known_hosts(files: Iterable[Path]) -> asyncssh.SSHKnownHosts:
    known_hosts = asyncssh.SSHKnownHosts()
    for path in files:
        if os.access(path, os.R_OK) and path.is_file():
            _load(known_hosts, path.read_text(errors="replace"))
    return known_hosts


def _expand(file: str, tokens: Mapping[str, str]) -> str:
    # ssh_config(5), TOKENS and ENVIRONMENT VARIABLES, of which asyncssh expands none for these files.
    file = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), file)
    return re.sub("%(.)", lambda found: tokens.get(found[1], found[0]), file)


def _load(known_hosts: asyncssh.SSHKnownHosts, text: str) -> None:
    # As with ssh, a line that cannot be read is left out: it must not put the hosts of all other lines out.
    for line in text.splitlines():
        with suppress(ValueError):
            known_hosts.load(line)


def _add_trusted(known_hosts: asyncssh.SSHKnownHosts, trust: Trust, names: Iterable[str], port: int, name: str) -> None:
    # Under the name by which it will be looked for, which may be a HostKeyAlias.
    for key in (key for each in names for key in trust.pinned(each, port)):
        _load(known_hosts, f"{name} {key}")


def _known_keys(known_hosts: asyncssh.SSHKnownHosts, name: str, port: int) -> _Keys:
    keys, authorities, *_ = known_hosts.match(name, "", None if port == SSH_PORT else port)
    return tuple(keys), tuple(authorities)


def _host_key_kinds(keys: Iterable[asyncssh.SSHKey], authorities: Iterable[asyncssh.SSHKey]) -> str:
    # The kinds that are known come first, as the host may have keys of several kinds.
    certificates = ["*-cert-v01@openssh.com"] if authorities else []
    return ",".join([*certificates, *(kind.decode() for key in keys for kind in key.sig_algorithms), *HOST_KEYS])


def _jumps(tunnel: object, ip: str) -> tuple[Jump, ...]:
    # `Host *` with a ProxyJump is meant for the jump host too only by oversight; ssh breaks that circle as well.
    jumps = tuple(_read_jump(text) for text in tunnel.split(",")) if isinstance(tunnel, str) else ()
    return () if any(jump.name == ip for jump in jumps) else jumps


def _read_jump(text: str) -> Jump:
    found = _JUMP.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"ProxyJump {text} is no [user@]host[:port]")
    port = found["port"]
    return Jump(found["address"] or found["name"], int(port) if port else None, found["user"])
