"""Whether an encode saves what its profile asks for, and the sentence when it does not. Measures nothing."""

from pytranscoder.encode.progress import Measure
from pytranscoder.profiles.profile import Profile


def misses_threshold(profile: Profile, saved_percent: float | None) -> bool:
    """Whether so much saved is less than the profile wants; what is not known misses nothing."""
    threshold = profile.threshold_percent
    return threshold is not None and saved_percent is not None and saved_percent < threshold


def is_hopeless(profile: Profile, seen: Measure) -> bool:
    """Whether an encode may be stopped, as it has come far enough to tell that it will miss the threshold."""
    return (
        seen.percent is not None
        and profile.threshold_check_percent <= seen.percent < 100
        and misses_threshold(profile, seen.compression)
    )


def why_rejected(profile: Profile, saved_percent: float | None, when: str = "") -> str:
    """Says what was saved and what was wanted; `when` is put between."""
    saved = saved_percent or 0.0
    change = f"{abs(saved):.1f} % {'larger' if saved < 0 else 'smaller'}"
    return f"{change}{when}, the threshold is {profile.threshold_percent:g} %"
