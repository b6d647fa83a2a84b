"""The files that an agent gives and takes over sftp: those in its folders, nothing else. Knows no connection.

Every request but reading and writing resolves its path anew, links too. asyncssh's own server follows links out of its
root, makes links, and blocks the event loop while a disk sleeps.
"""

import asyncio
import os
import shutil
import stat
import sys
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import NoReturn, TypeVar

import asyncssh
from asyncssh import SFTPAttrs, SFTPFailure, SFTPName, SFTPOpUnsupported, SFTPPermissionDenied, SFTPVFSAttrs
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE

from pytranscoder.agent.beneath import beneath, folder_beneath, open_beneath
from pytranscoder.agent.flow import Channel, wait_for_room
from pytranscoder.agent.folders import Folders
from pytranscoder.agent.room import Room
from pytranscoder.errors import ForbiddenError
from pytranscoder.hosts.completion import to_its_end

T = TypeVar("T")

MOST_HANDLES = 16
# Of all sessions: there are many, and a process may have so many files.
MOST_HANDLES_OF_ALL = 256
# What OpenSSH gives at once: more would only fill the memory.
MOST_READ_BYTES = 256 << 10
# In what the room on a disk is told, whatever its own blocks are.
_UNIT_BYTES = 4096
_LONGEST_NAME = 255

_FLAGS = {FXF_APPEND: os.O_APPEND, FXF_CREAT: os.O_CREAT, FXF_TRUNC: os.O_TRUNC, FXF_EXCL: os.O_EXCL}


@dataclass(frozen=True, slots=True)
class Grounds:
    """The files that managers may reach."""

    folders: Folders
    room: Room
    # Those of all sessions.
    handles: "weakref.WeakSet[_Handle]" = field(default_factory=weakref.WeakSet)


class _Handle:
    """A place among the open files, free again when nobody keeps it: asyncssh does not say when a listing ends."""


