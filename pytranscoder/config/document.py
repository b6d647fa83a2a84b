"""A YAML file as plain data that remembers its lines. Knows YAML and nothing of what the file should contain.

Every scalar stays the text that the user wrote: YAML would make ``no`` (Norwegian) a boolean, ``1.10`` a number
and ``12:30`` a count of seconds. What a text means is decided by the kind of value that its key wants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pytranscoder.config.nodes import NodeReader, Value, Where, spell
from pytranscoder.config.syntax import syntax_problem
from pytranscoder.errors import ConfigError, Problem

# libyaml reads tabs in front of comments, which PyYAML's own scanner refuses.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SIZE_LIMIT = 1_000_000
# libyaml's composer recurses in C and overflows its stack at some 100,000 levels; its event parser does not.
_DEPTH_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: mappings, lists, texts, and None for what is empty.

    `lines` has the line, from 1, of each path in the document. `problems` do not prevent reading on, but make the
    file unusable; `warnings` do not.
    """

    file: str
    data: Mapping[str, Value]
    lines: Mapping[Where, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def problem(self, where: Where, message: str, remedy: str | None = None) -> Problem:
        """A problem at a path. Its line is the line of the longest part of the path that the document has."""
        return Problem(self.file, self._line(where), spell(where), message, remedy)

    def known(self, where: Where) -> Where:
        """The path without the steps that the document does not have, such as pydantic's names of alternatives."""
        path: Where = ()
        for step in where:
            if (*path, step) in self.lines:
                path = (*path, step)
        return path

    def _line(self, where: Where) -> int | None:
        prefixes = (where[:length] for length in range(len(where), 0, -1))
        return next((self.lines[prefix] for prefix in prefixes if prefix in self.lines), None)


def read_document(path: Path) -> Document:
    """The document in a file. Raises ConfigError when it cannot be read or is not YAML with keys at its top."""
    return parse_document(_read_text(path), str(path))


def parse_document(text: str, file: str) -> Document:
    """The document in a text that was read from `file`. Raises ConfigError like `read_document`."""
    try:
        _check_depth(text, file)
        node = _LOADER(text).get_single_node()
    except yaml.YAMLError as exc:
        raise ConfigError([syntax_problem(exc, text, file)]) from exc
    if node is None:
        raise ConfigError(
            [Problem(file, None, "", "the file is empty", "write at least a profile, or remove the file")]
        )
    if not isinstance(node, yaml.MappingNode):
        message = "expected keys such as config: and profiles: at the top, found something else"
        raise ConfigError([Problem(file, node.start_mark.line + 1, "", message)])
    reader = NodeReader(file)
    data = reader.mapping(node, ())
    return Document(file, data, reader.lines, tuple(reader.problems), tuple(reader.warnings))


def _check_depth(text: str, file: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH_LIMIT:
            message = f"nested more than {_DEPTH_LIMIT} levels deep"
            raise ConfigError([Problem(file, event.start_mark.line + 1 if event.start_mark else None, "", message)])


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_SIZE_LIMIT + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise ConfigError([Problem(str(path), None, "", f"cannot be read: {reason}")]) from exc
    if len(content) > _SIZE_LIMIT:
        raise ConfigError([Problem(str(path), None, "", "larger than 1 MB, not a configuration file")])
    return _decode(content, path)


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        message = f"not UTF-8 text: byte 0x{content[exc.start]:02x}"
        raise ConfigError([Problem(str(path), line, "", message, "save the file as UTF-8")]) from exc
