"""What the hosts of clusters need, and what in their definitions does not fit together. Contacts none of them.
Each check reports to a `Reader`; the shape of single keys is `models`'s.
"""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from pytranscoder.config.nodes import Where
from pytranscoder.config.reading import Reader
from pytranscoder.config.settings import Config
from pytranscoder.config.values import describe, is_absolute, nearest_remedy, remedy_for_relative
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.profiles.profile import DEFAULT_QUEUE
from pytranscoder.profiles.resolve import resolve_profile

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    HostType.MOUNTED: ("ip",),
    HostType.STREAMING: ("ip", "working_dir"),
    HostType.AGENT: ("ip",),
}
_IN_PLACE = "it works on the files where they are"
# Why a key has no effect on a host of a type. What an agent has of its own it was told when it was started.
_WITHOUT_EFFECT: Mapping[HostType, Mapping[str, str]] = {
    HostType.LOCAL: {
        **dict.fromkeys(("os", "ip", "port", "user"), "a local host is this machine"),
        "working_dir": _IN_PLACE,
    },
    HostType.MOUNTED: {"working_dir": _IN_PLACE},
    HostType.AGENT: {
        "user": "an agent has one account",
        "ffmpeg": "an agent uses its own; see `--ffmpeg` there",
        "working_dir": "an agent has its own; see `--working-dir` there",
    },
}


def check_name(reader: Reader, name: str, where: Where) -> None:
    """A cluster or a host has a name that can be shown, and typed behind `-c` or `--host`."""
    if not name.strip() or not name.isprintable():
        reader.reject(where, f"expected a name, found {describe(name)}")


def check_cluster(reader: Reader, hosts: Collection[str], where: Where) -> None:
    """Warns of a cluster that can do nothing."""
    if not hosts:
        reader.warn(where, "a cluster without hosts", "add one, or remove the cluster")


def check_entry(reader: Reader, entry: Mapping[str, Any], where: Where) -> None:
    """A host of a type has what hosts of that type need, and says where its directory begins."""
    kind = str(entry.get("type")).strip().lower()
    path = entry.get("working_dir")
    if kind == HostType.STREAMING and isinstance(path, str) and not is_absolute(path.strip()):
        reader.reject(
            (*where, "working_dir"), f"expected an absolute path, found {describe(path)}", remedy_for_relative(path)
        )
    for key in _REQUIRED.get(kind, ()):
        if entry.get(key) is None:
            reader.reject(where, f"the key {key} is missing", f"a {kind} host needs it")


def check_host(reader: Reader, host: HostDefinition, where: Where) -> None:
    """No key is without effect."""
    for key, reason in _WITHOUT_EFFECT.get(host.type, {}).items():
        if getattr(host, key) is not None:
            reader.warn((*where, key), f"has no effect: {reason}", "remove it")
    if not host.is_copied_to and host.bandwidth:
        kind = "an agent with path-substitutions" if host.type is HostType.AGENT else f"a {host.type} host"
        message = f"has no effect: nothing is copied to {kind}"
        reader.warn((*where, "bandwidth"), message, "remove it")
    if host.type in (HostType.LOCAL, HostType.STREAMING) and host.path_substitutions:
        reader.warn((*where, "path-substitutions"), f"have no effect on a {host.type} host", "remove them")
    _check_substitutions(reader, host, (*where, "path-substitutions"))


def check_host_profiles(reader: Reader, host: HostDefinition, where: Where, config: Config) -> None:
    """Warns of profiles that the host will never be given. Needs a configuration without problems."""
    known = (*config.profiles, *config.templates)
    for index, name in enumerate(host.profiles):
        place = (*where, "profiles", index)
        queue = _queue_of(name, config)
        if queue is None:
            # A warning, as earlier versions did not look at these names.
            reader.warn(place, f"no such profile: {name!r}", nearest_remedy(name, known))
        elif queue not in {DEFAULT_QUEUE, *host.queues}:
            message = f"the host has no slots in queue {queue!r}, which {name} needs"
            reader.warn(place, message, f"add `{queue}: 1` to its queues")


def _queue_of(name: str, config: Config) -> str | None:
    if name in config.templates:
        return config.templates[name].queue or DEFAULT_QUEUE
    return resolve_profile(config.profiles, name).queue if name in config.profiles else None


def _check_substitutions(reader: Reader, host: HostDefinition, where: Where) -> None:
    seen: set[PurePosixPath] = set()
    for index, substitution in enumerate(host.path_substitutions):
        ours = PurePosixPath(substitution.ours)
        if ours in seen:
            message = f"{substitution.ours} is there twice; the first entry counts"
            reader.warn((*where, index), message, "remove one of them")
        seen.add(ours)
