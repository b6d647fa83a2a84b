"""Chooses the profile for a media file: rules in order, the first that matches wins. Reads no criterion itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from pytranscoder.profiles.criteria import Criterion
from pytranscoder.profiles.facts import Facts

SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `rules:`. `profile` is a profile's name or SKIP; a rule without criteria matches everything."""

    name: str
    profile: str
    criteria: tuple[Criterion, ...] = ()

    @property
    def skips(self) -> bool:
        """Whether media that match are left alone."""
        return self.profile == SKIP

    def matches(self, facts: Facts) -> bool:
        """Whether all criteria hold."""
        return all(criterion.matches(facts) for criterion in self.criteria)


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that was chosen. `why` has the values that made it match, as in ``vcodec is h264, runtime is 42.5``."""

    rule: Rule
    why: str


def choose_rule(rules: Iterable[Rule], facts: Facts) -> Match | None:
    """The first rule that matches; None when none does."""
    for rule in rules:
        if rule.matches(facts):
            observed = (criterion.observed(facts) for criterion in rule.criteria)
            return Match(rule, ", ".join(observed) or "it matches everything")
    return None
