"""What YAML's parser could not read, in words that help. Parses nothing."""

import yaml

from pytranscoder.errors import Problem

# What libyaml says → what the user should do. The first fragment that occurs in its message counts.
_REMEDIES = {
    "tab character": "indent with spaces",
    "'\\t'": "indent with spaces",
    "undefined alias": "put a value that begins with * in quotes",
    "scanning an alias": "put a value that begins with * in quotes",
    "scanning an anchor": "put a value that begins with & in quotes",
    "scanning a tag": "put a value that begins with ! in quotes",
    "scanning a block scalar": "put a value that begins with > or | in quotes",
    "unknown escape character": "put a value with backslashes in single quotes",
    "escape code": "put a value with backslashes in single quotes",
    "mapping values are not allowed": "check the indentation, or put a value with a colon in quotes",
    "cannot start any token": "indent with spaces, and put a value that begins with @, ` or % in quotes",
    "another document": "remove the line ---",
    "quoted scalar": "close the quotes",
}


def syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The problem that a parser's error means."""
    if isinstance(error, yaml.MarkedYAMLError):
        said = _sentence(error)
        # Where a quote is not closed, the place that matters is its beginning, not the end of the file.
        at_end = "end of stream" in said
        mark = (error.context_mark if at_end else None) or error.problem_mark
        line = min(mark.line, text.count("\n")) + 1 if mark else None
        return Problem(file, line, "", f"not valid YAML: {said}", _remedy(said, text, line))
    character = getattr(error, "character", None)  # ReaderError; libyaml counts its position in bytes
    line = _line_of(character, text) if isinstance(character, int) else None
    return Problem(file, line, "", f"not valid YAML: {getattr(error, 'reason', error)}", "remove the character")


def _sentence(error: yaml.MarkedYAMLError) -> str:
    problem, context = error.problem or "", error.context or ""
    # "did not find ... while parsing ..." but "expected a single document, but found another"
    return f"{context}, {problem}" if problem.startswith("but") else f"{problem} {context}".strip()


def _remedy(said: str, text: str, line: int | None) -> str | None:
    shown = text.split("\n")[line - 1] if line else ""
    if "cannot start any token" in said and shown.lstrip(" ").startswith("\t"):
        return "indent with spaces"
    return next((remedy for fragment, remedy in _REMEDIES.items() if fragment in said), None)


def _line_of(character: int, text: str) -> int | None:
    position = text.find(chr(character))
    return text.count("\n", 0, position) + 1 if position >= 0 else None
