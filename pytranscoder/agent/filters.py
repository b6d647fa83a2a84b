"""Graphs of filters as an agent allows them: filters that open no file, and those that may name one inside its folders.

Understands ffmpeg's quoting (https://ffmpeg.org/ffmpeg-filters.html#Notes-on-filtergraph-escaping). Runs nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytranscoder.agent.folders import Folders, input_file, output_file
from pytranscoder.agent.gate_formats import DEMUXERS
from pytranscoder.errors import ForbiddenError, printable

_SPACE = " \n\t\r"
_PREFIX = "sws_flags="
# ffmpeg 7 and later read the value of `/opt=file` from that file.
_KEY = re.compile(r"[ \n\t\r]*([A-Za-z0-9_/.\-]+)[ \n\t\r]*=")

# Everything that ffmpeg 5.1 and 9.0 list, and what other builds have for their hardware, but filters that run programs
# or models, load plugins, talk to a network, command other filters or read and write files.
_PLAIN_FILTERS = (
    "a3dscope aap abench abitscope acompressor acontrast acopy acrossfade acrossover acrusher acue addroi adeclick"
    " adeclip adecorrelate adelay adenorm aderivative adrawgraph adrc adynamicequalizer adynamicsmooth aecho aemphasis"
    " aeval aevalsrc aexciter afade afdelaysrc afftdn afftfilt afifo afir afireqsrc afirsrc aformat afreqshift afwtdn"
    " agate agraphmonitor ahistogram aiir aintegral ainterleave alatency alimiter allpass allrgb allyuv aloop"
    " alphaextract alphamerge alphamerge_cuda amerge amix amplify amultiply anequalizer anlmdn anlmf anlms anoisesrc"
    " anull anullsink anullsrc apad aperms aphasemeter aphaser aphaseshift apsnr apsyclip apulsator arealtime"
    " aresample areverse arls asdr asegment aselect asetnsamples asetpts asetrate asettb ashowinfo asidedata asisdr"
    " asoftclip aspectralstats asplit astats astreamselect asubboost asubcut asupercut asuperpass asuperstop"
    " atadenoise atempo atilt atrim avectorscope avgblur avgblur_opencl avgblur_vulkan avsynctest axcorrelate"
    " backgroundkey bandpass bandreject bass bbox bench bilateral bilateral_cuda biquad bitplanenoise blackdetect"
    " blackdetect_vulkan blackframe blend blend_vulkan blockdetect blurdetect bm3d boxblur boxblur_opencl bs2b bwdif"
    " bwdif_cuda bwdif_vulkan cas ccrepack channelmap channelsplit chorus chromaber_vulkan chromahold chromakey"
    " chromakey_cuda chromanr chromashift ciescope codecview color color_vulkan colorbalance colorchannelmixer"
    " colorchart colorcontrast colorcorrect colordetect colorhold colorize colorkey colorkey_opencl colorlevels"
    " colormap colormatrix colorspace colorspace_cuda colorspectrum colortemperature compand compensationdelay concat"
    " convolution convolution_opencl convolve copy corr crop cropdetect crossfeed crystalizer cue datascope dblur"
    " dcshift dctdnoiz deband deblock decimate deconvolve dedot deesser deflate deflicker deinterlace_d3d11"
    " deinterlace_d3d12 deinterlace_qsv deinterlace_vaapi dejudder delogo denoise_vaapi deshake_opencl despill"
    " detelecine dialoguenhance dilation dilation_opencl displace doubleweave drawbox drawbox_vaapi drawgraph drawgrid"
    " drmeter dynaudnorm earwax ebur128 edgedetect elbg entropy epx eq equalizer erosion erosion_opencl estdif"
    " exposure extractplanes extrastereo fade feedback fftdnoiz fftfilt field fieldmatch fieldorder fifo fillborders"
    " flanger flip_vulkan floodfill format fps framepack framerate framestep freezedetect freezeframes fspp gblur"
    " gblur_vulkan geq gradfun gradients graphmonitor grayworld greyedge guided haas haldclut haldclutsrc hdcd"
    " headphone hflip hflip_vulkan highpass highshelf hilbert histeq histogram hqdn3d hqx hstack hstack_qsv"
    " hstack_vaapi hsvhold hsvkey hue huesaturation hwdownload hwmap hwupload hwupload_cuda hysteresis iccdetect"
    " iccgen identity idet il inflate interlace interlace_vulkan interleave join kerndeint kirsch lagfun latency lcevc"
    " lenscorrection limitdiff limiter loop lowpass lowshelf lumakey lut lut2 lutrgb lutyuv mandelbrot maskedclamp"
    " maskedmax maskedmerge maskedmin maskedthreshold maskfun mcdeint mcompand median mergeplanes mestimate"
    " mestimate_d3d12 midequalizer minterpolate mix monochrome morpho mpdecimate mptestsrc msad multiply negate"
    " nlmeans nlmeans_opencl nlmeans_vulkan noformat noise normalize null nullsink nullsrc oscilloscope overlay"
    " overlay_cuda overlay_opencl overlay_qsv overlay_rkrga overlay_vaapi overlay_videotoolbox overlay_vulkan"
    " owdenoise pad pad_cuda pad_opencl pad_vaapi pad_vulkan pal100bars pal75bars palettegen pan perlin perms"
    " perspective phase photosensitivity pixdesctest pixelize pixscope pp pp7 premultiply premultiply_dynamic prewitt"
    " prewitt_opencl procamp_vaapi pseudocolor pullup qp random readeia608 readvitc realtime remap remap_opencl"
    " removegrain repeatfields replaygain reverse rgbashift rgbtestsrc roberts roberts_opencl rotate rubberband sab"
    " scale scale2ref scale2ref_npp scale_cuda scale_d3d11 scale_d3d12 scale_mt scale_npp scale_qsv scale_rkrga"
    " scale_vaapi scale_vt scale_vulkan scdet scdet_vulkan scharr scroll segment select separatefields setdar setfield"
    " setparams setpts setrange setsar settb sharpen_npp sharpness_vaapi shear showcwt showfreqs showinfo showpalette"
    " showspatial showspectrum showspectrumpic showvolume showwaves showwavespic shuffleframes shufflepixels"
    " shuffleplanes sidechaincompress sidechaingate sidedata sierpinski signalstats silencedetect silenceremove sinc"
    " sine siti smartblur smptebars smptehdbars sobel sobel_opencl spectrumsynth speechnorm split spp sr_amf stereo3d"
    " stereotools stereowiden streamselect super2xsai superequalizer surround swaprect swapuv tblend telecine testsrc"
    " testsrc2 thistogram threshold thumbnail thumbnail_cuda tile tiltandshift tiltshelf tinterlace tlut2 tmedian"
    " tmidequalizer tmix tonemap tonemap_cuda tonemap_opencl tonemap_vaapi tonemap_videotoolbox tonemapx tpad"
    " transpose transpose_cuda transpose_npp transpose_opencl transpose_vaapi transpose_vt transpose_vulkan treble"
    " tremolo trim unpremultiply unsharp unsharp_opencl untile uspp v360 v360_vulkan vaguedenoiser varblur vectorscope"
    " vflip vflip_vulkan vfrdet vibrance vibrato vif vignette virtualbass volume volumedetect vpp_amf vpp_qsv"
    " vpp_rkrga vstack vstack_qsv vstack_vaapi w3fdif waveform weave xbr xcorrelate xfade xfade_vulkan xmedian xstack"
    " xstack_qsv xstack_vaapi yadif yadif_cuda yadif_videotoolbox yadif_vulkan yaepblur yuvtestsrc zoneplate zoompan"
    " zscale"
)
PLAIN_FILTERS = frozenset(_PLAIN_FILTERS.split())

Check = Callable[[str, Folders], object]


def check_graph(graph: str, folders: Folders) -> None:
    """Raises ForbiddenError unless all filters of a graph are allowed and the files they name lie in the folders."""
    for name, arguments in _read_filters(graph):
        try:
            _check_filter(name, arguments, folders)
        except ForbiddenError as exc:
            raise ForbiddenError(f"filter {printable(name)}: {exc}") from exc


def take_token(text: str, start: int, ends: str) -> tuple[str, int]:
    """Reads up to one of the characters `ends` that is not quoted: the text without its quoting, and where it ends.

    Backslashes, quotes and outer space are ffmpeg's (`av_get_token`); it reads most text twice or three times so.
    """
    at = start
    while at < len(text) and text[at] in _SPACE:
        at += 1
    taken, solid = "", 0
    while at < len(text) and text[at] not in ends:
        char = text[at]
        if char == "'":
            end = text.find("'", at + 1)
            taken += text[at + 1 :] if end < 0 else text[at + 1 : end]
            solid, at = len(taken), len(text) if end < 0 else end + 1
        elif char == "\\" and at + 1 < len(text):
            taken += text[at + 1]
            solid, at = len(taken), at + 2
        else:
            taken += char
            at += 1
    return taken[:solid] + taken[solid:].rstrip(_SPACE), at


def read_pairs(text: str) -> Iterator[tuple[str | None, str]]:
    """The key=value pairs of a text with colons between them; the key is None where there is only a value."""
    at = 0
    while at < len(text):
        found = _KEY.match(text, at)
        value, at = take_token(text, found.end() if found else at, ":")
        yield found and found[1], value
        at += 1


def _read_filters(graph: str) -> Iterator[tuple[str, str]]:
    """The filters of a graph with their arguments, still quoted for `read_pairs`."""
    at = _after_space(graph, 0)
    if graph.startswith(_PREFIX, at):
        at = graph.find(";", at) + 1 or len(graph)
    while (at := _after_labels(graph, at)) < len(graph):
        name, at = take_token(graph, at, "=,;[")
        arguments = ""
        if graph.startswith("=", at):
            arguments, at = take_token(graph, at + 1, "[],;")
        yield name.partition("@")[0], arguments
        at = _after_labels(graph, at)
        if at < len(graph) and graph[at] not in ",;":
            raise ForbiddenError(f"no graph of filters at {printable(graph[at:])!r}; check its quotes and brackets")
        at += 1


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _after_labels(graph: str, start: int) -> int:
    at = _after_space(graph, start)
    while graph.startswith("[", at):
        _, at = take_token(graph, at + 1, "]")
        at = _after_space(graph, at + 1)
    return min(at, len(graph))


def _check_filter(name: str, arguments: str, folders: Folders) -> None:
    known = FILE_FILTERS.get(name)
    if known is None and name not in PLAIN_FILTERS:
        raise ForbiddenError("not among the filters that an agent runs; encode with it on another host")
    named = set()
    for nth, (key, value) in enumerate(read_pairs(arguments)):
        if key and "/" in key:
            raise ForbiddenError(f"{key} reads a value from a file; give the value itself")
        if known:
            option = key or known.option_at(nth)
            named.add(option)
            if option in known.checks:
                known.checks[option](value, folders)
    if known and known.needed and not named & known.needed:
        raise ForbiddenError(
            f"it may not find out what the file is, which may lead to others; add {min(known.needed)}="
        )


@dataclass(frozen=True, slots=True)
class FileFilter:
    """A filter that can open files: the options that come without their names, in order, and how some are checked.

    One of the options in `needed` must be there, if there are any.
    """

    positional: Sequence[str]
    checks: Mapping[str, Check]
    needed: frozenset[str] = frozenset()

    def option_at(self, nth: int) -> str:
        """Returns the option that a value without a name is for. Raises ForbiddenError if that is not known."""
        if nth >= len(self.positional):
            raise ForbiddenError(f"it is not clear what value {nth + 1} is for; give it as name=value")
        return self.positional[nth]


def _reads(value: str, folders: Folders) -> None:
    input_file(folders, value)


def _writes(value: str, folders: Folders) -> None:
    output_file(folders, value)


def _reads_folder(value: str, folders: Folders) -> None:
    folders.readable(value)


# `subtitles` lets ffmpeg find out what the file is, and takes no list of allowed formats. These are in the first MiB of
# what leads it to other files. It looks for them at the beginning and up to the first NUL, but skips an ID3 tag first,
# which may have NULs, and a multi-part film (MLVI) is read with its parts: no subtitles begin with either. Whoever can
# put another file in place between this look and ffmpeg's own is kept to the folders by the confinement alone.
_SUBTITLES = (".srt", ".ass", ".ssa", ".vtt", ".mkv", ".mks", ".webm", ".mp4", ".m4v", ".mov", ".ts", ".m2ts", ".sup")
_LISTS = re.compile(
    rb"\A(?:ID3|MLVI)|\A[^\0]*<MPD|<MPD[\s/>]|#EXTM3U|ffconcat|<CompositionPlaylist|c=IN IP|# VobSub", re.IGNORECASE
)
_PROBED_BYTES = 1 << 20


def _reads_subtitles(value: str, folders: Folders) -> None:
    path = input_file(folders, value)
    if path.suffix.lower() not in _SUBTITLES:
        raise ForbiddenError(f"{printable(value)}: not the name of subtitles; they end in {', '.join(_SUBTITLES)}")
    with path.open("rb") as file:
        start = file.read(_PROBED_BYTES)
    if _LISTS.search(start):
        raise ForbiddenError(f"{printable(value)}: a list of other files, no subtitles; name the subtitles themselves")


def _names_demuxer(value: str, folders: Folders) -> None:
    del folders
    if value not in DEMUXERS:
        raise ForbiddenError(f"{printable(value)}: not among the formats that an agent reads; give the file's own")


def _names_no_file(value: str, folders: Folders) -> None:
    del folders
    if re.search(r"[/\\]|path|file", value):
        raise ForbiddenError(f"{printable(value)}: may not name a file here; give a name that is built in")


def _refuse(value: str, folders: Folders) -> None:
    del folders
    raise ForbiddenError(f"{printable(value)}: this option is not allowed on an agent; leave it out")


_STATS = FileFilter(("stats_file", "stats_version"), {"stats_file": _writes, "f": _writes})
_METADATA = FileFilter(("mode", "key", "value", "function", "expr", "file"), {"file": _writes})
_DRAWS_FILE = FileFilter(("filename",), {"filename": _reads, "f": _reads})
_VMAF = FileFilter((), {"log_path": _writes, "model_path": _reads, "model": _names_no_file, "feature": _names_no_file})
_MOVIE = FileFilter(
    ("filename", "format_name"),
    {"filename": _reads, "format_name": _names_demuxer, "f": _names_demuxer, "format_opts": _refuse},
    needed=frozenset({"f", "format_name"}),
)
_COLORS = ("reds", "yellows", "greens", "cyans", "blues", "magentas", "whites", "neutrals", "blacks")

FILE_FILTERS: Mapping[str, FileFilter] = {
    "ass": FileFilter(("filename", "original_size"), {"filename": _reads, "f": _reads, "fontsdir": _reads_folder}),
    "subtitles": FileFilter(
        ("filename", "original_size"), {"filename": _reads_subtitles, "f": _reads_subtitles, "fontsdir": _reads_folder}
    ),
    "movie": _MOVIE,
    "amovie": _MOVIE,
    "drawtext": FileFilter(
        ("fontfile", "text", "textfile"), {"fontfile": _reads, "textfile": _reads, "font": _names_no_file}
    ),
    "lut3d": FileFilter(("file", "clut", "interp"), {"file": _reads}),
    "lut1d": FileFilter(("file", "interp"), {"file": _reads}),
    "curves": FileFilter(
        ("preset", "master", "red", "green", "blue", "all", "psfile", "plot"), {"psfile": _reads, "plot": _writes}
    ),
    "selectivecolor": FileFilter(("correction_method", *_COLORS, "psfile"), {"psfile": _reads}),
    "metadata": _METADATA,
    "ametadata": _METADATA,
    "psnr": _STATS,
    "ssim": _STATS,
    "xpsnr": _STATS,
    "ssim360": _STATS,
    "vmafmotion": _STATS,
    "libvmaf": _VMAF,
    "libvmaf_cuda": _VMAF,
    "vidstabdetect": FileFilter(("result", "shakiness", "accuracy"), {"result": _writes}),
    "vidstabtransform": FileFilter(("input", "smoothing"), {"input": _reads}),
    "deshake": FileFilter(
        ("x", "y", "w", "h", "rx", "ry", "edge", "blocksize", "contrast", "search", "filename"), {"filename": _writes}
    ),
    "firequalizer": FileFilter(("gain", "gain_entry", "delay", "accuracy"), {"dumpfile": _writes}),
    "loudnorm": FileFilter(
        ("I", "LRA", "TP", "measured_I", "measured_LRA", "measured_TP", "measured_thresh", "offset"),
        {"stats_file": _writes},
    ),
    "paletteuse": FileFilter(("dither", "bayer_scale", "diff_mode"), {"debug_kdtree": _writes}),
    "showcqt": FileFilter(("size", "fps"), {"axisfile": _reads, "fontfile": _reads, "font": _names_no_file}),
    "arnndn": FileFilter(("model", "mix"), {"model": _reads, "m": _reads}),
    "nnedi": FileFilter(("weights", "deint", "field"), {"weights": _reads}),
    "sofalizer": FileFilter(("sofa", "gain"), {"sofa": _reads}),
    "libplacebo": FileFilter((), {"custom_shader_path": _reads, "lut": _reads, "shader_cache": _refuse}),
    "xfade_opencl": FileFilter(("transition",), {"source": _refuse}),
    "removelogo": _DRAWS_FILE,
    "cellauto": _DRAWS_FILE,
    "life": _DRAWS_FILE,
    "fieldhint": FileFilter(("hint", "mode"), {"hint": _reads}),
    "fsync": FileFilter(("file",), {"file": _reads, "f": _reads}),
}
