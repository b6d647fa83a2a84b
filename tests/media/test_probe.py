import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytranscoder.errors import UnreadableMediaError
from pytranscoder.media.model import Identity, Stream, StreamKind
from pytranscoder.media.probe import probe
from tests.clips import Clips, make_clip, png, run_ffmpeg

AWKWARD_NAMES = [
    pytest.param(b"concat:a.mkv", id="protocol"),
    pytest.param(b"a:b.mkv", id="colon"),
    pytest.param(b"file:a.mkv", id="file protocol"),
    pytest.param(b"-i.mkv", id="dash"),
    pytest.param(b"100%d%03d.mkv", id="percent"),
    pytest.param(b"a?b*c[d]|e.mkv", id="wildcards"),
    pytest.param(b"caf\xe9 \xff.mkv", id="not UTF-8"),
    pytest.param(b"new\nline.mkv", id="newline"),
    pytest.param("日本 $(x) 'y' \"z\".mkv".encode(), id="quotes"),
    pytest.param(b"no extension", id="no extension"),
]


def copy_of(source: Path, target: Path) -> Path:
    shutil.copyfile(source, target)
    return target


def test_all_of_a_rich_matroska_file_is_known(clips: Clips) -> None:
    media = probe(clips.rich())

    assert media.container == "matroska,webm"
    assert media.duration_s == pytest.approx(2.0, abs=0.1)
    assert media.chapters == 2
    video = Stream(0, StreamKind.VIDEO, "h264", width=160, height=120, fps=25.0, pix_fmt="yuv420p", bit_depth=8)
    assert media.video is not None
    assert replace(media.video, default=False) == video
    assert media.streams[1:] == (
        Stream(1, StreamKind.AUDIO, "aac", "eng", title="Commentary", default=True, channels=1),
        Stream(2, StreamKind.AUDIO, "aac", None, channels=1),
        Stream(3, StreamKind.SUBTITLE, "subrip", "ger", forced=True),
        Stream(4, StreamKind.SUBTITLE, "ass", "eng"),
        Stream(5, StreamKind.ATTACHMENT, "ttf", filename="hello.ttf", mimetype="application/x-truetype-font"),
        Stream(
            6,
            StreamKind.VIDEO,
            "png",
            attached_picture=True,
            filename="cover.png",
            mimetype="image/png",
            width=16,
            height=16,
            fps=media.streams[6].fps,
            pix_fmt="rgb24",
            bit_depth=8,
        ),
    )


def test_timecode_track_is_data_with_its_tag(clips: Clips) -> None:
    _, _, subtitle, timecode = probe(clips.timecode()).streams

    assert (subtitle.kind, subtitle.codec) == (StreamKind.SUBTITLE, "mov_text")
    assert (timecode.kind, timecode.codec, timecode.codec_tag) == (StreamKind.DATA, "", "tmcd")


def test_codecs_have_the_names_of_ffmpeg_and_not_of_decoders(clips: Clips) -> None:
    subtitles = probe(clips.picture_subtitles()).of_kind(StreamKind.SUBTITLE)
    assert [stream.codec for stream in subtitles] == ["hdmv_pgs_subtitle", "dvd_subtitle", "subrip"]


def test_duration_is_that_of_the_film_when_a_subtitle_has_no_end(clips: Clips) -> None:
    assert probe(clips.picture_subtitles()).duration_s == pytest.approx(2.0, abs=0.1)


def test_hdr_is_seen(clips: Clips) -> None:
    video = probe(clips.hdr()).video

    assert video is not None
    assert (video.bit_depth, video.pix_fmt, video.color_transfer) == (10, "yuv420p10le", "smpte2084")
    assert not video.dolby_vision


