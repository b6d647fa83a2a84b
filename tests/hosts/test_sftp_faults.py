"""The map from asyncssh's errors to ours."""

from collections.abc import Callable

import asyncssh
import pytest

from pytranscoder.errors import HostError, LostError, SpaceError, TransferError
from pytranscoder.hosts.sftp_faults import FOREIGN, explain, is_lost

SFTP_ERRORS = [kind for kind in asyncssh.SFTPError.__subclasses__() if kind is not asyncssh.SFTPUnknownPrincipal]


@pytest.mark.parametrize("kind", SFTP_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_sftp_has_a_meaning(kind: Callable[[str], asyncssh.SFTPError]) -> None:
    error = kind("told by the host")

    assert isinstance(error, FOREIGN)
    assert isinstance(explain("nas", "/work/film", error), HostError)


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (asyncssh.SFTPNoSuchFile("gone"), TransferError, "host nas: /work/a\\nb: no such file or directory there"),
        (asyncssh.SFTPBadMessage("bad\nname"), TransferError, "host nas: /work/a\\nb: bad\\nname"),
        (asyncssh.SFTPFailure(""), TransferError, "host nas: /work/a\\nb: SFTPFailure"),
        (asyncssh.SFTPPermissionDenied("no"), HostError, "/work/a\\nb: permission denied; give the user who logs in"),
        (asyncssh.SFTPNoSpaceOnFilesystem(""), SpaceError, "/work/a\\nb: no space left on its disk; free some, or"),
        (asyncssh.SFTPFailure("No space left on device"), SpaceError, "no space left on its disk"),
        (asyncssh.SFTPQuotaExceeded(""), SpaceError, "no space left on its disk"),
        (asyncssh.SFTPConnectionLost("Connection closed"), LostError, "host nas: connection lost: Connection closed"),
        (asyncssh.ConnectionLost("reset"), LostError, "host nas: connection lost: reset"),
        (ConnectionResetError(104, "reset by peer"), LostError, "connection lost: [Errno 104] reset by peer"),
        (TimeoutError(), LostError, "host nas: connection lost: no answer about /work/a\\nb"),
        (EOFError(), LostError, "host nas: connection lost: EOFError"),
    ],
    ids=repr,
)
def test_an_error_says_what_it_is_about(error: Exception, kind: type[HostError], sentence: str) -> None:
    explained = explain("nas", "/work/a\nb", error)

    assert type(explained) is kind
    assert sentence in str(explained)
    assert is_lost(error) == (kind is LostError)
