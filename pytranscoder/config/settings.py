"""The configuration as plain values, checked and complete. Reads nothing: `config.load` fills these in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pytranscoder.errors import Problem
from pytranscoder.profiles.definition import ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.rules import Rule

DEFAULT_STALL_AFTER_S = 600.0


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


@dataclass(frozen=True, slots=True)
class HostDefinition:
    """One host of a cluster as the user described it. An empty `profiles` admits every profile.

    `os` is ``linux``, ``macos`` or ``windows``, None to find out. Paths are the host's own and stay text.
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
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Cluster:
    """A named set of hosts, in the order of the file."""

    name: str
    hosts: Mapping[str, HostDefinition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """All that a configuration says. `queues` has the slots of this machine by queue; `source` is None without a file.

    `warnings` are mistakes that change nothing, in the order of their lines.
    """

    default_queue_file: Path | None = None
    ffmpeg: str | None = None
    queues: Mapping[str, int] = field(default_factory=dict)
    colorize: bool | None = None
    automap: bool = True
    fls_path: Path | None = None
    stall_after_s: float = DEFAULT_STALL_AFTER_S
    profiles: Mapping[str, ProfileDefinition] = field(default_factory=dict)
    templates: Mapping[str, TemplateDefinition] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    source: Path | None = None
