import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.media.model import Ends, Identity, Media, Stream, StreamKind
from pytranscoder.media.wire import ends_from_wire, ends_to_wire, media_from_wire, media_to_wire

COUNTS = st.integers(min_value=0, max_value=2**63)
SECONDS = st.floats(min_value=0, allow_infinity=False)
TEXTS = st.text()

STREAMS = st.builds(
    Stream,
    index=COUNTS,
    kind=st.sampled_from(StreamKind),
    codec=TEXTS,
    language=st.none() | TEXTS,
    title=TEXTS,
    default=st.booleans(),
    forced=st.booleans(),
    attached_picture=st.booleans(),
    codec_tag=TEXTS,
    filename=TEXTS,
    mimetype=TEXTS,
    width=COUNTS,
    height=COUNTS,
    fps=SECONDS,
    pix_fmt=TEXTS,
    bit_depth=COUNTS,
    color_transfer=TEXTS,
    channels=COUNTS,
    dolby_vision=st.booleans(),
)
MEDIA = st.builds(
    Media,
    path=st.just(Path("/films/a.mkv")),
    identity=st.builds(Identity, COUNTS, COUNTS, COUNTS, COUNTS),
    container=TEXTS,
    duration_s=st.none() | SECONDS,
    streams=st.lists(STREAMS, max_size=4).map(tuple),
    chapters=COUNTS,
)
ENDS = st.builds(Ends, st.none() | SECONDS, SECONDS, st.none() | SECONDS, st.none() | SECONDS, st.booleans(), SECONDS)


@given(MEDIA)
def test_media_survives_the_wire(media: Media) -> None:
    line = json.dumps(media_to_wire(media))
    assert media_from_wire(media.path, json.loads(line)) == media


@given(ENDS)
def test_ends_survive_the_wire(ends: Ends) -> None:
    assert ends_from_wire(json.loads(json.dumps(ends_to_wire(ends)))) == ends


def test_defaults_of_a_stream_are_not_sent() -> None:
    media = Media(Path("a"), Identity(1, 2, 3, 4), "mp4", None, (Stream(0, StreamKind.DATA),))
    assert media_to_wire(media)["streams"] == [{"index": 0, "kind": "data"}]
