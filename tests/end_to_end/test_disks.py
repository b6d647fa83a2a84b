"""Folders that cannot be written, disks that are full, and more than one of them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.command import Place, left_running, run_pytranscoder


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a small disk in memory."""
    folder.mkdir(exist_ok=True)
    try:
        mount("-t", "tmpfs", *options, "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("CI"):
            raise  # there, nothing is skipped
        pytest.skip("no disk can be mounted here; root on Linux can")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


def mount(*words: str) -> None:
    subprocess.run(["/bin/mount", *words], check=True)


def test_full_disk_fails_the_job_and_leaves_nothing(place: Place, film: Path) -> None:
    source_bytes = film.stat().st_size
    place.configure()
    with mounted(place.media, "-o", f"size={(source_bytes // 4096 + 2) * 4096}"):
        source = place.add(film)

        done = run_pytranscoder(place, "--json", "-p", "large", source)

        assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
        assert "no space left" in done.reasons[0]
        assert place.names() == ["film.mp4"]
        assert source.read_bytes() == film.read_bytes()


def test_read_only_folder_fails_the_job_before_the_encode(place: Place, film: Path) -> None:
    place.configure()
    with mounted(place.media):
        place.add(film)
        mount("-o", "remount,ro", str(place.media))

        done = run_pytranscoder(place, "--json", "-p", "small", place.media / "film.mp4")

        assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
        assert "Read-only file system" in done.reasons[0]
        assert done.of("encode_started") == []


def test_output_is_made_on_the_fast_disk_and_brought_over(place: Place, film: Path) -> None:
    with mounted(place.root / "fast") as fast:
        place.configure(fls_path=fast)

        done = run_pytranscoder(place, "--json", "-p", "small", place.add(film))

        assert (done.status, place.names()) == (0, ["film.mkv"])
        assert done.of("encode_started")[0]["argv"][-1].startswith(f"{fast}/")
        assert list(fast.iterdir()) == []


def test_fast_disk_may_be_named_from_the_working_directory(place: Place, film: Path) -> None:
    source = place.add(film)
    (place.media / "-fast").mkdir()
    place.configure(fls_path="-fast")

    done = run_pytranscoder(place, "--json", "-p", "small", source)

    assert (done.status, place.names()) == (0, ["film.mkv"])
    assert done.of("encode_started")[0]["argv"][-1].startswith(f"{place.media}/-fast/")


def test_full_fast_disk_leaves_the_source(place: Place, film: Path) -> None:
    with mounted(place.root / "fast", "-o", "size=8k") as fast:
        place.configure(fls_path=fast)

        done = run_pytranscoder(place, "--json", "-p", "large", place.add(film))

        assert (done.status, place.names()) == (1, ["film.mp4"])
        assert "no space left" in done.reasons[0]
        assert list(fast.iterdir()) == []


def test_missing_fast_disk_fails_the_job(place: Place, film: Path) -> None:
    place.configure(fls_path=place.root / "not-mounted")

    done = run_pytranscoder(place, "--json", "-p", "small", place.add(film))

    assert (done.status, place.names()) == (1, ["film.mp4"])
    assert "not-mounted" in done.reasons[0]


def test_share_that_is_unmounted_meanwhile_is_not_taken_for_a_deleted_film(place: Place, film: Path) -> None:
    with mounted(place.media / "share") as share:
        source = place.add(film, "share/film.mp4")
        wrapper = place.root / "ffmpeg-unmounts"
        real = place.fake_ffmpeg("normal")
        wrapper.write_text(f'#!/bin/sh\ncase "$*" in *-progress*) umount --lazy "{share}" ;; esac\nexec {real} "$@"\n')
        wrapper.chmod(0o755)
        place.configure(ffmpeg=wrapper)

        done = run_pytranscoder(place, "--json", "-p", "small", source)
        mount("-t", "tmpfs", "tmpfs", str(share))  # for `mounted` to undo

        assert (done.status, done.outcomes) == (1, {"film.mp4": "failed"})
        assert list(share.iterdir()) == []
        assert left_running(place) == []
