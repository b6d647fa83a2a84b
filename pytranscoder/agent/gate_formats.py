"""The containers that an agent's ffmpeg may read and write: those that are one file and open no other. Only tables.

Left out are playlists and manifests (hls, dash, concat, imf, sdp, ...), sequences of pictures, graphs, scripts and
devices, and muxers that write more than the file they are given or send it away.
"""

# By their first names; ffmpeg compares each of a demuxer's names with this list.
_DEMUXERS = (
    "matroska mov avi mpegts mpeg mpegvideo mpegtsraw asf flv ogg nut mxf gxf rm swf wtv dv ivf iff nsv nuv pva r3d"
    " live_flv roq smk bink bfi vividas vivo 4xm avs2 avs3 cavsvideo film_cpk ipmovie thp xmv mm mv h261 h263 h264"
    " hevc vvc av1 obu m4v mjpeg mjpeg_2000 vc1 vc1test dirac dnxhd rawvideo yuv4mpegpipe v210 v210x evc apv gif apng"
    " webp_anim jpegxl_anim aac ac3 ac4 eac3 dts dtshd truehd mlp mp3 flac wav w64 aiff au caf ape tta tak wv shn mpc"
    " mpc8 spdif loas amr amrnb amrwb aptx aptx_hd sbc g722 g726 g729 gsm ilbc codec2 dsf iamf lc3 oma osq qcp voc"
    " xwma aea qoa s337m alaw mulaw s8 s16be s16le s24be s24le s32be s32le u8 u16be u16le u24be u24le u32be u32le"
    " f32be f32le f64be f64le srt ass webvtt subviewer subviewer1 microdvd mpl2 mpsub pjs sami realtext jacosub stl"
    " scc mcc lrc tedcaptions aqtitle vplayer sup dvbsub dvbtxt ffmetadata png_pipe jpeg_pipe bmp_pipe gif_pipe"
    " webp_pipe tiff_pipe jpegxl_pipe jpegls_pipe j2k_pipe exr_pipe dpx_pipe ppm_pipe pgm_pipe pam_pipe pbm_pipe"
    " qoi_pipe psd_pipe dds_pipe hdr_pipe pcx_pipe sgi_pipe ico"
)
DEMUXERS = frozenset(_DEMUXERS.split())

_MUXERS = (
    "matroska webm mp4 mov ipod 3gp 3g2 psp f4v ismv avif avi mpegts mpeg vob dvd svcd vcd mpeg1video mpeg2video asf"
    " asf_stream flv ogg ogv oga ogm spx opus nut mxf mxf_d10 mxf_opatom gxf rm swf wtv dv ivf gif apng webp avm2 h261"
    " h263 h264 hevc vvc evc obu m4v mjpeg vc1 vc1test dirac dnxhd rawvideo yuv4mpegpipe cavsvideo avs2 avs3 apv adts"
    " latm ac3 ac4 eac3 dts truehd mlp mp2 mp3 flac wav w64 aiff au caf tta wv spdif amr aptx aptx_hd sbc g722 g726"
    " g726le gsm ilbc codec2 iamf lc3 oma voc sox alaw mulaw s8 s16be s16le s24be s24le s32be s32le u8 u16be u16le"
    " u24be u24le u32be u32le f32be f32le f64be f64le srt ass webvtt microdvd jacosub scc mcc lrc sup ttml data"
    " ffmetadata null md5 crc hash streamhash framehash framemd5 framecrc"
)
MUXERS = frozenset(_MUXERS.split())

# One picture, not a sequence, when it is told to update.
PICTURE_MUXER = "image2"

# Those from which ffmpeg itself chooses one of the muxers above.
_EXTENSIONS = (
    ".mkv .mka .mks .mk3d .webm .mp4 .m4v .m4a .m4b .mov .3gp .3g2 .f4v .ismv .isma .avi .ts .m2t .m2ts .mts"
    " .mpg .mpeg .vob .m1v .m2v .asf .wmv .wma .flv .ogg .ogv .oga .spx .opus .nut .mxf .gxf .rm .swf .wtv .dv .ivf"
    " .gif .apng .h261 .h263 .h264 .264 .avc .hevc .h265 .265 .vvc .h266 .266 .obu .mjpeg .vc1 .drc .dnxhd .yuv"
    " .y4m .aac .adts .latm .ac3 .eac3 .ec3 .dts .thd .mlp .mp2 .m2a .mp3 .flac .wav .w64 .aif .aiff .au .caf .tta .wv"
    " .spdif .amr .sbc .g722 .srt .ass .ssa .vtt .scc .lrc .sup .ttml .ffmeta .md5 .crc"
)
EXTENSIONS = frozenset(_EXTENSIONS.split())
