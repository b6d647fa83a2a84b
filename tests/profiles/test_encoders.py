"""What is said of an ffmpeg that lacks an encoder."""

import pytest

from pytranscoder.profiles.encoders import describe_lacking


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["libx265", "aac"], None, id="all there"),
        pytest.param(
            ["aac", "libx256"],
            "ffmpeg 5.1 at /usr/bin/ffmpeg has no encoder libx256; did you mean libx265?",
            id="misspelt",
        ),
        pytest.param(["hevc_nvenc"], "ffmpeg 5.1 at /usr/bin/ffmpeg has no encoder hevc_nvenc", id="nothing like it"),
    ],
)
def test_a_lacking_encoder_is_named_with_the_nearest(wanted: list[str], complaint: str | None) -> None:
    encoders = frozenset({"libx264", "libx265", "aac"})

    assert describe_lacking(wanted, encoders, "/usr/bin/ffmpeg", "5.1") == complaint
