"""A host of a cluster as the user described it. Plain values; checks and contacts nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class HostType(StrEnum):
    """How a host is reached and how media reaches it."""

    LOCAL = "local"
    MOUNTED = "mounted"
    STREAMING = "streaming"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class PathSubstitution:
    """One entry of `path-substitutions`: a prefix of our paths and what the host calls it."""

    ours: str
    theirs: str

    def __str__(self) -> str:
        """As it may stand in the configuration."""
        return " ".join(f'"{path}"' if " " in path else path for path in (self.ours, self.theirs))


@dataclass(frozen=True, slots=True)
class HostDefinition:
    """One host of a cluster. An empty `profiles` admits every profile.

    `os` is ``linux``, ``macos`` or ``windows``, None to find out. Paths are the host's own and stay text.
    `bandwidth` limits copied media, in bytes per second and direction; None is no limit.
    """

    name: str
    type: HostType
    os: str | None = None
    ip: str | None = None
    port: int | None = None
    user: str | None = None
    ffmpeg: str | None = None
    working_dir: str | None = None
    path_substitutions: tuple[PathSubstitution, ...] = ()
    profiles: tuple[str, ...] = ()
    queues: Mapping[str, int] = field(default_factory=dict)
    bandwidth: float | None = None
    enabled: bool = True

    @property
    def is_copied_to(self) -> bool:
        """Whether media is copied there. An agent with path substitutions works on shared files."""
        return self.type is HostType.STREAMING or (self.type is HostType.AGENT and not self.path_substitutions)

    @property
    def sees_ours(self) -> bool:
        """Whether it works on our own files by its own names for them."""
        return self.type is not HostType.LOCAL and not self.is_copied_to

    @property
    def copies_to(self) -> str:
        """The directory that media is copied to. An agent has its own, and counts relative paths from there."""
        return "." if self.type is HostType.AGENT else self.working_dir or ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A named set of hosts, in the order of the file."""

    name: str
    hosts: Mapping[str, HostDefinition] = field(default_factory=dict)
