"""From a file, or from nothing, to a Config. Raises ConfigError with every mistake of the file at once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from os.path import expanduser
from pathlib import Path
from typing import Any

from pytranscoder.config.checks import (
    check_names,
    check_profiles,
    check_rule_profile,
    check_templates,
    read_criteria,
)
from pytranscoder.config.document import Document, read_document
from pytranscoder.config.hosts import check_cluster, check_entry, check_host, check_host_profiles, check_name
from pytranscoder.config.models import (
    ConfigSection,
    FileSection,
    HostSection,
    ProfileSection,
    RuleSection,
    TemplateSection,
)
from pytranscoder.config.nodes import Where
from pytranscoder.config.reading import Reader
from pytranscoder.config.settings import Config
from pytranscoder.errors import ConfigError, Problem
from pytranscoder.hosts.definition import Cluster, HostDefinition
from pytranscoder.profiles.builtin import BUILTIN_PROFILES, BUILTIN_RULES
from pytranscoder.profiles.definition import ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.rules import Rule

_UNUSED = {
    "ssh": "is not needed any more",
    "plex_server": "does nothing: Plex finds changed files itself",
}


def default_config_path() -> Path:
    """``~/.transcode.yml``, for whoever is at home now."""
    # Path.expanduser raises where there is no home at all; this leaves a path that does not exist.
    return Path(expanduser("~/.transcode.yml"))  # noqa: PTH111


def default_config() -> Config:
    """The configuration without any file: the built-in profiles and rules."""
    return Config(profiles=BUILTIN_PROFILES, rules=BUILTIN_RULES)


def load_config(path: Path) -> Config:
    """The configuration in a file. A file without profiles and templates gets the built-in ones."""
    return build_config(read_document(path), path)


def build_config(document: Document, source: Path | None = None) -> Config:
    """The configuration that a document describes."""
    reader = Reader(document)
    config = _Builder(reader, document).build()
    if reader.problems:
        raise ConfigError(_by_line(reader.problems))
    return replace(config, warnings=tuple(_by_line(reader.warnings)), source=source)


class _Builder:
    """Reads the sections one after the other, as each needs names from those before."""

    def __init__(self, reader: Reader, document: Document) -> None:
        self._reader = reader
        self._file = reader.section(FileSection, document.data, ()) or FileSection.model_validate({})
        settings = reader.section(ConfigSection, self._file.config, ("config",))
        self._settings = settings or ConfigSection.model_validate({})

    def build(self) -> Config:
        check_names(self._reader, self._file.profiles, self._file.templates)
        queues = self._known_queues()
        profiles = dict(self._profiles())
        check_profiles(self._reader, profiles, queues)
        templates = dict(self._templates())
        check_templates(self._reader, templates, queues)
        builtin = not profiles and not templates
        if builtin:
            profiles = dict(BUILTIN_PROFILES)
        names = (*profiles, *templates)
        rules = tuple(self._rules(names)) or (BUILTIN_RULES if builtin else ())
        clusters = dict(self._clusters())
        config = replace(self._globals(), profiles=profiles, templates=templates, rules=rules, clusters=clusters)
        if not self._reader.problems:  # so that every profile can be made from its includes
            self._check_profiles_of_hosts(config)
        return config

    def _globals(self) -> Config:
        for key, message in _UNUSED.items():
            if getattr(self._settings, key) is not None:
                self._reader.warn(("config", key), message, "remove it")
        return Config(
            default_queue_file=self._settings.default_queue_file,
            ffmpeg=self._settings.ffmpeg,
            queues=self._settings.queues,
            colorize=self._settings.colorize,
            automap=self._settings.automap is not False,
            fls_path=self._settings.fls_path,
            stall_after_s=self._settings.stall_after,
        )

    def _known_queues(self) -> set[str]:
        hosts = (host for cluster in self._settings.clusters.values() for host in cluster.values())
        places = [self._file.config, *hosts]
        return {queue for place in places for queue in _mapping(_mapping(place).get("queues"))}

    def _profiles(self) -> Iterator[tuple[str, ProfileDefinition]]:
        for name, entry in self._file.profiles.items():
            section = self._reader.section(ProfileSection, entry, ("profiles", name))
            # An entry that is no profile at all keeps its name, so that what includes it is not reported too.
            yield name, section.definition(name) if section else ProfileDefinition(name)

    def _templates(self) -> Iterator[tuple[str, TemplateDefinition]]:
        for name, entry in self._file.templates.items():
            section = self._reader.section(TemplateSection, entry, ("templates", name))
            yield name, section.definition(name) if section else TemplateDefinition(name)

    def _rules(self, profiles: Collection[str]) -> Iterator[Rule]:
        for name, entry in self._file.rules.items():
            section = self._reader.section(RuleSection, entry, ("rules", name))
            # From the entry, as the criteria of a rule that lacks its profile are checked too.
            written = _mapping(_mapping(entry).get("criteria"))
            criteria = read_criteria(self._reader, written, ("rules", name, "criteria"))
            if section:
                check_rule_profile(self._reader, name, section.profile, profiles)
                yield Rule(name, section.profile, criteria)

    def _clusters(self) -> Iterator[tuple[str, Cluster]]:
        for name, entries in self._settings.clusters.items():
            where = ("config", "clusters", name)
            check_name(self._reader, name, where)
            check_cluster(self._reader, entries, where)
            yield name, Cluster(name, dict(self._hosts(entries, where)))

    def _hosts(self, entries: Mapping[str, Any], cluster: Where) -> Iterator[tuple[str, HostDefinition]]:
        for name, entry in entries.items():
            where = (*cluster, name)
            check_name(self._reader, name, where)
            section = self._reader.section(HostSection, entry, where)
            check_entry(self._reader, _mapping(entry), where)
            if section:
                host = section.definition(name)
                check_host(self._reader, host, where)
                yield name, host

    def _check_profiles_of_hosts(self, config: Config) -> None:
        for cluster in config.clusters.values():
            for host in cluster.hosts.values():
                where = ("config", "clusters", cluster.name, host.name)
                check_host_profiles(self._reader, host, where, config)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _by_line(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.line or 0)
