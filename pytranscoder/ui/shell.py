"""An argument vector as a line to paste into a POSIX shell. Runs nothing."""

import shlex
from collections.abc import Sequence


def shell_command(argv: Sequence[str], encoding: str = "utf-8") -> str:
    """The words quoted for a shell; what a terminal of this encoding cannot show is spelt as bash's ``$'…'``."""
    return " ".join(_quoted(word, encoding) for word in argv)


def _quoted(word: str, encoding: str) -> str:
    if all(_is_plain(char, encoding) for char in word):
        return shlex.quote(word)
    return "$'" + "".join(_bash_escaped(char, encoding) for char in word) + "'"


def _is_plain(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return char.isprintable()


def _bash_escaped(char: str, encoding: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if _is_plain(char, encoding):
        return char
    # Octal, because it always has three digits: the next character cannot be taken for one more.
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))
