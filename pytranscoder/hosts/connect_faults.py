"""The one map from what goes wrong in connecting over ssh to reasons that a person can act on. Connects nothing."""

import errno
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path

import asyncssh

from pytranscoder.hosts.ssh_settings import Settings, default_keys, file_of_known_key, is_locked

INVITE = "run `pytranscoder agent --invite` there, and what it prints here"

# What `ssh-keygen -R` changes without `-f`.
_USUAL_KNOWN_HOSTS = Path("~/.ssh/known_hosts")
_NO_ROUTE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
_Reason = Callable[[Settings, Exception], str]


def explain(settings: Settings, exc: Exception) -> str:
    """Returns the reason why a host could not be connected to, remedy last."""
    exc = _unpacked(exc)
    if isinstance(exc, OSError) and exc.errno in _NO_ROUTE:
        return f"no route to {settings.hostname}; is it switched on, and in this network?"
    return next(reason(settings, exc) for kind, reason in _REASONS if isinstance(exc, kind))


def explain_settings(exc: Exception) -> str:
    """Returns the reason why the ssh configuration cannot be used."""
    if isinstance(exc, TimeoutError):
        return "ssh configuration: it takes too long to read; does a command of `Match exec` hang?"
    return f"ssh configuration: {exc}"


def _unpacked(exc: Exception) -> Exception:
    # asyncio puts the errors of several addresses into one text without a number (Python 3.11 and 3.12).
    number = re.search(r"\[Errno (\d+)\]", str(exc)) if isinstance(exc, OSError) and exc.errno is None else None
    return OSError(int(number[1]), str(exc)) if number else exc


def _unknown_name(settings: Settings, _: Exception) -> str:
    return f"there is no host named {settings.hostname}; check `ip`"


def _refused(settings: Settings, _: Exception) -> str:
    server = "agent" if settings.is_agent else "ssh server"
    return f"{settings.hostname} refused the connection at port {settings.port}; is its {server} running?"


def _timed_out(settings: Settings, _: Exception) -> str:
    return f"no answer from {settings.hostname}; is it switched on?"


def _closed(settings: Settings, _: Exception) -> str:
    if settings.is_agent:
        return f"{settings.hostname} closed the connection before the login; see what its agent says of that"
    return (
        f"{settings.hostname} closed the connection before the login;"
        " it may have too many (MaxStartups) or bar this machine, see its log"
    )


def _host_key(settings: Settings, _: Exception) -> str:
    if settings.is_agent:
        what = "its key is not the one that is trusted" if settings.is_known else "it is not trusted yet"
        return f"{what}; {INVITE}"
    if settings.is_known:
        name = shlex.quote(settings.known_hosts_name)  # `[address]:port` is a pattern to some shells
        file = file_of_known_key(settings)
        where = "" if file in (None, _USUAL_KNOWN_HOSTS.expanduser()) else f" -f {shlex.quote(str(file))}"
        return f"key does not match known_hosts; remove the old one with `ssh-keygen -R {name}{where}`"
    return f"its key is not in known_hosts; connect once with `{settings.ssh_command}` and accept it"


def _key_exchange(settings: Settings, exc: Exception) -> str:
    return f"no encryption in common ({exc}); update its {'pytranscoder' if settings.is_agent else 'ssh server'}"


def _denied(settings: Settings, _: Exception) -> str:
    keys = [Path(path) for path in settings.options.get("client_keys", ())] or default_keys()
    locked = [key for key in keys if is_locked(key)]
    tried = ", ".join(key.name for key in keys if key not in locked)
    if settings.is_agent:
        return f"its agent does not know this machine (tried {tried or 'no key'}); {INVITE}"
    refusal = f"no key is accepted for user {settings.user} (tried {tried or 'only those of the agent'})"
    if locked and not tried:
        return f"{refusal}; load one into the agent with `ssh-add {locked[0]}`"
    return f"{refusal}; copy yours there with `{settings.ssh_command.replace('ssh', 'ssh-copy-id', 1)}`"


def _no_ssh(settings: Settings, exc: Exception) -> str:
    if "Too many authentication failures" in str(exc):
        return (
            f"too many keys were tried for user {settings.user};"
            " name the right one with IdentityFile and `IdentitiesOnly yes` in ~/.ssh/config"
        )
    return f"what answers at {settings.hostname} port {settings.port} is no ssh server that we understand ({exc})"


def _jump(_: Settings, exc: Exception) -> str:
    return f"its jump host cannot reach it ({exc})"


def _disconnected(settings: Settings, exc: Exception) -> str:
    return f"{settings.hostname} ended the connection ({exc})"


def _no_program(_: Settings, exc: Exception) -> str:
    return f"there is no program {getattr(exc, 'filename', None)}; correct ProxyCommand in the ssh configuration"


def _unusable(_: Settings, exc: Exception) -> str:
    return explain_settings(exc)


def _system(_: Settings, exc: Exception) -> str:
    return str(getattr(exc, "strerror", None) or str(exc) or type(exc).__name__)


# In this order: the first class that fits counts.
_REASONS: tuple[tuple[type[Exception], _Reason], ...] = (
    (asyncssh.HostKeyNotVerifiable, _host_key),
    (asyncssh.KeyExchangeFailed, _key_exchange),
    (asyncssh.PermissionDenied, _denied),
    (asyncssh.ConnectionLost, _closed),
    (asyncssh.ProtocolError, _no_ssh),
    (asyncssh.ProtocolNotSupported, _no_ssh),
    (asyncssh.ChannelOpenError, _jump),
    (asyncssh.Error, _disconnected),
    (socket.gaierror, _unknown_name),
    (TimeoutError, _timed_out),
    (ConnectionRefusedError, _refused),
    (ConnectionError, _closed),
    (FileNotFoundError, _no_program),
    (ValueError, _unusable),
    (Exception, _system),
)
