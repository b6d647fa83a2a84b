"""What the containers that ffmpeg writes can hold, as one table. Decides nothing: `containers` does.
Tried out with ffmpeg 5.1 and 9.0, each codec copied and read back; it has what both of them can do.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Muxer:
    """What one container can hold. `name` is for sentences.

    `audio` None means every codec but `audio_refused`. `experimental` needs ``-strict experimental`` in older versions.
    `audio_encoder` and `text_encoder` make what the container usually has; no text encoder, no text.
    `covers_as_files`: cover art must come from a file, a picture stream would become a film of one frame.
    """

    name: str
    subtitles: frozenset[str]
    audio: frozenset[str] | None
    audio_encoder: str
    surround_encoder: str
    text_encoder: str | None = None
    audio_refused: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    covers: frozenset[str] = frozenset()
    covers_as_files: bool = False
    attachments: bool = False

    def holds_audio(self, codec: str) -> bool:
        """Whether audio of this codec can be copied into the container, and be read again."""
        return codec not in self.audio_refused if self.audio is None else codec in self.audio


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# ffmpeg has decoders for these that make text, so any text encoder can follow.
TEXT_SUBTITLES = _names(
    "subrip srt text ass ssa mov_text webvtt eia_608 microdvd subviewer subviewer1 sami realtext stl jacosub mpl2 pjs"
    " vplayer"
)
PICTURE_SUBTITLES = _names("hdmv_pgs_subtitle dvd_subtitle dvb_subtitle xsub")

# The options' names for encoders of each sort: text cannot be made from pictures nor the other way round.
TEXT_ENCODERS = _names("srt subrip text ass ssa mov_text webvtt ttml")
PICTURE_ENCODERS = _names("dvdsub dvd_subtitle dvbsub dvb_subtitle xsub")

COVER_TYPES = {"png": "image/png", "mjpeg": "image/jpeg"}

_MP4_AUDIO = _names("aac ac3 alac dts eac3 mp2 mp3 opus vorbis")
_MP4_EXPERIMENTAL = frozenset({"flac", "truehd"})
_PCM = _names("pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_alaw pcm_mulaw")
_PCM_BIG_ENDIAN = _names("pcm_s16be pcm_s24be pcm_s32be")

MUXERS: Mapping[str, Muxer] = {
    "matroska": Muxer(
        name="mkv",
        subtitles=_names(
            "subrip srt text ass ssa webvtt hdmv_pgs_subtitle dvd_subtitle dvb_subtitle hdmv_text_subtitle"
        ),
        text_encoder="srt",
        audio=None,
        audio_refused=frozenset({"pcm_bluray", "pcm_dvd"}),
        audio_encoder="flac",
        surround_encoder="flac",
        covers=frozenset(COVER_TYPES),
        covers_as_files=True,
        attachments=True,
    ),
    "mp4": Muxer(
        name="mp4",
        subtitles=frozenset({"mov_text", "dvd_subtitle"}),
        text_encoder="mov_text",
        audio=_MP4_AUDIO | _MP4_EXPERIMENTAL,
        experimental=_MP4_EXPERIMENTAL,
        audio_encoder="aac",
        surround_encoder="aac",
        covers=frozenset({"png", "mjpeg", "bmp"}),
    ),
    "mov": Muxer(
        name="mov",
        subtitles=frozenset({"mov_text", "eia_608"}),
        text_encoder="mov_text",
        audio=_PCM | _PCM_BIG_ENDIAN | _names("aac ac3 alac dts eac3 mp2 mp3 vorbis"),
        audio_encoder="aac",
        surround_encoder="aac",
    ),
    "webm": Muxer(
        name="webm",
        subtitles=frozenset({"webvtt"}),
        text_encoder="webvtt",
        audio=frozenset({"opus", "vorbis"}),
        audio_encoder="libopus",
        # libopus refuses 5.1(side), the layout of nearly every AC-3 and DTS track.
        surround_encoder="libvorbis",
    ),
    "avi": Muxer(
        name="avi",
        subtitles=frozenset({"xsub"}),
        audio=_PCM | _names("aac ac3 dts eac3 flac mp2 mp3 vorbis wmav1 wmav2 adpcm_ms adpcm_ima_wav"),
        audio_encoder="ac3",
        surround_encoder="ac3",
    ),
    # Other codecs are written without an error as private data that nothing can read again.
    "mpegts": Muxer(
        name="ts",
        subtitles=frozenset({"dvb_subtitle", "dvb_teletext"}),
        audio=_names("aac ac3 dts eac3 mp2 mp3 opus truehd"),
        audio_encoder="ac3",
        surround_encoder="ac3",
    ),
}

MUXER_OF_EXTENSION: Mapping[str, str] = {
    ".mkv": "matroska",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
    ".m2ts": "mpegts",
    ".mts": "mpegts",
}

# ffmpeg itself would choose `ipod` for these, which takes neither HEVC nor AV1 nor E-AC-3.
NEEDS_FORMAT = frozenset({".m4v"})
