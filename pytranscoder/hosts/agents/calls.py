"""What the manager asks of an agent, over ssh: the names, the line that says what to run, the answer to a probe.

Both ends use it. The rest is ssh and sftp; an agent runs no shell, so that this line stands for a supervisor's script.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytranscoder.hosts.supervisor import Patience

AGENT_PORT = 9567
# There is one account, whoever comes; and one that may do nothing but hand over a key.
USER = "pytranscoder"
INVITED = "invited"

# The exec requests that an agent serves.
RUN = "run"
ENROL = "enrol"
# What RUN may be asked for: this program of its own, or an ffmpeg, by this name or the path that the probe told.
PROBE = "probe"
FFMPEG = "ffmpeg"

LONGEST_CALL_BYTES = 256 << 10
LONGEST_TIME_S = 3600.0
# What a report may have. The machine that says it is another one, and what it says is shown and counted with.
LONGEST_TEXT = 4096
LONGEST_LIST = 4096
LARGEST_COUNT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Call:
    """A command to run: see `Dialect` for what is said while it runs. `partial` goes unless it exits with status 0."""

    argv: tuple[str, ...]
    partial: str
    token: str
    silence_s: float
    grace_s: float


class AgentDialect:
    """Speaks to an agent."""

    command = RUN

    def opening(self, argv: Sequence[str], partial: str, token: str, patience: Patience) -> bytes:
        """Returns one line of JSON."""
        return write_call(Call(tuple(argv), partial, token, patience.silence_s, patience.grace_s))


def write_call(call: Call) -> bytes:
    """Returns a call as one line. In ASCII: undecodable bytes of names are escaped surrogates."""
    return json.dumps(asdict(call)).encode("ascii") + b"\n"


def read_call(line: bytes) -> Call:
    """Understands a line of `write_call`. Raises ValueError."""
    values = _read_object(line)
    argv, partial, token = values.get("argv"), values.get("partial"), values.get("token")
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) and "\0" not in word for word in argv):
        raise ValueError("argv is no list of words")
    if not isinstance(partial, str) or not isinstance(token, str) or not token.isalnum():
        raise ValueError("partial and token are no words")
    return Call(tuple(argv), partial, token, _time(values, "silence_s"), _time(values, "grace_s"))


@dataclass(frozen=True, slots=True)
class Share:
    """A folder of the agent's machine that an ffmpeg may read, or write too."""

    path: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class AgentReport:
    """What an agent says of itself. `confinement` is what keeps ffmpeg to its folders, empty when nothing does."""

    version: str
    os: str
    cores: int
    slots: int
    ffmpeg: str
    ffmpeg_version: str
    encoders: tuple[str, ...]
    working_dir: str
    free_bytes: int | None
    shares: tuple[Share, ...] = ()
    confinement: str = ""


def write_report(report: AgentReport) -> str:
    """Returns a report as one line."""
    return json.dumps(asdict(report))


def read_report(line: str) -> AgentReport:
    """Understands a line of `write_report`; keys that a later version adds are left out. Raises ValueError."""
    values = _read_object(line.encode(errors="replace"))
    return AgentReport(
        version=_text(values, "version"),
        os=_text(values, "os"),
        cores=_count(values, "cores"),
        slots=_count(values, "slots"),
        ffmpeg=_text(values, "ffmpeg"),
        ffmpeg_version=_text(values, "ffmpeg_version"),
        encoders=_texts(values, "encoders"),
        working_dir=_text(values, "working_dir"),
        free_bytes=None if values.get("free_bytes") is None else _count(values, "free_bytes"),
        shares=tuple(map(_share, _list({"shares": [], **values}, "shares"))),
        confinement=_text({"confinement": "", **values}, "confinement"),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"{name} is no text, or too long")
    return value


def _count(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        raise ValueError(f"{name} is no number of things")
    return value


def _list(values: Mapping[str, Any], name: str) -> list[Any]:
    value = values.get(name)
    if not isinstance(value, list) or len(value) > LONGEST_LIST:
        raise ValueError(f"{name} is no list, or too long")
    return value


def _texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(_text({name: value}, name) for value in _list(values, name))


def _share(value: Any) -> Share:
    if not isinstance(value, dict) or not isinstance(value.get("writable"), bool):
        raise ValueError("shares are no folders")  # noqa: TRY004  # it is the text that is wrong
    return Share(_text(value, "path"), value["writable"])


def _read_object(line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)  # its JSONDecodeError is a ValueError, as is that of bytes that are no text
    except RecursionError as exc:
        raise ValueError("too deep") from exc
    if not isinstance(values, dict):
        raise ValueError("no object")  # noqa: TRY004  # it is the text that is wrong
    return values


def _time(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_TIME_S:
        raise ValueError(f"{name} is no time")
    return float(value)
