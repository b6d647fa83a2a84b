"""What the scheduler knows of a host before it has answered. A plain value."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host that may take jobs of `cluster` (None in local mode); empty `profiles` admit every profile.

    Hosts of several clusters with the same `machine` share its slots. With `copies`, media is copied there, and one
    job for each slot is staged ahead while others encode.
    """

    name: str
    slots: Mapping[str, int]
    cluster: str | None = None
    machine: str = ""
    profiles: frozenset[str] = frozenset()
    copies: bool = False

    @property
    def key(self) -> tuple[str | None, str]:
        """What tells it from the other hosts of a run."""
        return self.cluster, self.name
