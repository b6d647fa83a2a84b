"""Which commands an agent gives to ffmpeg, as words. Real ffmpegs run them in `test_gate_real`."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytranscoder.agent.folders import Folders
from pytranscoder.agent.gate import Checked, check_words
from pytranscoder.errors import ForbiddenError
from pytranscoder.media.model import Stream, StreamKind
from pytranscoder.profiles.command import GLOBALS, cover_argv

CASES = Path(__file__).parent.parent / "cases" / "argv"


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """A working directory with a film and a link out of it, and a share to read."""
    root = tmp_path.resolve()
    for folder in ("work/sub", "share"):
        (root / folder).mkdir(parents=True)
    for name in ("work/film.mkv", "work/film.srt", "work/cover.jpg", "share/film.mkv"):
        (root / name).touch()
    (root / "work/away").symlink_to("/etc")
    (root / "work/to-share").symlink_to("../share/film.mkv")
    return Folders(root / "work", (root / "share",))


def check(folders: Folders, *, before: str = "", after: str = "", output: str = "out.mkv") -> Checked:
    """Checks the command for film.mkv with these options, quoted as in a shell, before and after its input."""
    words = (*GLOBALS, *shlex.split(before), "-i", "film.mkv", *shlex.split(after), output)
    return check_words(words, folders)


def without_limits(words: Sequence[str]) -> list[str]:
    """The words without those that the agent puts before each input."""
    kept = list(words)
    for name in ("-protocol_whitelist", "-format_whitelist"):
        while name in kept:
            at = kept.index(name)
            del kept[at : at + 2]
    return kept


def test_files_become_absolute_and_can_be_nothing_but_files(folders: Folders) -> None:
    checked = check_words(["-nostdin", "-y", "-i", "film.mkv", "-c", "copy", "sub/../out.mkv"], folders)

    work = folders.working_dir
    assert without_limits(checked.words) == [
        *("-nostdin", "-y", "-i", f"file:{work}/film.mkv", "-c", "copy"),
        f"file:{work}/out.mkv",
    ]
    assert checked.outputs == (work / "out.mkv",)


def test_each_input_may_be_media_in_files_only(folders: Folders) -> None:
    words = check_words([*GLOBALS, "-i", "film.mkv", "-f", "srt", "-i", "film.srt", "out.mkv"], folders).words

    for at, word in enumerate(words):
        if word == "-i":
            assert words[at - 4 : at - 1] == ("-protocol_whitelist", "file", "-format_whitelist")
            assert not {"hls", "concat", "dash", "image2", "lavfi", "sdp"} & set(words[at - 1].split(","))


def test_all_outputs_are_told(folders: Folders) -> None:
    checked = check(folders, after="-map 0:v a.mkv -map 0:a -f flac b", output="sub/c.mp4")

    assert checked.outputs == tuple(folders.working_dir / name for name in ("a.mkv", "b", "sub/c.mp4"))


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CASES.glob("*/expected.argv")))
def test_what_a_manager_sends_passes_unchanged(folders: Folders, name: str) -> None:
    _, *words = shlex.split((CASES / name / "expected.argv").read_text("utf-8"))
    at = words.index("-i") + 1
    output = str(folders.working_dir / Path(words[-1]).name)
    sent = [*words[:at], "film.mkv", *words[at + 1 : -1], output]

    passed = without_limits(check_words(sent, folders).words)

    assert passed == [*words[:at], f"file:{folders.working_dir}/film.mkv", *words[at + 1 : -1], f"file:{output}"]


def test_cover_is_extracted(folders: Folders) -> None:
    cover = Stream(index=2, kind=StreamKind.VIDEO, codec="mjpeg")
    _, *words = cover_argv("ffmpeg", "film.mkv", cover, "./.film.ptc-1.cover")

    assert check_words(words, folders).outputs == (folders.working_dir / ".film.ptc-1.cover",)


BEFORE_INPUT = {
    "GPU": "-hwaccel cuda -hwaccel_output_format cuda -hwaccel_device 0",
    "GPU by path": "-hwaccel vaapi -hwaccel_device /dev/dri/renderD128 -hwaccel_output_format vaapi",
    "GPU for everything": "-vaapi_device /dev/dri/renderD128",
    "named GPU": "-init_hw_device vaapi=va:/dev/dri/renderD128,driver=iHD -filter_hw_device va",
    "GPU behind another": "-init_hw_device qsv=hw,child_device=/dev/dri/renderD129 -init_hw_device opencl=ocl@hw",
    "GPU by the name of its maker": "-init_hw_device 'vulkan=vk:NVIDIA GeForce RTX 3060' -init_hw_device opencl:0.1",
    "part": "-ss 00:01:00.5 -t 10 -noaccurate_seek",
    "damaged": "-fflags +genpts+igndts -err_detect ignore_err -analyzeduration 100M -probesize 100M",
    "raw": "-f rawvideo -pix_fmt yuv420p -s 1920x1080 -r 24000/1001",
    "decoder": "-c:v hevc_cuvid -resize 1280x720 -thread_queue_size 512 -noautorotate",
    "flags without a sign": "-flags2 -ignorecrop",
}
AFTER_INPUT = {
    "x264": "-c:v libx264 -crf 18.5 -preset slow -profile:v high -level 4.1 -x264-params keyint=48:sar=16/11",
    "zones": "-x265-params zones=0,100,crf=10/200,300,b=1.5",
    "x264opts": "-x264opts no-psy:deblock=-1,-1:keyint=24:stats=film.log",
    "x265": "-c:v libx265 -x265-params 'hdr-opt=1:repeat-headers=1:colorprim=bt2020:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):no-sao=1:log-level=error'",
    "AV1": "-c:v libsvtav1 -svtav1-params tune=0:film-grain=8 -g 240 -b:v 0",
    "NVENC": "-c:v hevc_nvenc -rc:v vbr_hq -cq:v 24 -b:v 0 -maxrate 10M -spatial-aq 1 -gpu any -b_ref_mode middle",
    "QSV": "-c:v hevc_qsv -global_quality 22 -look_ahead 1 -load_plugin hevc_hw",
    "film without sound": "-an -sn -dn -vf scale=1280:-2",
    "filters with files": "-vf subtitles=film.srt -filter:a:0 volume=2",
    "graph": "-filter_complex '[0:v]scale=1280:-2[v]' -map '[v]' -map 0:a? -map -0:s",
    "text": "-metadata title='a/b: c..d' -metadata:s:a:0 language=eng -metadata comment=http://h/ -metadata x=-y",
    "streams": "-map 0 -map_metadata 0:s:0 -map_chapters -1 -disposition:a -default -disposition:s:0 +default",
    "rates": "-r 24000/1001 -aspect 16:9 -enc_time_base 1:90000 -force_key_frames expr:gte(t,n_forced*2) -fpsmax 30",
    "tags": "-tag:v hvc1 -vtag hvc1 -movflags +faststart+use_metadata_tags -movflags -faststart -brand mp42",
    "sound": "-c:a libfdk_aac -ac 2 -ar 48k -ab 192k -cutoff 18000 -channel_layout 5.1(side) -dialnorm -31",
    "containers": "-f matroska -max_muxing_queue_size 1024 -avoid_negative_ts make_zero -max_interleave_delta 0",
    "limits": "-t 00:10:00 -to 3600 -fs 1G -shortest -frames:v 100 -strict -2 -muxdelay 0 -threads 4",
    "bitstreams": "-bsf:v h264_metadata=sample_aspect_ratio=4/3,filter_units=remove_types=6 -bsf:a aac_adtstoasc",
    "colours": "-color_primaries bt2020 -color_trc smpte2084 -pix_fmt yuv420p10le -sws_flags lanczos",
    "first pass": "-pass 1",
    "chatter": "-stats -loglevel repeat+level+info -debug ts -benchmark -xerror",
    "ratios": "-psy-rd 1.0:0.15 -deblock -1:-1 -8x8dct 1 -qmin 10 -vol 256 -copyinkf:v",
}


@pytest.mark.parametrize("options", BEFORE_INPUT.values(), ids=BEFORE_INPUT)
def test_usual_input_options_pass_unchanged(folders: Folders, options: str) -> None:
    words = without_limits(check(folders, before=options).words)

    assert words[len(GLOBALS) : -3] == shlex.split(options)


@pytest.mark.parametrize("options", AFTER_INPUT.values(), ids=AFTER_INPUT)
def test_usual_output_options_pass_unchanged(folders: Folders, options: str) -> None:
    words = without_limits(check(folders, after=options).words)

    assert words[len(GLOBALS) + 2 : -1] == shlex.split(options)


def test_attachment_is_a_file_inside(folders: Folders) -> None:
    words = check(folders, after="-attach ./cover.jpg -metadata:s:t mimetype=image/jpeg").words

    assert words[words.index("-attach") + 1] == f"file:{folders.working_dir}/cover.jpg"


def test_pass_log_is_written_inside(folders: Folders) -> None:
    words = check(folders, after="-pass 2 -passlogfile sub/log").words

    assert words[words.index("-passlogfile") + 1] == f"{folders.working_dir}/sub/log"


FILES = {
    "input": ("-i /etc/passwd out.mkv", "outside"),
    "input above": ("-i ../../../../../etc/passwd out.mkv", "outside"),
    "input behind a link": ("-i away/passwd out.mkv", "outside"),
    "input that is missing": ("-i missing.mkv out.mkv", "no file on this agent"),
    "device": ("-i /dev/sda out.mkv", "outside"),
    "input from an address": ("-i http://h/film.mkv out.mkv", "an address"),
    "inputs in one": ("-i 'concat:film.mkv|/etc/passwd' out.mkv", "an address"),
    "part of an input": ("-i subfile,,start,0,end,9,,:/etc/passwd out.mkv", "an address"),
    "input that is a number": ("-i pipe:0 out.mkv", "an address"),
    "input that is standard input": ("-i - out.mkv", "no file on this agent"),
    "output": ("-i film.mkv /root/.ssh/authorized_keys", "outside"),
    "output above": ("-i film.mkv ../out.mkv", "outside"),
    "output behind a link": ("-i film.mkv away/out.mkv", "outside"),
    "output onto a share to read": ("-i film.mkv ../share/film.mkv", "--share-rw"),
    "output onto a share through a link": ("-i film.mkv to-share", "--share-rw"),
    "output that is a folder": ("-i film.mkv sub", "exists and is no file"),
    "output to an address": ("-i film.mkv -f mpegts tcp://h:1", "an address"),
    "output to standard output": ("-i film.mkv -f matroska -", "standard output is for progress"),
    "output to a number": ("-i film.mkv -f matroska pipe:1", "an address"),
    "output without a name": ("-i film.mkv ''", "no name of a file"),
    "output in front": ("/root/x.mkv -i film.mkv out.mkv", "outside"),
    "second output": ("-i film.mkv a.mkv -map 0 /root/x.mkv", "outside"),
    "output behind a flag": ("-i film.mkv -shortest /root/x.mkv", "outside"),
    "output behind a flag with a stream": ("-i film.mkv -copyinkf:v /root/x.mkv", "outside"),
    "output behind a flag that is off": ("-i film.mkv -nocopyts /root/x.mkv", "outside"),
    "many files": ("-i film.mkv out.m3u8", "no format that an agent writes"),
    "many pictures": ("-i film.mkv out%03d.png", "no format that an agent writes"),
    "many pictures by option": ("-i film.mkv -f image2 out%03d", "add -update 1"),
    "many pictures after all": ("-i film.mkv -f image2 -update 1 -update 0 out", "add -update 1"),
    "many outputs": ("-i film.mkv -f tee 'a.mkv|[f=mpegts]tcp://h'", "not among the formats"),
    "pieces": ("-i film.mkv -f segment out.mkv", "not among the formats"),
    "playlist": ("-i film.mkv -f hls out.mkv", "not among the formats"),
    "two formats": ("-i film.mkv -f matroska -f segment out.mkv", "not among the formats"),
    "format of a stream": ("-i film.mkv -f:v segment out.mkv", "not among the formats"),
    "list of inputs": ("-f concat -safe 0 -i film.mkv out.mkv", "not among the formats"),
    "graph as an input": ("-f lavfi -i film.mkv out.mkv", "not among the formats"),
    "screen": ("-f x11grab -i film.mkv out.mkv", "not among the formats"),
    "input without a name": ("-i film.mkv out.mkv -i", "-i has no value"),
    "end of options": ("-i film.mkv -- /root/x.mkv", "no option"),
    "word that is none": ("-i film.mkv --help out.mkv", "no option"),
}
OPTIONS = {
    "attachment outside": ("-attach /etc/passwd", "outside"),
    "attachment from an address": ("-attach http://h/x", "an address"),
    "attachments written": ("-dump_attachment:t:0 /root/x", "writes a file of its own"),
    "pass log outside": ("-passlogfile /root/x", "outside"),
    "pass log behind a link": ("-passlogfile:v away/x", "outside"),
    "progress to a file": ("-progress /root/x", "not where an agent's progress goes; say pipe:1"),
    "progress to an address": ("-progress tcp://h:1", "say pipe:1"),
    "report": ("-report", "writes a file of its own"),
    "statistics": ("-vstats_file x", "writes a file of its own"),
    "more statistics": ("-stats_enc_pre:v x", "writes a file of its own"),
    "description of sessions": ("-sdp_file x", "writes a file of its own"),
    "graph in a browser": ("-sg", "writes a file of its own"),
    "filters from a file": ("-filter_script:v x", "reads options from a file; give them as words"),
    "graph from a file": ("-filter_complex_script x", "reads options from a file"),
    "value from a file": ("-/filter_complex /etc/passwd", "no option"),
    "presets from a file": ("-vpre x", "reads options from a file"),
    "output that is decoded": ("-dec 0:0 -update 1", "takes the options before it"),
    "output that is decoded, of one kind": ("-dec:v 0:0", "takes the options before it"),
    "more presets": ("-fpre x", "reads options from a file"),
    "filter outside": ("-vf movie=/etc/passwd:f=matroska[x]", "outside"),
    "filter of one stream": ("-filter:v:0 ass=/etc/passwd", "outside"),
    "filter of a graph": ("-lavfi ass=/etc/passwd", "outside"),
    "limits of the agent": ("-protocol_whitelist file,http", "is set by this agent"),
    "limits, as if for a codec": ("-vformat_whitelist hls", "is set by this agent"),
    "films that name others": ("-enable_drefs 1", "lets a film name other files"),
    "program": ("-omx_libname evil.so", "loads a program"),
    "question": ("-sources pulse", "only asks ffmpeg something"),
    "other answer": ("-n", "-y is required"),
    "standard input": ("-stdin", "-nostdin is required"),
    "opposite of -y": ("-noy", "no option"),
    "opposite of nothing": ("-nonostdin", "no option"),
    "arity that is not sure": ("-autorotate 0", "-noautorotate"),
    "library's file outside": ("-x265-params csv=/root/x", "may name a file"),
    "library's file above": ("-x265-params pass=1:stats=../x", "may name a file"),
    "library's file in quotes": ("-x264-params \"stats='/root/'x\"", "may name a file"),
    "library's file with backslashes": (r"-x264opts 'stats=\/root\/x'", "may name a file"),
    "library's file that only its library reads so": (r"-x264opts 'pass=1:stats=\Users\x'", "may name a file"),
    "library's file whose name has quotes": ("-x264opts \"stats='x'\"", "may name a file"),
    "library's file on a drive": (r"-x265-params 'csv=c\:temp'", "may name a file"),
    "library's file behind a link": ("-x265-params csv=to-share", "--share-rw"),
    "library's file that follows a zone": ("-x265-params zones=0,1,csv=/root/x", "may name a file"),
    "library's file behind a colon": (r"-x264opts 'keyint=1\:stats=/root/x'", "may name a file"),
    "codec's file outside": ("-astats /root/x", "may name a file"),
    "any value with a path": ("-unheard_of /root/x", "may name a file"),
    "any value with an address": ("-unheard_of tcp:x", "may name a file"),
    "number that is a path": ("-unheard_of 1/../../x", "may name a file"),
    "option as a value": ("-unheard_of -report", "looks like an option"),
    "preset by path": ("-preset ../x", "may name a file"),
    "device that is none": ("-vaapi_device /etc/passwd", "no device to encode on"),
    "display": ("-vaapi_device host:0", "no device to encode on"),
    "device above": ("-hwaccel_device /dev/dri/../sda", "no device to encode on"),
    "device among options": ("-init_hw_device qsv=q,child_device=/dev/sda", "no device to encode on"),
    "driver by path": ("-init_hw_device vaapi=v:,driver=../../tmp/evil", "no device to encode on"),
    "device in no form": ("-init_hw_device vaapi=v:a:b:/c", "no device to encode on"),
}


@pytest.mark.parametrize(("words", "reason"), FILES.values(), ids=FILES)
def test_file_that_is_not_for_this_agent_is_refused(folders: Folders, words: str, reason: str) -> None:
    with pytest.raises(ForbiddenError, match=re.escape(reason)):
        check_words([*GLOBALS, *shlex.split(words)], folders)


@pytest.mark.parametrize(("options", "reason"), OPTIONS.values(), ids=OPTIONS)
def test_option_that_leads_away_is_refused(folders: Folders, options: str, reason: str) -> None:
    name = shlex.split(options)[0]

    with pytest.raises(ForbiddenError, match=f"^{re.escape(name)}.*{re.escape(reason)}"):
        check(folders, after=options)
    with pytest.raises(ForbiddenError, match=re.escape(reason)):
        check(folders, before=options)


@pytest.mark.parametrize("missing", ["-nostdin", "-y"])
def test_ffmpeg_must_not_ask_questions(folders: Folders, missing: str) -> None:
    words = [word for word in ("-nostdin", "-y", "-i", "film.mkv", "out.mkv") if word != missing]

    with pytest.raises(ForbiddenError, match=f"{missing} is missing"):
        check_words(words, folders)


def test_options_behind_the_last_file_are_refused(folders: Folders) -> None:
    with pytest.raises(ForbiddenError, match="-f is for no file; put it in front of one"):
        check_words([*GLOBALS, "-i", "film.mkv", "out.mkv", "-f", "/etc/passwd"], folders)


@pytest.mark.parametrize("word", ["a\0b", "\ud800"], ids=["NUL", "lone surrogate"])
def test_word_that_no_command_can_have_is_refused(folders: Folders, word: str) -> None:
    with pytest.raises(ForbiddenError, match="cannot be a word of a command"):
        check_words([*GLOBALS, "-i", "film.mkv", "-metadata", word, "out.mkv"], folders)


OUTSIDE = ("/etc/passwd", "../x", "away/passwd", "file:/etc/passwd", "http://h/x", "concat:a|b", "to-share", "-", "")
NASTY = (
    *OUTSIDE,
    *("-i", "-y", "-nostdin", "film.mkv", "out.mkv", "./out", "-f", "matroska", "tee", "image2", "-update", "1"),
    *("-vn", "-novn", "-vf", "scale=1:1", "ass=/etc/passwd", "-c:v", "copy", "-map", "0", "--", "-report", "-attach"),
    *(
        "-unheard_of",
        "-noy",
        "-autorotate",
        "-passlogfile",
        "-x265-params",
        "csv=/x",
        "-progress",
        "pipe:1",
        "-t",
        "-1",
    ),
)


@given(words=st.lists(st.sampled_from(NASTY), max_size=9))
@example(words=["-i", "film.mkv", "-map", "/etc/passwd", "out.mkv"])
@example(words=["-f", "/etc/passwd"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
def test_no_command_leads_out_of_the_folders(folders: Folders, words: list[str]) -> None:
    try:
        checked = check_words(["-nostdin", "-y", "-i", "film.mkv", *words], folders)
    except ForbiddenError:
        return

    assert all(output.is_relative_to(folders.working_dir) for output in checked.outputs)
    for before, word in zip(checked.words, checked.words[1:], strict=False):
        assert word not in OUTSIDE or before == "-map"
        if word.startswith("file:"):
            assert Path(word.removeprefix("file:")).resolve().is_relative_to(folders.working_dir)