def test_dolby_vision_is_seen(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", vcodec="libx265", audio=(), output=["-x265-params", "log-level=none"])
    # The box of the bit rate becomes a record of profile 8.1; both have 12 bytes or more.
    content = path.read_bytes()
    record = bytes([1, 0, 8 << 1, 0x0D, 0x10]) + bytes(7)
    at = content.index(b"btrt")
    path.write_bytes(content[:at] + b"dvvC" + record + content[at + 16 :])

    video = probe(path).video

    assert video is not None
    assert video.dolby_vision


def test_number_in_place_of_a_tag_is_no_tag(clips: Clips) -> None:
    assert {stream.codec_tag for stream in probe(clips.transport_stream()).streams} == {""}


def test_duration_guessed_from_the_bit_rate_is_unknown(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "bare.aac"
    run_ffmpeg("-i", str(clips.plain()), "-map", "0:a:0", "-c", "copy", str(path))

    assert probe(path).duration_s is None


def test_identity_is_that_of_the_file(clips: Clips) -> None:
    path = clips.plain()
    status = path.stat()
    expected = Identity(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
    assert probe(path).identity == expected


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_any_name_can_be_opened(clips: Clips, tmp_path: Path, name: bytes) -> None:
    path = copy_of(clips.plain(), tmp_path / os.fsdecode(name))

    media = probe(path)

    assert media.path == path
    assert media.video is not None


def test_symbolic_link_is_followed(clips: Clips, tmp_path: Path) -> None:
    link = tmp_path / "link.mkv"
    link.symlink_to(clips.plain())
    assert probe(link).size_bytes == clips.plain().stat().st_size


def test_parent_of_a_linked_folder_is_that_of_its_target(clips: Clips, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "folder")
    copy_of(clips.plain(), tmp_path / "elsewhere" / "a.mkv")

    assert probe(tmp_path / "link" / ".." / "a.mkv").video is not None


def nothing(path: Path) -> None:
    assert not path.exists()


def bind_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(path.parent):
        server.bind(path.name)  # the names of sockets are limited to some 100 bytes


def write(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


def draw(codec: str) -> Callable[[Path], object]:
    """Make a picture with ffmpeg."""
    muxer = ("-f", "gif") if codec == "gif" else ("-f", "image2", "-update", "1")
    source = ("-f", "lavfi", "-i", "testsrc=size=64x48", "-frames:v", "1")
    return lambda path: run_ffmpeg(*source, "-c:v", codec, *muxer, str(path))


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        pytest.param("a.mkv", nothing, "cannot be read: no such file or directory", id="missing"),
        pytest.param("a\0b.mkv", lambda _: None, "cannot be read: embedded null byte", id="impossible name"),
        pytest.param("a.mkv", Path.mkdir, "is a directory, not a file", id="directory"),
        pytest.param("a.mkv", os.mkfifo, "is a named pipe, not a file", id="pipe"),
        pytest.param("a.mkv", bind_socket, "is a socket, not a file", id="socket"),
        pytest.param("a.mkv", lambda path: path.symlink_to("/dev/zero"), "is a device, not a file", id="device"),
        pytest.param("a.mkv", Path.touch, "the file is empty", id="empty"),
        pytest.param("a.mkv", write("no film"), "cannot be opened as media: invalid data", id="no media"),
        pytest.param("a.nfo", write("text art"), "is no media file", id="text that ffmpeg draws"),
        pytest.param("poster.jpg", draw("mjpeg"), "is no media file", id="picture"),
        pytest.param("poster", draw("png"), "is no media file", id="picture of any name"),
        pytest.param("a.gif", draw("gif"), "is no media file", id="moving picture of the web"),
        pytest.param(
            "a.mkv", write("ffconcat version 1.0\nfile b.mkv"), "cannot be opened as media", id="list of files"
        ),
        pytest.param("a.srt", write("1\n00:00:01,0 --> 00:00:02,0\nHi\n"), "has neither", id="subtitles alone"),
    ],
)
def test_what_is_no_media_is_refused_with_a_reason(
    tmp_path: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / name)

    with pytest.raises(UnreadableMediaError) as caught:
        probe(tmp_path / name)

    assert caught.value.reason.startswith(reason)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Give up being root, who may read everything, for a moment."""
    before = os.geteuid()
    os.seteuid(65534 if before == 0 else before)
    try:
        yield
    finally:
        os.seteuid(before)


def test_file_without_permission_is_refused(clips: Clips, tmp_path: Path) -> None:
    path = copy_of(clips.plain(), tmp_path / "a.mkv")
    path.chmod(0)

    with as_nobody(), pytest.raises(UnreadableMediaError, match="permission denied"):
        probe(path)


def test_cover_art_alone_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "cover.png").write_bytes(png())
    path = make_clip(tmp_path / "song.mkv", vcodec=None, attachments=["cover.png"])

    media = probe(path)

    assert media.video is None
    assert [stream.attached_picture for stream in media.of_kind(StreamKind.VIDEO)] == [True]