class FolderFiles(asyncssh.SFTPServer):
    """The files of one session. `refuse` is told what was asked for in vain."""

    def __init__(self, channel: Channel, grounds: Grounds, refuse: Callable[[str], None]) -> None:
        super().__init__(channel)
        self._folders = grounds.folders
        self._room = grounds.room
        self._refuse = refuse
        self._files: dict[FileIO, _Handle] = {}
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._all_handles = grounds.handles

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Opens a file; for writing only where that is allowed."""
        del attrs  # who may read it is not for the peer to say
        handle = self._take_handle()
        file = await self._do(self._open_file, path, pflags)
        self._files[file] = handle
        return file

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> NoReturn:
        """Version 5 of the protocol is never agreed on."""
        del path, desired_access, flags, attrs
        raise SFTPOpUnsupported("not supported")

    async def close(self, file_obj: object) -> None:
        """Closes a file."""
        file = _file(file_obj)
        handle = self._files.pop(file, None)
        await to_its_end(asyncio.to_thread(file.close))
        del handle

    async def close_all(self) -> None:
        """Closes what is still open: asyncssh does not when its session is cancelled."""
        while self._files:
            await self.close(next(iter(self._files)))

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Reads a block."""
        return await self._do(_read, _file(file_obj), offset, min(size, MOST_READ_BYTES))

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Writes a block, unless the disk counts as full."""
        return await self._do(self._write, _file(file_obj), offset, data)

    async def stat(self, path: bytes) -> os.stat_result:
        """Tells of a file."""
        return await self._do(self._stat, path)

    async def lstat(self, path: bytes) -> os.stat_result:
        """Tells of a file or a link."""
        return await self._do(self._lstat, path)

    async def fstat(self, file_obj: object) -> os.stat_result:
        """Tells of an open file."""
        return await self._do(os.fstat, _file(file_obj).fileno())

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """Yields the names in a folder with what is known of each."""
        return _Listing(self, path, self._take_handle())

    async def remove(self, path: bytes) -> None:
        """Removes a file or a link."""
        await self._do(self._remove, path)

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Makes a folder that only its owner may enter."""
        del attrs
        await self._do(self._make_folder, path)

    async def rmdir(self, path: bytes) -> None:
        """Removes an empty folder."""
        await self._do(self._remove_folder, path)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Renames a file or a folder; to a name that is free."""
        await self._do(self._rename, oldpath, newpath, False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Renames a file or a folder; what has the new name goes."""
        await self._do(self._rename, oldpath, newpath, True)

    async def realpath(self, path: bytes) -> bytes:
        """Resolves a path, as far as it is allowed to be looked at."""
        return await self._do(lambda: _to_peer(self._readable(path)))

    async def readlink(self, path: bytes) -> bytes:
        """Tells where a link leads, if that is inside."""
        return await self._do(self._read_link, path)

    async def statvfs(self, path: bytes) -> SFTPVFSAttrs:
        """Tells how much room there is, without what must be left free."""
        return await self._do(lambda: self._disk(self._readable(path)))

    async def fstatvfs(self, file_obj: object) -> SFTPVFSAttrs:
        """Tells how much room the disk of an open file has."""
        return await self._do(lambda: self._disk(Path(os.fsdecode(_file(file_obj).name))))

    async def fsync(self, file_obj: object) -> None:
        """Waits until a file is on its disk."""
        await self._do(os.fsync, _file(file_obj).fileno())

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Modes, owners and times stay as they are; that is no error, as clients ask for it by themselves."""
        del path
        if attrs.size is not None:
            raise SFTPOpUnsupported("no file is cut")

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """As `setstat`."""
        self.setstat(path, attrs)

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """As `setstat`."""
        del file_obj
        self.setstat(b"", attrs)

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """No link is made: it might lead anywhere one day."""
        del oldpath
        self._forbid(f"a link at {os.fsdecode(newpath)}")

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """As `symlink`."""
        del oldpath
        self._forbid(f"a link at {os.fsdecode(newpath)}")

    async def _do(self, work: Callable[..., T], *args: object) -> T:
        # asyncssh answers one request after the other, without a look at how many answers nobody has taken.
        await wait_for_room(self.channel)
        try:
            # To its end also when the session is cancelled: nobody closes a file in use.
            return await to_its_end(asyncio.to_thread(work, *args))
        except ForbiddenError as exc:
            self._refuse(f"sftp: {exc}")
            raise SFTPPermissionDenied(str(exc)) from exc
        except OSError as exc:
            # Its traceback has the task in which it is: going in a circle, they would keep a handle that is given back.
            raise exc.with_traceback(None) from None

    def _forbid(self, what: str) -> NoReturn:
        self._refuse(f"sftp: {what}")
        raise SFTPPermissionDenied(f"{what} is not allowed")

    def _take_handle(self) -> _Handle:
        for handles, most, where in (
            (self._handles, MOST_HANDLES, "in a session"),
            (self._all_handles, MOST_HANDLES_OF_ALL, "at once"),
        ):
            if len(handles) >= most:
                self._refuse(f"more than {most} open files {where}")
                raise SFTPFailure("too many open files")
        handle = _Handle()
        self._handles.add(handle)
        self._all_handles.add(handle)
        return handle

    def _readable(self, path: bytes) -> Path:
        return self._folders.readable(from_peer(path))

    def _writable(self, path: bytes) -> Path:
        return self._folders.writable(from_peer(path))

    def _itself(self, path: bytes, check: Callable[[str], Path]) -> Path:
        """Returns the path of a link itself, not that of what it leads to; its folder must be allowed."""
        name = from_peer(path)
        folder, _, last = name.rstrip("/").rpartition("/")
        if last in ("", ".", ".."):
            return check(name)
        place = self._folders.readable(folder or ("/" if name.startswith("/") else ".")) / last
        return check(str(place.parent)) / last if place.is_symlink() else check(name)

    def _open_file(self, path: bytes, pflags: int) -> FileIO:
        writes = bool(pflags & (FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC))
        place = self._writable(path) if writes else self._readable(path)
        if place.exists() and not stat.S_ISREG(place.stat().st_mode):
            # A pipe would wait for its other end, a device may do anything.
            raise ForbiddenError(f"{place} is no file")
        flags = os.O_RDONLY if not writes else os.O_RDWR if pflags & FXF_READ else os.O_WRONLY
        for theirs, ours in _FLAGS.items():
            flags |= ours if pflags & theirs else 0
        flags |= getattr(os, "O_BINARY", 0)
        mode = "rb" if not writes else "r+b" if pflags & FXF_READ else "wb"
        file = FileIO(str(place), mode, opener=lambda *_: open_beneath(self._folders.roots, place, flags))
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise ForbiddenError(f"{place} is no file any more")
        return file

    def _stat(self, path: bytes) -> os.stat_result:
        with beneath(self._folders.roots, self._readable(path)) as (name, folder):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def _lstat(self, path: bytes) -> os.stat_result:
        with beneath(self._folders.roots, self._itself(path, self._folders.readable)) as (name, folder):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def _remove(self, path: bytes) -> None:
        with beneath(self._folders.roots, self._movable(path)) as (name, folder):
            os.unlink(name, dir_fd=folder)

    def _make_folder(self, path: bytes) -> None:
        with beneath(self._folders.roots, self._writable(path)) as (name, folder):
            os.mkdir(name, 0o700, dir_fd=folder)

    def _remove_folder(self, path: bytes) -> None:
        with beneath(self._folders.roots, self._movable(path)) as (name, folder):
            os.rmdir(name, dir_fd=folder)

    def _movable(self, path: bytes) -> Path:
        place = self._itself(path, self._folders.writable)
        self._folders.require_movable(place)
        return place

    def _write(self, file: FileIO, offset: int, data: bytes) -> int:
        self._room.require(os.fsdecode(file.name), len(data))
        file.seek(offset)
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        return len(data)

    def _rename(self, oldpath: bytes, newpath: bytes, replaces: bool) -> None:
        old, new = self._movable(oldpath), self._movable(newpath)
        for place in (old, new):
            if place.is_symlink():  # elsewhere it would lead elsewhere
                raise ForbiddenError(f"{place} is a link, which stays where it is")
        roots = self._folders.roots
        with beneath(roots, old) as (old_name, old_folder), beneath(roots, new) as (new_name, new_folder):
            if not replaces and _is_there(new_name, new_folder):
                raise FileExistsError("there is a file of that name")
            os.replace(old_name, new_name, src_dir_fd=old_folder, dst_dir_fd=new_folder)

    def _read_link(self, path: bytes) -> bytes:
        link = self._itself(path, self._folders.readable)
        self._folders.readable(str(link))
        with beneath(self._folders.roots, link) as (name, folder):
            return _to_peer(Path(os.readlink(name, dir_fd=folder)))

    def _disk(self, place: Path) -> SFTPVFSAttrs:
        room = max(0, self._room.bytes_at(place)) // _UNIT_BYTES
        blocks = shutil.disk_usage(place).total // _UNIT_BYTES
        return SFTPVFSAttrs(
            bsize=_UNIT_BYTES, frsize=_UNIT_BYTES, blocks=blocks, bfree=room, bavail=room, namemax=_LONGEST_NAME
        )

    async def names(self, path: bytes) -> list[SFTPName]:
        """Returns what a folder has; links as links."""
        return await self._do(self._list, path)

    def _list(self, path: bytes) -> list[SFTPName]:
        with folder_beneath(self._folders.roots, self._readable(path)) as folder, os.scandir(folder) as entries:
            return [
                SFTPName(os.fsencode(entry.name), attrs=SFTPAttrs.from_local(entry.stat(follow_symlinks=False)))
                for entry in entries
            ]


class _Listing(AsyncIterator[SFTPName]):
    """The names in a folder, read when the first is asked for. Keeps nothing open."""

    def __init__(self, files: FolderFiles, path: bytes, handle: _Handle) -> None:
        self._files = files
        self._handle = handle
        self._path = path
        self._names: list[SFTPName] | None = None

    async def __anext__(self) -> SFTPName:
        if self._names is None:
            self._names = await self._files.names(self._path)
        if not self._names:
            raise StopAsyncIteration
        return self._names.pop()


def from_peer(path: bytes) -> str:
    """Returns a path as this machine spells it: on Windows sftp has a drive behind a slash."""
    name = os.fsdecode(path)
    if sys.platform == "win32" and name[:1] == "/" and name[2:3] == ":":
        name = name[1:]
    return name or "."


def _to_peer(place: Path) -> bytes:
    path = place.as_posix()
    return os.fsencode("/" + path if path[1:2] == ":" else path)


def _file(file_obj: object) -> FileIO:
    assert isinstance(file_obj, FileIO)  # noqa: S101  # for the type checker: `open` made it
    return file_obj


def _read(file: FileIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size) or b""


def _is_there(name: str, folder: int | None) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
