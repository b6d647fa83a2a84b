"""No ffmpeg of an agent leaves its folders, whatever it is asked for or finds in a file."""

import sys
from pathlib import Path

import pytest

from pytranscoder.errors import HostError
from pytranscoder.hosts.agents.calls import FFMPEG
from pytranscoder.hosts.wardens.confinement import Confinement
from tests.agent.standing import MakeStanding, Standing, anything, manager_of

ESCAPES: dict[str, tuple[str, ...]] = {
    "input": ("-i", "{secret}", "out.mkv"),
    "input above": ("-i", "../secret.mkv", "out.mkv"),
    "input by a link": ("-i", "link.mkv", "out.mkv"),
    "input in a linked folder": ("-i", "folder/secret.mkv", "out.mkv"),
    "output": ("-i", "film.mkv", "{outside}/out.mkv"),
    "output above": ("-i", "film.mkv", "../out.mkv"),
    "output in a linked folder": ("-i", "film.mkv", "folder/out.mkv"),
    "output into a share to be read": ("-i", "film.mkv", "{share}/out.mkv"),
    "second output": ("-i", "film.mkv", "out.mkv", "../out.mkv"),
    "filter that reads": ("-i", "film.mkv", "-vf", "movie={secret}[x];[in][x]overlay", "out.mkv"),
    "filter graph from a file": ("-i", "film.mkv", "-filter_complex_script", "{secret}", "out.mkv"),
    "subtitles": ("-i", "film.mkv", "-vf", "subtitles={secret}", "out.mkv"),
    "list of files": ("-f", "concat", "-safe", "0", "-i", "list.txt", "out.mkv"),
    "protocol concat": ("-i", "concat:film.mkv|{secret}", "out.mkv"),
    "protocol http": ("-i", "http://127.0.0.1:{port}/", "out.mkv"),
    "protocol tcp out": ("-i", "film.mkv", "-f", "mpegts", "tcp://127.0.0.1:{port}"),
    "protocol file": ("-i", "file:{secret}", "out.mkv"),
    "tee": ("-i", "film.mkv", "-f", "tee", "out.mkv|{outside}/out.mkv"),
    "attachment": ("-i", "film.mkv", "-attach", "{secret}", "out.mkv"),
    "dumped attachment": ("-dump_attachment:t", "{outside}/out", "-i", "film.mkv", "out.mkv"),
    "device": ("-f", "lavfi", "-i", "testsrc", "out.mkv"),
    "report": ("-report", "-i", "film.mkv", "out.mkv"),
    "progress elsewhere": ("-progress", "{outside}/out", "-i", "film.mkv", "out.mkv"),
}


@pytest.mark.parametrize("words", ESCAPES.values(), ids=ESCAPES.keys())
async def test_ffmpeg_does_not_leave_the_folders_by(victim: Standing, words: tuple[str, ...]) -> None:
    outside = victim.folder / "outside"
    outside.mkdir()
    places = {"secret": outside / "secret.mkv", "outside": outside, "share": victim.share, "port": victim.port}
    (outside / "secret.mkv").write_text("secret")
    (victim.folder / "secret.mkv").write_text("secret")
    for name in ("film.mkv", "list.txt"):
        (victim.working_dir / name).write_text(f"file '{outside}/secret.mkv'\n")
    (victim.working_dir / "link.mkv").symlink_to(outside / "secret.mkv")
    (victim.working_dir / "folder").symlink_to(outside)
    argv = (FFMPEG, "-nostdin", "-y", *(word.format(**places) for word in words))

    async with manager_of(victim) as transport:
        with pytest.raises(HostError, match="cannot run ffmpeg"):
            await transport.capture(argv, 10)

    assert await victim.tells("refused to run ffmpeg")
    assert [path.name for path in outside.iterdir()] == ["secret.mkv"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has something to confine a command with")
async def test_what_slips_through_the_examination_is_confined(attacked: MakeStanding, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    confinement = Confinement((), (str(tmp_path / "agent" / "work"),))
    standing = await attacked(gate=anything, confinement=confinement)
    (standing.working_dir / "film.mkv").write_text("film\n")

    async with manager_of(standing) as transport:
        allowed = await transport.capture(("/bin/cat", "film.mkv"), 10)
        refused = await transport.capture(("/bin/cat", str(tmp_path / "secret")), 10)

    assert (allowed.exit_status, allowed.stdout) == (0, "film\n")
    assert (refused.exit_status, refused.stdout) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has something to confine a command with")
async def test_a_folder_that_became_a_link_is_none(attacked: MakeStanding, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("secret")
    work, share = tmp_path / "agent" / "work", tmp_path / "agent" / "share"
    standing = await attacked(gate=anything, confinement=Confinement((str(share),), (str(work),)))
    share.rmdir()
    share.symlink_to(tmp_path / "elsewhere")

    async with manager_of(standing) as transport:
        answer = await transport.capture(("/bin/cat", str(share / "secret")), 10)

    assert (answer.exit_status, answer.stdout) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program offer itself")
async def test_when_memory_runs_out_the_command_goes_first(attacked: MakeStanding, tmp_path: Path) -> None:
    standing = await attacked(gate=anything, confinement=Confinement((), (str(tmp_path / "agent" / "work"),)))

    async with manager_of(standing) as transport:
        answer = await transport.capture(("/bin/cat", "/proc/self/oom_score_adj"), 10)

    assert answer.stdout == "1000\n"


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{secret}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
}


@pytest.mark.parametrize("contents", PLAYLISTS.values(), ids=PLAYLISTS.keys())
async def test_a_playlist_called_a_film_leads_nowhere(victim: Standing, film: Path, contents: str) -> None:
    secret = victim.folder / "secret.mkv"
    secret.write_bytes(film.read_bytes())
    (victim.working_dir / "film.mkv").write_text(contents.format(secret=secret))

    async with manager_of(victim) as transport:
        argv = (FFMPEG, "-nostdin", "-y", "-v", "error", "-i", "film.mkv", "-c", "copy", "out.mkv")
        answer = await transport.capture(argv, 10)

    assert answer.exit_status != 0
    assert not (victim.working_dir / "out.mkv").exists()
