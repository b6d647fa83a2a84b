"""The directories of a host, and the sizes of its files, over an open sftp session, by paths as its server spells them.

Knows neither connections nor retries: whatever breaks is raised as it comes.
"""

import posixpath
import re
from contextlib import suppress
from pathlib import PureWindowsPath

from asyncssh import (
    SFTPAttrs,
    SFTPBadMessage,
    SFTPClient,
    SFTPDirNotEmpty,
    SFTPFailure,
    SFTPFileAlreadyExists,
    SFTPName,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
)
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY

from pytranscoder.hosts.completion import all_or_none
from pytranscoder.hosts.mapping import is_windows_path
from pytranscoder.hosts.sftp_faults import NOTHING_THERE
from pytranscoder.hosts.transfer import Deadline

REMOVED_AT_ONCE = 64
# What we make is not deeper than three. Somebody who always tells of one more would use up our stack.
DEEPEST = 64
# Above a drive of Windows there is nothing of it: at the top of all are the drives.
_DRIVE = re.compile("/[A-Za-z]:/?")


def spelled(path: str) -> str:
    r"""Returns a path of a host as its sftp server spells it, which has no drives: ``C:\temp`` is ``/C:/temp``.

    >>> spelled("C:\\temp"), spelled(r"\\nas\films\tv"), spelled("/tmp")
    ('/C:/temp', '//nas/films/tv', '/tmp')
    """
    if not is_windows_path(path):
        return path
    slashed = PureWindowsPath(path).as_posix()
    return slashed if slashed.startswith("/") else f"/{slashed}"


async def file_size(sftp: SFTPClient, path: str) -> int | None:
    """Returns the size of a file; None when it is not there."""
    try:
        return (await sftp.stat(path)).size
    except NOTHING_THERE:
        return None


async def names(sftp: SFTPClient, directory: str) -> list[str]:
    """Returns the names in a directory; none when it is not there."""
    try:
        return [_name(entry) for entry in await _entries(sftp, directory)]
    except NOTHING_THERE:
        return []


async def _entries(sftp: SFTPClient, directory: str) -> list[SFTPName]:
    return [entry async for entry in sftp.scandir(directory) if entry.filename not in (".", "..")]


def _name(entry: SFTPName) -> str:
    return str(entry.filename)


async def free_bytes(sftp: SFTPClient, directory: str) -> int | None:
    """Returns the room on the file system of a directory, or of the one above it that is there; None when untold."""
    while True:
        try:
            system = await sftp.statvfs(directory or ".")
        except SFTPOpUnsupported:
            return None
        except (SFTPFailure, *NOTHING_THERE):  # a failure is all that Windows may say of a directory that is not there
            above = posixpath.dirname(directory)
            if above == directory or _DRIVE.fullmatch(directory) or await sftp.exists(directory):
                raise
            directory = above
        else:
            return system.frsize * system.bavail


async def make_directory(sftp: SFTPClient, path: str) -> None:
    """Makes a directory that only its owner may enter, and those above it that are missing."""
    try:
        await sftp.mkdir(path, SFTPAttrs(permissions=0o700))
    except NOTHING_THERE:
        above = posixpath.dirname(path.rstrip("/"))
        if not above:
            raise
        await make_directory(sftp, above)
        await sftp.mkdir(path, SFTPAttrs(permissions=0o700))
    except (SFTPFailure, SFTPFileAlreadyExists, SFTPPermissionDenied):
        # What is there already may be refused for any of these.
        if not await sftp.isdir(path):
            raise


async def remove_tree(sftp: SFTPClient, path: str, deadline: Deadline, depth: int = 0) -> None:
    """Removes a directory with all that is in it, or a file; nothing there is no trouble. Follows no links."""
    if depth > DEEPEST:
        raise SFTPBadMessage(f"directories are in each other more than {DEEPEST} times; remove them there")
    with suppress(*NOTHING_THERE):
        if (await sftp.lstat(path)).type == FILEXFER_TYPE_DIRECTORY:
            await _remove_directory(sftp, path, deadline, depth)
        else:
            await sftp.remove(path)


async def _remove_directory(sftp: SFTPClient, directory: str, deadline: Deadline, depth: int) -> None:
    # Something may come in meanwhile: the last request of a copy that was cancelled.
    for _ in range(2):
        await _empty(sftp, directory, deadline, depth)
        with suppress(SFTPFailure, SFTPDirNotEmpty):
            return await sftp.rmdir(directory)
    await _empty(sftp, directory, deadline, depth)
    return await sftp.rmdir(directory)


async def _empty(sftp: SFTPClient, directory: str, deadline: Deadline, depth: int) -> None:
    entries = await _entries(sftp, directory)
    directories = [_name(entry) for entry in entries if entry.attrs.type == FILEXFER_TYPE_DIRECTORY]
    files = [_name(entry) for entry in entries if entry.attrs.type != FILEXFER_TYPE_DIRECTORY]
    for start in range(0, len(files), REMOVED_AT_ONCE):
        async with all_or_none() as group:
            for name in files[start : start + REMOVED_AT_ONCE]:
                group.create_task(_remove_file(sftp, posixpath.join(directory, name)))
        deadline.renew()
    for name in directories:
        await remove_tree(sftp, posixpath.join(directory, name), deadline, depth + 1)
        deadline.renew()


async def _remove_file(sftp: SFTPClient, path: str) -> None:
    with suppress(*NOTHING_THERE):
        await sftp.remove(path)
