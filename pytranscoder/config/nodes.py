"""Composed YAML nodes → plain data with the line of each path. Parses no text and knows no key of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import yaml

from pytranscoder.errors import ConfigError, Problem, printable

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
# The way to a value in a document: keys of mappings and, from 0, indices of lists.
Where: TypeAlias = tuple[str | int, ...]

_YAML = "tag:yaml.org,2002:"
_MERGE = f"{_YAML}merge"
_NULL = f"{_YAML}null"
_PLAIN_TAGS = frozenset(
    _YAML + name for name in ("bool", "float", "int", "map", "null", "seq", "str", "timestamp", "merge", "value")
)
# Aliases make small files large: ten lists of ten aliases each are ten thousand million values.
_VALUE_LIMIT = 100_000
_DEPTH_LIMIT = 50


def spell(where: Where) -> str:
    """The path as users write it, such as ``profiles.hevc.output_options[0]``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{printable(step)}" for step in where)
    return "".join(steps).removeprefix(".")


class NodeReader:
    """Reads nodes of one file; afterwards `lines`, `problems` and `warnings` have what it saw on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Where, int] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._values = 0
        self._depth = 0

    def mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Value]:
        """The data of a mapping. Raises ConfigError when aliases make it too large or endless."""
        data: dict[str, Value] = {}
        for name, (key_node, value_node) in self._entries(node, where).items():
            self.lines[(*where, name)] = _line(key_node)
            data[name] = self._value(value_node, (*where, name))
        return data

    def _value(self, node: yaml.Node, where: Where) -> Value:
        with self._inside(node):
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node, where)
            self._check_tag(node, where)
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, where)
            return self._sequence(node, where)

    def _sequence(self, node: yaml.Node, where: Where) -> list[Value]:
        items: list[Value] = []
        for index, item in enumerate(node.value):
            self.lines[(*where, index)] = _line(item)
            items.append(self._value(item, (*where, index)))
        return items

    def _scalar(self, node: yaml.ScalarNode, where: Where) -> str | None:
        if node.style in ("|", ">") and not node.value:
            # `runtime: >3` is valid YAML: an empty block that is indented by three.
            message = f"`{node.style}` begins a block of text, and the block is empty"
            self._report(node, where, message, f"put a value that begins with {node.style} in quotes")
            return None
        if not self._check_tag(node, where):
            return f"{node.tag} {node.value}".strip()
        return None if node.tag == _NULL else str(node.value)

    def _entries(self, node: yaml.MappingNode, where: Where) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = self._merged(value_node, where) | merged
            elif (name := self._key(key_node, where)) is not None:
                if name in own:
                    self._warn_of_duplicate(key_node, own[name][0], (*where, name))
                own[name] = (key_node, value_node)
        return merged | own

    def _merged(self, node: yaml.Node, where: Where) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        with self._inside(node):
            for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
                if isinstance(source, yaml.MappingNode):
                    with self._inside(source):
                        entries = self._entries(source, where) | entries
                else:
                    self._report(source, where, "`<<` merges mappings, found something else")
        return entries

    def _key(self, node: yaml.Node, where: Where) -> str | None:
        if isinstance(node, yaml.ScalarNode):
            self._check_tag(node, where)
            return str(node.value)
        self._report(node, where, "expected a name as the key, found a list or a mapping")
        return None

    def _check_tag(self, node: yaml.Node, where: Where) -> bool:
        if node.tag in _PLAIN_TAGS:
            return True
        shown = node.tag.replace(_YAML, "!!")
        quoted = f"{shown} {node.value}".strip() if isinstance(node, yaml.ScalarNode) else shown
        self._report(
            node,
            where,
            f"a value that begins with ! is a tag in YAML, found {shown}",
            f"put it in quotes: '{printable(quoted)}'",
        )
        return False

    @contextmanager
    def _inside(self, node: yaml.Node) -> Iterator[None]:
        self._values += 1
        self._depth += 1
        if self._depth > _DEPTH_LIMIT or self._values > _VALUE_LIMIT:
            message = "its aliases make it too large or endless"
            raise ConfigError([Problem(self.file, _line(node), "", message)])
        yield
        self._depth -= 1

    def _report(self, node: yaml.Node, where: Where, message: str, remedy: str | None = None) -> None:
        self.problems.append(Problem(self.file, _line(node), spell(where), message, remedy))

    def _warn_of_duplicate(self, node: yaml.Node, first: yaml.Node, where: Where) -> None:
        message = f"is there twice, first in line {_line(first)}; this one counts"
        warning = Problem(self.file, _line(node), spell(where), message, "remove one of them")
        if warning not in self.warnings:
            self.warnings.append(warning)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
