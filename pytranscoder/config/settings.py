"""The configuration as plain values, checked and complete. Reads nothing: `config.load` fills these in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytranscoder.errors import Problem
from pytranscoder.hosts.definition import Cluster
from pytranscoder.profiles.definition import ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.rules import Rule

DEFAULT_STALL_AFTER_S = 600.0


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
