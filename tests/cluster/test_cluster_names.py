"""Names that break programs, across ssh: each is encoded and replaced, and nothing else appears anywhere."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cluster.scene import files_in
from tests.end_to_end.command import Finished, run_pytranscoder
from tests.end_to_end.test_names import NAMES, final_name, json_lines, media_of, with_nul
from tests.lab.lab import Lab

SMALL = ("--json", "-c", "home", "-p", "small")
EVIL = 'it\'s a "work" $(touch x) `touch y` & dir'
SLOTS = {"default": 3}


def fill(lab: Lab, film: Path, names: Sequence[str] = NAMES) -> None:
    for name in names:
        lab.place.add(film, name)
    for folder in (lab.place.media, *(path for path in lab.place.media.rglob("*") if path.is_dir())):
        folder.chmod(0o777)


def require_all_replaced(lab: Lab, done: Finished, names: Sequence[str] = NAMES) -> None:
    assert (done.status, done.stderr) == (0, "")
    assert lab.place.names() == sorted(final_name(name) for name in names)
    assert media_of(done) == sorted(str(lab.place.media / name) for name in names)


@pytest.mark.parametrize("shell", ["fish", "busybox"])
def test_any_name_is_encoded_on_a_streaming_host(lab: Lab, film: Path, shell: str) -> None:
    host = lab.host("alpha", user="media", login_shell=shell)
    fill(lab, film)
    lab.configure({"home": host.streaming(queues=SLOTS)})
    queue_file = lab.place.root / "queue"
    queue_file.write_bytes(json_lines(NAMES))

    done = run_pytranscoder(lab.place, *SMALL, "--from-file", queue_file)

    require_all_replaced(lab, done)
    assert (queue_file.exists(), files_in(host.working_dir)) == (False, [])


def test_any_name_is_encoded_on_a_mounted_host(lab: Lab, film: Path) -> None:
    host = lab.host("alpha", user="media", login_shell="fish")
    host.share(lab.place.media)
    fill(lab, film)
    lab.configure({"home": host.mounted(queues=SLOTS)})
    queue_file = lab.place.root / "queue"
    queue_file.write_bytes(with_nul(NAMES))

    done = run_pytranscoder(lab.place, *SMALL, "--from-file", queue_file)

    require_all_replaced(lab, done)
    assert not queue_file.exists()


def test_any_name_can_be_that_of_a_folder_of_a_mounted_host(lab: Lab, film: Path) -> None:
    host = lab.host("alpha", user="media", login_shell="dash")
    host.share(lab.place.media)
    names = [f"{name}/film.mp4" for name in NAMES]
    fill(lab, film, names)
    lab.configure({"home": host.mounted(queues=SLOTS)})

    done = run_pytranscoder(lab.place, *SMALL, ".")

    require_all_replaced(lab, done, names)


def test_any_name_can_be_an_argument(lab: Lab, film: Path) -> None:
    alpha, beta = lab.host("alpha"), lab.host("beta", login_shell="fish")
    beta.share(lab.place.media)
    fill(lab, film)
    lab.configure({"home": alpha.streaming() | beta.mounted() | lab.local()})

    done = run_pytranscoder(lab.place, *SMALL, "--", *NAMES)

    require_all_replaced(lab, done)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_folders_and_ffmpeg_of_a_host_may_have_any_name(lab: Lab, film: Path, shell: str) -> None:
    host = lab.host("alpha", user="media", login_shell=shell)
    tools, work = host.root / f"{EVIL} tools", host.working_dir / EVIL
    tools.mkdir()
    (tools / "ffmpeg").symlink_to(host.ffmpeg)
    lab.configure({"home": host.streaming(ffmpeg=str(tools / "ffmpeg"), working_dir=str(work))})

    done = run_pytranscoder(lab.place, *SMALL, lab.place.add(film))

    assert (done.status, done.outcomes, done.stderr) == (0, {"film.mp4": "encoded"}, "")
    assert {path.name for path in host.root.rglob("*")}.isdisjoint("xy")


def test_folders_of_a_mapping_may_have_any_name(lab: Lab, film: Path) -> None:
    host = lab.host("alpha", login_shell="fish")
    theirs = host.share(lab.place.media, "/mnt/it's $(touch x) `touch y` & here")
    lab.configure({"home": host.mounted()})

    done = run_pytranscoder(lab.place, *SMALL, lab.place.add(film))

    assert (done.status, done.outcomes) == (0, {"film.mp4": "encoded"})
    assert done.of("encode_started")[0]["argv"][-1].startswith(f"{theirs}/.film.ptc-")
