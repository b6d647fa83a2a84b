"""Every foreign error of connecting has a reason; what real servers raise is tested with `Connections`."""

import errno
import inspect
import socket
from dataclasses import replace

import asyncssh
import pytest

from pytranscoder.hosts.connect_faults import explain, explain_settings
from pytranscoder.hosts.ssh_settings import Settings

NAS = Settings("nas", "10.0.0.7", 22, "anna", "10.0.0.7", is_known=True, jumps=(), options={})
AGENT = replace(NAS, port=9567, user="pytranscoder", is_agent=True)
INVITE = "run `pytranscoder agent --invite` there, and what it prints here"


DISCONNECTS = [
    kind
    for _, kind in inspect.getmembers(asyncssh, inspect.isclass)
    if issubclass(kind, asyncssh.DisconnectError) and kind is not asyncssh.DisconnectError
]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(socket.gaierror(-2, "unknown"), "there is no host named 10.0.0.7; check `ip`", id="no name"),
        pytest.param(TimeoutError(), "no answer from 10.0.0.7; is it switched on?", id="ours"),
        pytest.param(OSError(errno.ETIMEDOUT, "x"), "no answer from 10.0.0.7; is it switched on?", id="the system's"),
        pytest.param(OSError(errno.EHOSTUNREACH, "x"), "no route to 10.0.0.7; is it switched on,", id="no route"),
        pytest.param(OSError(errno.ENETUNREACH, "x"), "no route to 10.0.0.7", id="no network"),
        pytest.param(OSError(errno.ECONNREFUSED, "x"), "10.0.0.7 refused the connection at port 22", id="refused"),
        pytest.param(
            OSError("Multiple exceptions: [Errno 111] x ('::1', 22), [Errno 111] x ('127.0.0.1', 22)"),
            "10.0.0.7 refused the connection at port 22",
            id="refused by several",
        ),
        pytest.param(OSError(errno.ECONNRESET, "x"), "10.0.0.7 closed the connection before the login", id="reset"),
        pytest.param(OSError(errno.EPIPE, "x"), "10.0.0.7 closed the connection before the login", id="pipe"),
        pytest.param(OSError(errno.EACCES, "not permitted"), "not permitted", id="any other of the system"),
        pytest.param(ValueError("config line 2: bad"), "ssh configuration: config line 2: bad", id="configuration"),
        pytest.param(asyncssh.KeyImportError("bad key"), "ssh configuration: bad key", id="key"),
        pytest.param(asyncssh.ChannelOpenError(2, "refused"), "its jump host cannot reach it (refused)", id="jump"),
        pytest.param(asyncssh.DisconnectError(12, "busy"), "10.0.0.7 ended the connection (busy)", id="disconnect"),
        pytest.param(
            asyncssh.KeyExchangeFailed("no match"),
            "no encryption in common (no match); update its ssh server",
            id="key exchange",
        ),
        pytest.param(RuntimeError(), "RuntimeError", id="whatever"),
    ],
)
def test_a_fault_has_a_reason(error: Exception, reason: str) -> None:
    assert explain(NAS, error).startswith(reason)


def test_a_configuration_that_is_not_read_in_time_has_a_reason() -> None:
    reason = "ssh configuration: it takes too long to read; does a command of `Match exec` hang?"

    assert explain_settings(TimeoutError()) == reason


@pytest.mark.parametrize(
    ("agent", "error", "reason"),
    [
        pytest.param(
            AGENT,
            OSError(errno.ECONNREFUSED, "x"),
            "10.0.0.7 refused the connection at port 9567; is its agent running?",
            id="refused",
        ),
        pytest.param(
            AGENT,
            OSError(errno.ECONNRESET, "x"),
            "10.0.0.7 closed the connection before the login; see what its agent says of that",
            id="closed",
        ),
        pytest.param(
            replace(AGENT, is_known=False),
            asyncssh.HostKeyNotVerifiable("x"),
            f"it is not trusted yet; {INVITE}",
            id="unknown key",
        ),
        pytest.param(
            AGENT,
            asyncssh.HostKeyNotVerifiable("x"),
            f"its key is not the one that is trusted; {INVITE}",
            id="other key",
        ),
        pytest.param(
            replace(AGENT, options={"client_keys": ["/agents/agents_ed25519"]}),
            asyncssh.PermissionDenied("x"),
            f"its agent does not know this machine (tried agents_ed25519); {INVITE}",
            id="our key",
        ),
        pytest.param(
            AGENT,
            asyncssh.KeyExchangeFailed("x"),
            "no encryption in common (x); update its pytranscoder",
            id="key exchange",
        ),
    ],
)
def test_a_fault_of_an_agent_says_what_to_do_with_agents(agent: Settings, error: Exception, reason: str) -> None:
    assert explain(agent, error) == reason


@pytest.mark.parametrize("kind", DISCONNECTS)
def test_no_fault_of_ssh_is_passed_on_bare(kind: type[asyncssh.DisconnectError]) -> None:
    reason = explain(NAS, kind("what it says"))  # type: ignore[call-arg, arg-type]  # each has a code of its own

    assert reason != "what it says"
