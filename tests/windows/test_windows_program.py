"""The program itself with a Windows host: found out by its answers, used, and left as it was however a run ends."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.command import PROFILES, Finished, Place, run_pytranscoder, start_pytranscoder
from tests.windows.server import WindowsHost
from tests.windows.wine import FFMPEG

NAME = "Ünser Film & 100 % 'wahr' (1); $(x) ^%PATH%!.mp4"
# Longer than any test takes.
SLOW = """\
  slow:
    include: small
    input_options: -readrate 0.01
"""
ENDS_WITHIN_S = 10.0


@pytest.fixture
def place(host: WindowsHost, tmp_path: Path) -> Place:
    place = Place(tmp_path, tmp_path / "home", tmp_path / "state", tmp_path / "media")
    for folder in (place.state, place.media):
        folder.mkdir()
    configure(place, host)
    return place


def configure(place: Place, host: WindowsHost, **more: object) -> None:
    gaming = {"type": "streaming", "ip": "127.0.0.1", "port": host.port, "user": "user", "working_dir": r"c:\temp"}
    place.configure(PROFILES + SLOW, clusters={"home": {"gaming": gaming | more}})


@pytest.fixture
def source(place: Place, film: Path) -> Path:
    return place.add(film, NAME)


@pytest.fixture
def share(host: WindowsHost, place: Place) -> Iterator[None]:
    """Lets the host see our media as ``C:\\share``."""
    link = host.wine.drive / "share"
    link.symlink_to(place.media)
    yield
    link.unlink()


async def run(place: Place, *words: str | Path) -> Finished:
    return await asyncio.to_thread(run_pytranscoder, place, "--json", "-c", "home", *words)


def interrupt(place: Place, source: Path, number: signal.Signals) -> int:
    """Send the program a signal while ffmpeg works for it, and return its exit status."""
    with start_pytranscoder(place, "-c", "home", "-p", "slow", source) as running:
        running.wait_for("progress")
        running.send(number)
        return running.finish().status


async def await_quiet(host: WindowsHost) -> None:
    async with asyncio.timeout(ENDS_WITHIN_S):
        await host.idle()


def left_on(host: WindowsHost) -> list[str]:
    return [path.name for path in host.wine.drive.rglob("pytranscoder-*")]


async def test_a_film_is_encoded_on_a_host_that_is_found_out(host: WindowsHost, place: Place, source: Path) -> None:
    done = await run(place, "-p", "small", source)

    assert (done.status, done.outcomes) == (0, {NAME: "encoded"}), done.stdout
    assert (place.names(), left_on(host)) == ([NAME.replace(".mp4", ".mkv")], [])


async def test_a_film_is_encoded_without_powershell(host: WindowsHost, place: Place, source: Path) -> None:
    host.powershell = False
    configure(place, host, os="win10", ffmpeg=FFMPEG)

    done = await run(place, "-p", "small", source)

    assert (done.outcomes, left_on(host)) == ({NAME: "encoded"}, []), done.stdout


@pytest.mark.usefixtures("share")
async def test_shared_films_are_encoded_by_the_names_that_windows_has_for_them(
    host: WindowsHost, place: Place, source: Path
) -> None:
    shared = {"type": "mounted", "path-substitutions": [f"{place.media} C:/share"]}
    configure(place, host, ffmpeg=FFMPEG, **shared)

    done = await run(place, "-p", "small", source)

    assert (done.status, done.outcomes) == (0, {NAME: "encoded"}), done.stdout
    (begun,) = done.of("encode_started")
    assert begun["argv"][begun["argv"].index("-i") + 1] == rf"C:\share\{NAME}"
    assert place.names() == [NAME.replace(".mp4", ".mkv")]


async def test_a_dry_run_tells_of_the_host_and_changes_nothing(host: WindowsHost, place: Place, source: Path) -> None:
    done = await run(place, "--dry-run", "-p", "small", source)

    assert [event["host"] for event in done.of("planned")] == ["gaming"]
    assert (done.status, place.names(), left_on(host)) == (0, [NAME], [])


async def test_ctrl_c_leaves_nothing_there(host: WindowsHost, place: Place, source: Path) -> None:
    status = await asyncio.to_thread(interrupt, place, source, signal.SIGINT)

    await await_quiet(host)
    assert (status, place.names(), left_on(host)) == (130, [NAME], [])


async def test_a_dead_manager_leaves_no_command_and_the_next_run_no_file(
    host: WindowsHost, place: Place, source: Path
) -> None:
    await asyncio.to_thread(interrupt, place, source, signal.SIGKILL)
    await await_quiet(host)
    assert left_on(host)

    done = await run(place, "-p", "small", source)

    assert (done.outcomes, left_on(host)) == ({NAME: "encoded"}, [])
