import pytest

from pytranscoder.encode.progress import Measure
from pytranscoder.encode.threshold import is_hopeless, misses_threshold, why_rejected
from pytranscoder.profiles.definition import ProfileDefinition
from pytranscoder.profiles.profile import Profile
from tests.encode.samples import media, planned_job


def profile(threshold: float | None = 20.0) -> Profile:
    return planned_job(media(), ProfileDefinition("x", threshold=threshold, threshold_check=50.0)).profile


@pytest.mark.parametrize(
    ("threshold", "saved", "expected"),
    [(20, 19.9, True), (20, 20, False), (20, -5, True), (20, None, False), (None, 1, False)],
)
def test_saving_is_held_against_the_threshold(threshold: float | None, saved: float | None, expected: bool) -> None:
    assert misses_threshold(profile(threshold), saved) is expected


@pytest.mark.parametrize(
    ("percent", "compression", "expected"),
    [(49, 1, False), (50, 1, True), (50, 30, False), (100, 1, False), (None, 1, False), (60, None, False)],
)
def test_encode_is_given_up_once_enough_of_it_is_seen(
    percent: float | None, compression: float | None, expected: bool
) -> None:
    assert is_hopeless(profile(), Measure(percent, None, compression, None)) is expected


@pytest.mark.parametrize(
    ("saved", "sentence"),
    [(5.0, "5.0 % smaller, the threshold is 20 %"), (-5.0, "5.0 % larger, the threshold is 20 %")],
)
def test_rejection_says_what_was_saved_and_what_was_wanted(saved: float, sentence: str) -> None:
    assert why_rejected(profile(), saved) == sentence
