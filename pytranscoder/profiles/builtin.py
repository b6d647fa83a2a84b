"""The profiles and rules that are there without a configuration file. Their options are lists, so that a profile of
the user's can include one and change a single option.
"""

from collections.abc import Mapping

from pytranscoder.profiles.criteria import parse_criterion
from pytranscoder.profiles.definition import ProfileDefinition
from pytranscoder.profiles.rules import SKIP, Rule

DEFAULT_PROFILE = "hevc"


def _profile(name: str, *video: str) -> ProfileDefinition:
    """Only the video is encoded; depth, size and frame rate stay the source's."""
    return ProfileDefinition(
        name=name, output_options_video=video, output_options_audio=("-c:a copy",), extension=".mkv"
    )


BUILTIN_PROFILES: Mapping[str, ProfileDefinition] = {
    profile.name: profile
    for profile in (
        # x265 tells about itself on stderr whatever -loglevel says, and would bury ffmpeg's last words.
        _profile("hevc", "-c:v libx265", "-crf 22", "-preset medium", "-x265-params log-level=error"),
        _profile("av1", "-c:v libsvtav1", "-crf 30", "-preset 6"),
        _profile("h264", "-c:v libx264", "-crf 20", "-preset medium"),
    )
}

BUILTIN_RULES: tuple[Rule, ...] = (
    Rule("already compact", SKIP, (parse_criterion("vcodec", ["hevc", "av1"]),)),
    Rule("everything else", DEFAULT_PROFILE),
)
