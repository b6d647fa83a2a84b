"""The options of the ffmpeg program itself (5.1 to 9.0) and how an agent checks the value of each. Only tables.

What is not here is an option of a codec or container (an AVOption), which always takes a value: ffmpeg refuses
the whole command before it opens a file when it knows an option by no name (`split_commandline` in fftools/cmdutils.c).
"""

from enum import Enum, auto


class Kind(Enum):
    """What an option takes."""

    FLAG = auto()  # nothing
    PLAIN = auto()  # a number, a word, flags
    TEXT = auto()  # text that ffmpeg takes for the name of no file, whatever it is
    PARAMETERS = auto()  # key=value pairs for an encoder's library
    RAW_PARAMETERS = auto()  # the same, without a way to quote
    GRAPH = auto()  # a graph of filters
    FORMAT = auto()  # a muxer or demuxer
    DEVICE = auto()  # a device to encode on, by number, name or path
    DEVICES = auto()  # the same with its type and its options
    ATTACHMENT = auto()  # a file to read
    PASS_LOG = auto()  # the beginning of the name of files to write
    PROGRESS = auto()  # where progress is told


# -y and -nostdin are required: their opposites are not here. autorotate and autoscale have a value in 5.1 and none in
# 9.0; with `no` in front they never have one.
_FLAGS = (
    "y an vn sn dn hide_banner stats shortest re copyts copyinkf start_at_zero accurate_seek bitexact"
    " find_stream_info ignore_unknown copy_unknown recast_media benchmark benchmark_all dump hex xerror debug_ts psnr"
    " qphist force_fps fix_sub_duration fix_sub_duration_heartbeat display_hflip display_vflip auto_conversion_filters"
    " print_graphs nostdin noautorotate noautoscale"
)
FLAGS = frozenset(_FLAGS.split())

_PLAIN = (
    "v loglevel max_alloc cpuflags cpucount filter_threads filter_complex_threads filter_buffered_frames stats_period"
    " max_error_rate timelimit vsync fps_mode frame_drop_threshold async adrift_threshold copytb dts_delta_threshold"
    " dts_error_threshold abort_on vstats_version print_graphs_format filter_hw_device vol c codec vcodec acodec"
    " scodec dcodec t to ss sseof fs seek_timestamp timestamp target apad frames vframes aframes dframes reinit_filter"
    " drop_changed discard map_channel map_chapters isync itsoffset itsscale readrate readrate_initial_burst"
    " readrate_catchup copypriorss q qscale aq profile stream_loop thread_queue_size bits_per_raw_sample muxdelay"
    " muxpreload max_muxing_queue_size muxing_queue_data_threshold shortest_buf_duration s pass pix_fmt ab b vb top"
    " streamid hwaccel hwaccel_output_format apply_cropping display_rotation ar ac sample_fmt channel_layout ch_layout"
    " guess_layout_max canvas_size intra_matrix inter_matrix chroma_intra_matrix stream_group"
)
_TEXT = (
    # Titles and the like, which may be anything.
    "metadata program tag vtag atag stag timecode mastering_display content_light"
    # Numbers of files and streams.
    " map map_metadata disposition"
    # Rates, ratios and expressions, which have slashes.
    " r fpsmax aspect time_base enc_time_base force_key_frames rc_override"
    # No bitstream filter opens a file, and their options have expressions and text.
    " bsf vbsf absf"
)

OPTIONS: dict[str, Kind] = {
    **dict.fromkeys(FLAGS, Kind.FLAG),
    **dict.fromkeys(_PLAIN.split(), Kind.PLAIN),
    **dict.fromkeys(_TEXT.split(), Kind.TEXT),
    **dict.fromkeys(("vf", "af", "filter", "filter_complex", "lavfi"), Kind.GRAPH),
    **dict.fromkeys(("vaapi_device", "qsv_device", "hwaccel_device"), Kind.DEVICE),
    "init_hw_device": Kind.DEVICES,
    "f": Kind.FORMAT,
    "attach": Kind.ATTACHMENT,
    "passlogfile": Kind.PASS_LOG,
    "progress": Kind.PROGRESS,
    **dict.fromkeys(("qsv_params", "ts-parameters"), Kind.PARAMETERS),
    "x264opts": Kind.RAW_PARAMETERS,
}

_READS = "reads options from a file; give them as words"
_WRITES = "writes a file of its own; leave it out"
_ASKS = "only asks ffmpeg something; leave it out"
_QUESTIONS = (
    "h help L license version buildconf formats muxers demuxers devices codecs decoders encoders bsfs protocols"
    " filters pix_fmts layouts sample_fmts dispositions colors sources sinks hwaccels"
)
_OURS = "is set by this agent; leave it out"
_VALUED = "takes a value in some versions of ffmpeg and none in others; leave it out, or say -no"

REFUSED: dict[str, str] = {
    **dict.fromkeys(("filter_script", "filter_complex_script", "pre", "vpre", "apre", "spre", "fpre"), _READS),
    **dict.fromkeys(
        (
            *("dump_attachment", "report", "vstats", "vstats_file", "sdp_file", "print_graphs_file", "sg"),
            *("stats_enc_pre", "stats_enc_post", "stats_mux_pre"),
        ),
        _WRITES,
    ),
    **dict.fromkeys(("stats_enc_pre_fmt", "stats_enc_post_fmt", "stats_mux_pre_fmt"), "belongs to a file of its own"),
    **dict.fromkeys(_QUESTIONS.split(), _ASKS),
    # What stands before it is for a decoder that reads an output, not for the next file.
    "dec": "decodes an output again, and takes the options before it; leave it out",
    "n": "-y is required; leave it out",
    "stdin": "-nostdin is required; leave it out",
    "autorotate": f"{_VALUED}autorotate",
    "autoscale": f"{_VALUED}autoscale",
}

# Those of codecs and containers; ffmpeg also takes the ones of codecs with a v, a or s before.
REFUSED_OF_LIBRARIES: dict[str, str] = {
    **dict.fromkeys(("protocol_whitelist", "protocol_blacklist", "format_whitelist"), _OURS),
    **dict.fromkeys(("enable_drefs", "use_absolute_path"), "lets a film name other files; leave it out"),
    **dict.fromkeys(("omx_libname", "omx_libprefix", "aribb24-base-path"), "loads a program; leave it out"),
    "graph_file": _READS,
}
