"""What the agent's gate allows, in the hands of real ffmpegs: films are encoded, lists of other files are not read."""

import re
import shlex
import subprocess
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # has no annotations
import pytest

from pytranscoder.agent.folders import Folders
from pytranscoder.agent.gate import check_words
from pytranscoder.agent.gate_formats import EXTENSIONS, MUXERS
from pytranscoder.agent.gate_options import FLAGS, OPTIONS
from pytranscoder.profiles.command import GLOBALS
from tests.clips import FFMPEG, make_clip

each_ffmpeg = pytest.mark.parametrize(
    "ffmpeg", sorted({FFMPEG, imageio_ffmpeg.get_ffmpeg_exe()}), ids=lambda path: Path(path).name
)

ENCODES = {
    "film": "-i film.mkv -c:v libx264 -preset ultrafast -crf 40 -c:a copy out.mkv",
    "two outputs": "-i film.mkv -map 0:v -c copy out.mkv -map 0:a -f matroska ./sound",
    "graph": "-i film.mkv -filter_complex '[0:v]scale=64:-2,ass=film.ass[v]' -map '[v]' -c:v mpeg4 out.mp4",
    "films over each other": "-i film.mkv -vf movie=film.mkv:f=matroska[a];[in][a]overlay -c:v mpeg4 out.mkv",
    "attachment": "-i film.mkv -map 0 -c copy -attach ./cover.png -metadata:s:t mimetype=image/png out.mkv",
    "picture": "-i film.mkv -map 0:v -frames:v 1 -c:v png -f image2 -update 1 ./.out.cover",
    "first pass": "-i film.mkv -an -c:v libx264 -preset ultrafast -b:v 50k -pass 1 -passlogfile log out.mkv",
    "parameters": "-i film.mkv -an -c:v libx265 -preset ultrafast -x265-params csv=log.csv:log-level=0 out.mkv",
    "two inputs": "-i film.mkv -f srt -i film.srt -map 0:v -map 1 -c:v copy -c:s ass out.mkv",
    "picture as an input": "-i film.mkv -i cover.png -filter_complex overlay -an -c:v mpeg4 -shortest -t 0.2 out.avi",
}

# Contents that make ffmpeg read other files, whatever the name of the file is.
LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile other.ts\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
    '<AdaptationSet mimeType="video/mp2t"><Representation id="0" bandwidth="1"><BaseURL>other.ts</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "film.mkv", seconds=0.4, size="64x48")


@pytest.fixture
def folders(tmp_path: Path, clip: Path) -> Folders:
    work = tmp_path.resolve()
    (work / "film.mkv").write_bytes(clip.read_bytes())
    (work / "film.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    (work / "film.ass").write_text("[Script Info]\nScriptType: v4.00+\n")
    return Folders(work)


def run(ffmpeg: str, words: str, folders: Folders) -> subprocess.CompletedProcess[str]:
    """Runs what the gate makes of the words, quoted as in a shell, as an agent does."""
    checked = check_words([*GLOBALS, *shlex.split(words)], folders)
    return subprocess.run(
        [ffmpeg, *checked.words], cwd=folders.working_dir, check=False, capture_output=True, text=True, timeout=30
    )


@each_ffmpeg
@pytest.mark.parametrize("words", ENCODES.values(), ids=ENCODES)
def test_command_that_is_allowed_encodes(folders: Folders, ffmpeg: str, words: str) -> None:
    picture = ("-f", "lavfi", "-i", "color=s=16x16", "-frames:v", "1", "cover.png")
    subprocess.run([ffmpeg, "-v", "error", *picture], cwd=folders.working_dir, check=True)

    result = run(ffmpeg, words, folders)

    assert result.returncode == 0, result.stderr
    assert (folders.working_dir / shlex.split(words)[-1]).stat().st_size > 0


@each_ffmpeg
@pytest.mark.parametrize("contents", LISTS.values(), ids=LISTS)
def test_list_of_other_files_is_no_film(folders: Folders, ffmpeg: str, contents: str) -> None:
    make_clip(folders.working_dir / "other.ts", seconds=0.2, audio=())
    (folders.working_dir / "film.mkv").write_text(contents)

    result = run(ffmpeg, "-i film.mkv -c copy out.mkv", folders)

    assert result.returncode != 0
    assert not (folders.working_dir / "out.mkv").exists()


@each_ffmpeg
def test_list_would_be_read_without_the_gate(folders: Folders, ffmpeg: str) -> None:
    make_clip(folders.working_dir / "other.ts", seconds=0.2, audio=())
    (folders.working_dir / "film.mkv").write_text(LISTS["concat"])
    words = (*GLOBALS, "-i", "film.mkv", "-c", "copy", "out.mkv")

    subprocess.run([ffmpeg, *words], cwd=folders.working_dir, check=True)

    assert (folders.working_dir / "out.mkv").stat().st_size > 0


@each_ffmpeg
def test_pattern_in_a_name_is_no_sequence_of_pictures(folders: Folders, ffmpeg: str) -> None:
    for name in ("secret1.png", "secret%d.png"):
        (folders.working_dir / name).write_bytes(b"\x89PNG\r\n\x1a\n")

    result = run(ffmpeg, "-i secret%d.png out.mkv", folders)

    assert "Format not on whitelist" in result.stderr


@each_ffmpeg
def test_ffmpeg_agrees_which_options_take_a_value(ffmpeg: str) -> None:
    own = _own_options(ffmpeg)
    # The level of its messages is read before everything else, and complained of.
    valued = sorted(own & {name for name in OPTIONS if name not in FLAGS} - {"v", "loglevel"})
    words = [word for name in valued for word in (f"-{name}", "-no_such_option")]

    assert "'no_such_option_at_the_end'" in _complaint(ffmpeg, *words, "-no_such_option_at_the_end")


@each_ffmpeg
@pytest.mark.parametrize("name", sorted(FLAGS))
def test_ffmpeg_agrees_which_options_take_none(ffmpeg: str, name: str) -> None:
    # With a value, it would take this one.
    complaint = _complaint(ffmpeg, f"-{name}", "-no_such_option")

    assert "'no_such_option'" in complaint or f"'{name}'" in complaint


def test_endings_choose_a_format_that_is_allowed() -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    listed = subprocess.run([ffmpeg, "-hide_banner", "-muxers"], check=True, capture_output=True, text=True).stdout

    for name in set(re.findall(r"^ +D?E +(\S+)", listed, re.MULTILINE)) - MUXERS:
        command = [ffmpeg, "-hide_banner", "-h", f"muxer={name}"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        endings = re.search(r"Common extensions: (.*)\.", told)
        assert not endings or not {f".{ending}" for ending in endings[1].split(",")} & EXTENSIONS, name


def _own_options(ffmpeg: str) -> frozenset[str]:
    told = subprocess.run([ffmpeg, "-hide_banner", "-h", "long"], check=True, capture_output=True, text=True).stdout
    return frozenset(re.findall(r"^-([A-Za-z]\w*)", told, re.MULTILINE))


def _complaint(ffmpeg: str, *words: str) -> str:
    return subprocess.run([ffmpeg, "-hide_banner", *words], check=False, capture_output=True, text=True).stderr
