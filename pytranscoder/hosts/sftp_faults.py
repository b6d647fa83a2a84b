"""What an error of asyncssh's sftp means for us: the one map from theirs to ours. Asks no host."""

from asyncssh import (
    ChannelOpenError,
    DisconnectError,
    Error,
    SFTPConnectionLost,
    SFTPFailure,
    SFTPNoConnection,
    SFTPNoSpaceOnFilesystem,
    SFTPNoSuchFile,
    SFTPNoSuchPath,
    SFTPPermissionDenied,
    SFTPQuotaExceeded,
    SFTPWriteProtect,
)

from pytranscoder.errors import HostError, LostError, SpaceError, TransferError, printable

# All that an operation over sftp may raise. TimeoutError and the errors of sockets are OSErrors.
FOREIGN = (Error, OSError, EOFError)

_LOST = (DisconnectError, ChannelOpenError, SFTPConnectionLost, SFTPNoConnection, OSError, EOFError)
NOTHING_THERE = (SFTPNoSuchFile, SFTPNoSuchPath)
_FORBIDDEN = (SFTPPermissionDenied, SFTPWriteProtect)
_FULL = (SFTPNoSpaceOnFilesystem, SFTPQuotaExceeded)


def is_lost(error: Exception) -> bool:
    """Whether the connection is to blame, so that another one may do."""
    return isinstance(error, _LOST)


def may_be_full(error: Exception) -> bool:
    """Whether a full disk may be the cause: in the common version of the protocol that is just a failure."""
    return isinstance(error, SFTPFailure)


def disk_full(host: str, path: str) -> SpaceError:
    """The error for a disk without room for `path`."""
    return SpaceError(host, f"{printable(path)}: no space left on its disk; free some, or choose another `working_dir`")


def explain(host: str, path: str, error: Exception) -> HostError:
    """Returns our error for one of `FOREIGN` that came up with `path`."""
    where = printable(path)
    if isinstance(error, TimeoutError):
        return LostError(host, f"connection lost: no answer about {where}")
    if is_lost(error):
        return LostError(host, f"connection lost: {_said(error)}")
    if isinstance(error, NOTHING_THERE):
        return TransferError(host, f"{where}: no such file or directory there")
    if isinstance(error, _FORBIDDEN):
        remedy = "give the user who logs in the right to it, or choose another `working_dir`"
        return HostError(host, f"{where}: permission denied; {remedy}")
    if isinstance(error, _FULL) or _speaks_of_space(error):
        return disk_full(host, path)
    return TransferError(host, f"{where}: {_said(error)}")


def _speaks_of_space(error: Exception) -> bool:
    said = _said(error).lower()
    return may_be_full(error) and ("no space" in said or "quota" in said)


def _said(error: Exception) -> str:
    text = error.reason if isinstance(error, Error) else str(error)
    return printable(text) or type(error).__name__
