"""Which graphs of filters an agent runs, and that it reads them as the real ffmpeg does."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # has no annotations
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytranscoder.agent.filters import FILE_FILTERS, PLAIN_FILTERS, check_graph, read_pairs, take_token
from pytranscoder.agent.folders import Folders
from pytranscoder.errors import ForbiddenError
from tests.clips import FFMPEG

FFMPEGS = sorted({FFMPEG, imageio_ffmpeg.get_ffmpeg_exe()})

# An ID3 tag with 64 bytes of nothing, which ffmpeg skips before it looks what a file is.
TAG = b"ID3\4\0\0\0\0\0\x40" + bytes(64)

HARMLESS = {
    "size": "scale=1280:-2",
    "size with slashes": "scale=iw/2:ih/2:flags=lanczos",
    "named and labelled": "[0:v]scale@half=w=640:h=-2[v];[0:a]anull[a]",
    "chain": "yadif=1 , crop=in_w-2*8:in_h , hqdn3d",
    "flags for scalers": "sws_flags=lanczos+accurate_rnd;scale=640:-2",
    "quoted expression": "select='gt(scene,0.4)',setpts=N/FRAME_RATE/TB",
    "escaped expression": r"select=gt(scene\,0.4)",
    "on a GPU": "format=nv12,hwupload,scale_vaapi=w=1280:h=-2:format=p010",
    "on another GPU": "hwupload_cuda,yadif_cuda=0:-1:0,scale_cuda=1280:-2,hwdownload,format=yuv420p",
    "tone mapping": "zscale=t=linear:npl=100,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709,format=yuv420p",
    "sound": "loudnorm=I=-16:LRA=11:TP=-1.5,aresample=48000",
    "sound without names": "loudnorm=-16:11:-1.5",
    "channels": "pan=stereo|FL=0.5*FC+0.707*FL|FR=0.5*FC+0.707*FR",
    "text": r"drawtext=text='24/7 \: 100':x=(w-tw)/2:fontsize=24",
    "preset of curves": "curves=vintage",
    "subtitles": "subtitles=film.srt:force_style='FontName=Arial,PrimaryColour=&H00FFFF&'",
    "subtitles of the film": "subtitles=film.mkv:si=1",
    "subtitles by path": "subtitles=filename='{work}/film.srt'",
    "script of subtitles": "ass=film.ass",
    "another film over it": "movie=film.mkv:f=matroska[over];[in][over]overlay",
    "colours": "lut3d=look.cube:interp=tetrahedral",
    "measures": "[0:v][1:v]psnr=stats_file=psnr.log",
    "model that is built in": "libvmaf=model='version=vmaf_v0.6.1':log_path=vmaf.json",
    "two passes": "vidstabtransform=input=moves.trf:smoothing=30,unsharp",
    "semicolon at the end": "[0:v]null[v];",
    "nothing": "",
}

REFUSED = {
    "film outside": ("movie=/etc/passwd:f=matroska", "outside"),
    "film whose format is not said": ("movie=film.mkv", "may not find out"),
    "film as a playlist": ("movie=film.mkv:f=hls", "not among the formats"),
    "film with options": ("movie=film.mkv:f=matroska:format_opts=a", "not allowed"),
    "film at an address": ("movie=http\\\\://h/film.mkv:f=matroska", "an address"),
    "film that is several": ("amovie=concat\\\\:film.mkv:f=matroska", "an address"),
    "film by its name in full": ("movie=filename=/etc/passwd:f=matroska", "outside"),
    "film by the last of two names": ("movie=film.mkv:f=matroska:filename=/etc/passwd", "outside"),
    "name of a filter in quotes": ("'mo'vie=/etc/passwd:f=matroska", "outside"),
    "name of a filter with backslashes": ("m\\ovie=/etc/passwd:f=matroska", "outside"),
    "filter with a name of its own": ("movie@x=/etc/passwd:f=matroska", "outside"),
    "second filter": ("scale=640:-2,movie=/etc/passwd:f=matroska[x]", "outside"),
    "behind flags": ("sws_flags=bicubic;movie=/etc/passwd:f=matroska", "outside"),
    "behind a label": ("[a,b]null[c];movie=/etc/passwd:f=matroska", "outside"),
    "path in quotes": ("subtitles='/etc'\\/pass'wd'.srt", "outside"),
    "subtitles that are no subtitles": ("subtitles=passwd", "not the name of subtitles"),
    "subtitles that are a playlist": ("subtitles=list.srt", "a list of other files"),
    **{
        f"subtitles that are a list, {name}": (f"subtitles={name}.srt", "a list of other files")
        for name in ("tagged", "far", "parts", "index")
    },
    "fonts outside": ("subtitles=film.srt:fontsdir=/root", "outside"),
    "fonts outside, without a name": ("subtitles=film.srt:640x480:/root", "not clear what value 3 is for"),
    "link that leads outside": ("ass=away", "outside"),
    "text from a file": ("drawtext=textfile=/etc/passwd", "outside"),
    "font outside": ("drawtext=/root/font.ttf:hello", "outside"),
    "font with a file": ("drawtext=font='Sans\\:file=/root/x':text=a", "may not name a file"),
    "value from a file": ("drawtext=/text=/etc/passwd", "reads a value from a file"),
    "value of a harmless filter from a file": ("aeval=/exprs=/etc/passwd", "reads a value from a file"),
    "log outside": ("psnr=stats_file=/root/.ssh/authorized_keys", "outside"),
    "log without a name": ("ssim=/root/x", "outside"),
    "printing to an address": ("metadata=print:file=tcp\\\\://h", "an address"),
    "model from a file": ("libvmaf=model='path=/root/x'", "may not name a file"),
    "model of an earlier ffmpeg": ("libvmaf=/root/model", "not clear"),
    "colours outside": ("lut3d=/root/x.cube", "outside"),
    "program": ("frei0r=/tmp/evil", "not among the filters"),
    "plugin": ("ladspa=file=/tmp/evil", "not among the filters"),
    "server": ("zmq=bind_address=tcp\\\\://*\\\\:5555", "not among the filters"),
    "commands to other filters": ("sendcmd=c='0 drawtext reinit textfile=/etc/passwd'", "not among the filters"),
    "model": ("whisper=model=x:destination=http\\\\://h", "not among the filters"),
    "filter that nobody knows": ("unheard_of", "encode with it on another host"),
    "no filter": (",,", "not among the filters"),
    "brackets that do not fit": ("scale=1:1]", "check its quotes and brackets"),
}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    work = tmp_path.resolve() / "work"
    work.mkdir()
    for name in ("film.mkv", "film.srt", "film.ass", "look.cube", "moves.trf", "passwd"):
        (work / name).touch()
    (work / "list.srt").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    (work / "tagged.srt").write_bytes(TAG + b"ffconcat version 1.0\nfile /etc/passwd\n")
    (work / "far.srt").write_bytes(b"1\n\0" * 1000 + b"ffconcat version 1.0\nfile /etc/passwd\n")
    (work / "parts.srt").write_bytes(b"MLVIv2.0\0")
    (work / "index.srt").write_bytes(b"# VobSub index file, v7\n")
    (work / "away").symlink_to("/etc/passwd")
    return Folders(work)


@pytest.mark.parametrize("graph", HARMLESS.values(), ids=HARMLESS)
def test_harmless_graph_is_allowed(folders: Folders, graph: str) -> None:
    check_graph(graph.format(work=folders.working_dir), folders)


@pytest.mark.parametrize(("graph", "reason"), REFUSED.values(), ids=REFUSED)
def test_graph_that_leads_away_is_refused(folders: Folders, graph: str, reason: str) -> None:
    with pytest.raises(ForbiddenError, match=f"^filter .*{re.escape(reason)}|{re.escape(reason)}"):
        check_graph(graph, folders)


def test_list_behind_a_tag_is_refused_as_ffmpeg_would_read_it(tmp_path: Path) -> None:
    (tmp_path / "secret.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nSecret\n\n")
    (tmp_path / "list.srt").write_bytes(TAG + b"ffconcat version 1.0\nfile secret.srt\n")

    command = [FFMPEG, "-v", "debug", "-f", "lavfi", "-i", "color=d=0.04", "-vf", "subtitles=list.srt"]
    told = subprocess.run([*command, "-f", "null", "-"], cwd=tmp_path, check=False, capture_output=True, text=True)

    assert "secret.srt" in told.stderr
    with pytest.raises(ForbiddenError, match="a list of other files"):
        check_graph("subtitles=list.srt", Folders(tmp_path.resolve()))


@given(
    cuts=st.lists(st.tuples(st.integers(0, 27), st.sampled_from(["\\", "'", "''", " ", "\n", "@", "[x]"])), max_size=6)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_quoting_hides_a_file_outside(folders: Folders, cuts: list[tuple[int, str]]) -> None:
    graph = "movie=/etc/passwd:f=matroska"
    for at, quoting in cuts:
        graph = graph[:at] + quoting + graph[at:]

    with pytest.raises(ForbiddenError):
        check_graph(graph, folders)


@given(st.text("ab :='\\,;[]\n\t", max_size=12))
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    escaped = "".join(f"\\{char}" for char in text)

    assert take_token(f"{escaped}:rest", 0, ":") == (text, len(escaped))


@pytest.mark.parametrize("ffmpeg", FFMPEGS, ids=lambda path: Path(path).name)
@pytest.mark.parametrize(
    "file",
    [
        "plain.log",
        "'in quotes'",
        r"./colon\\:.log",
        r"'./colon\:.log'",
        r"comma\,.log",
        "'[brackets]'",
        r"\[brackets\]",
        r"it\\\'s",
        " outer space ",
        r"space at the end\\\ ",
        "half' a quote",
        r"equals=\=",
        "'a'b'c'",
        r"back\\\\slash",
    ],
)
def test_ffmpeg_writes_the_file_that_was_checked(tmp_path: Path, ffmpeg: str, file: str) -> None:
    filters = f"metadata=add:key=a:value=b,metadata=print:file={file}"
    arguments, _ = take_token(filters, filters.rindex("=print") + 1, "[],;")
    source = ("-f", "lavfi", "-i", "color=d=0.04")

    subprocess.run([ffmpeg, "-v", "error", *source, "-vf", filters, "-f", "null", "-"], cwd=tmp_path, check=True)

    assert [path.name for path in tmp_path.iterdir()] == [Path(dict(read_pairs(arguments))["file"]).name]


# Options whose names or descriptions sound like a file and are none.
_SOUNDS_ONLY = {("ssim360", "heatmap_str"), ("xfade_opencl", "kernel")}


@pytest.mark.parametrize("ffmpeg", FFMPEGS, ids=lambda path: Path(path).name)
def test_every_option_that_takes_a_file_is_checked(ffmpeg: str) -> None:
    unchecked = {
        (name, option)
        for name, option in _options_with_files(ffmpeg)
        if name in PLAIN_FILTERS or (name in FILE_FILTERS and option not in FILE_FILTERS[name].checks)
    }

    assert not unchecked - _SOUNDS_ONLY


def _options_with_files(ffmpeg: str) -> Iterator[tuple[str, str]]:
    """The filters and their options that take text and seem to take a file, by what ffmpeg says of them."""
    told = subprocess.run([ffmpeg, "-hide_banner", "-h", "full"], check=True, capture_output=True, text=True).stdout
    names: list[str] = []
    for line in told.splitlines():
        if line.endswith(" AVOptions:"):
            section = line.removesuffix(" AVOptions:")
            names = [section, section.removeprefix("(a)"), section.replace("(a)", "a"), *section.split("/")]
        option = re.match(r"\s+(\S+)\s+<(?:string|dictionary|binary)>\s+\S*F\S*\s+(.*)", line)
        if option and re.search(
            r"file|path|folder|director|librar|plugin|address|url", f"{option[1]} {option[2]}", re.IGNORECASE
        ):
            yield from ((name, option[1]) for name in names)
