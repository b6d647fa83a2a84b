"""That a file system which cannot flush is borne with, and one that fails to is not."""

import errno
import os
from pathlib import Path

import pytest

from pytranscoder.durable import sync_folder


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_file_system_that_cannot_flush_is_borne_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: _fail(code))

    sync_folder(tmp_path)


def test_a_disk_that_fails_to_flush_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: _fail(errno.EIO))

    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        sync_folder(tmp_path)


def test_a_folder_that_nobody_may_open_is_borne_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *_: _fail(errno.EACCES))

    sync_folder(tmp_path)


def _fail(code: int) -> int:
    raise OSError(code, os.strerror(code))
