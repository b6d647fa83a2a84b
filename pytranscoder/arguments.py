"""The command line: words to values. Opens no file; imports nothing slow, as `--version` must answer at once."""

import getopt
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytranscoder.errors import UsageError, printable

COMMANDS = ("agent", "trust", "init", "doctor", "history", "undo", "demo")

HELP = """\
usage: pytranscoder [options] [file ...]
       pytranscoder init | history [--json] | demo [folder] | agent [options] | trust LINE

Transcodes video files with ffmpeg. A file is replaced only by an output that was verified.
A directory stands for the media files in it. With no file, the default queue file is used.

for the files that follow (may be repeated):
  -p PROFILE         encode with this profile instead of choosing one by the rules
  -t TEMPLATE        encode with this template
  -m MIXIN[,MIXIN]   lay these profile fragments over the profile
  -c CLUSTER         encode on the hosts of this cluster

  --from-file FILE   read files from a list, one a line
  --host NAME        use only this host of the cluster
  -s                 one encode at a time
  -k                 keep the source; the output is left as <name>.<extension>.tmp
  -y FILE            configuration file (default: ~/.transcode.yml)
  -v                 say more
  --dry-run          show what would be done, and do nothing
  --json             print events as JSON lines
  -h, --help         show this help
  --version          show the version

commands:
  init               write a configuration file to start from
  history            show past runs and what they saved
  demo               make some clips and transcode them
  agent              encode here what other machines send, without an ssh server; also --agent
  trust LINE         be let in by the agent that printed this line when it was asked to --invite

for the agent:
  --invite           print a line for `trust` that lets one machine in, once, within 10 minutes
  --listen ADDR:PORT, --working-dir DIR, --share DIR, --share-rw DIR, --authorized-keys FILE,
  --ffmpeg PATH, --slots N, --leave-free SIZE

exit status: 0 all encoded, skipped or rejected; 1 some failed; 2 usage or configuration;
3 no usable host; 130 interrupted
"""

LAST_PORT = 65535

_SHORT = "c:p:t:m:skvy:h"
_LONG = ["from-file=", "host=", "dry-run", "json", "help", "version", "agent", "invite"]
_AGENT = ["listen=", "working-dir=", "share=", "share-rw=", "authorized-keys=", "ffmpeg=", "slots=", "leave-free="]

# What holds for the files that follow: the field of a FileArgument and its option.
_FOLLOWING = {"profile": "-p", "template": "-t", "mixins": "-m", "cluster": "-c"}

_PLACE = re.compile(r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<name>[\w.-]*))(?::(?P<port>[0-9]{1,5}))?")
_SIZE = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,3})?)(?:(?P<unit>[KMGT])i?B?)?", re.IGNORECASE)
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class FileArgument:
    """A file or a list of files, with the options that were in force where it stood."""

    path: Path
    is_list: bool = False
    profile: str | None = None
    template: str | None = None
    mixins: tuple[str, ...] = ()
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class AgentArguments:
    """What the command `agent` was given; `listen` can be split with `split_address`."""

    listen: str | None = None
    working_dir: Path | None = None
    shares: tuple[Path, ...] = ()
    writable_shares: tuple[Path, ...] = ()
    invite: bool = False
    authorized_keys: tuple[Path, ...] = ()
    ffmpeg: str | None = None
    slots: int | None = None
    leave_free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command line that was understood. `ending` has the options in force behind the last file.

    `line` is what the command `trust` was given.
    """

    command: str = "run"
    files: tuple[FileArgument, ...] = ()
    ending: FileArgument = FileArgument(Path())
    configuration: Path | None = None
    host: str | None = None
    one_at_a_time: bool = False
    keep: bool = False
    verbose: bool = False
    dry_run: bool = False
    json: bool = False
    agent: AgentArguments = AgentArguments()
    line: str = ""


def parse(words: Sequence[str]) -> Arguments:
    """Understands the words behind the program's name.

    Raises UsageError.
    """
    command, rest = ("run", list(words))
    if rest and rest[0] in COMMANDS:
        command, rest = rest[0], rest[1:]
    if command == "trust":
        return _parse_trust(rest)
    found = _parse_rest(Arguments(command=command), rest)
    _CHECKS.get(found.command, _require_no_agent)(found)
    return found


def split_address(text: str) -> tuple[str, int | None]:
    """Splits `name:port`, `[fd00::1]:port`, `:port` or an address alone; the address may be empty.

    Raises UsageError.
    """
    if text.count(":") > 1 and _is_ipv6(text):
        return text, None
    found = _PLACE.fullmatch(text)
    if not text or found is None or (found["bracketed"] is not None and not _is_ipv6(found["bracketed"])):
        raise UsageError(f"{printable(text)!r} is no address; write ADDR:PORT, or [ADDR]:PORT for IPv6")
    port = int(found["port"]) if found["port"] else None
    if port is not None and port > LAST_PORT:
        raise UsageError(f"there is no port {port}; the last is {LAST_PORT}")
    return found["bracketed"] or found["name"] or "", port


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return not re.search(r"[^\w:.%-]", text)  # a zone may be anything to Python


def _parse_trust(rest: list[str]) -> Arguments:
    # Words as they are: as a path, the fingerprint would lose a slash. Windows' cmd.exe splits the quoted line.
    options, words = _options_among(getopt.gnu_getopt, rest)
    found = Arguments(command="trust", line=" ".join(words).strip())
    for name, value in options:
        found = _with_option(found, name, value)
    if found.command in ("help", "version"):
        return replace(found, line="")
    if found != Arguments(command="trust", line=found.line, verbose=found.verbose):
        raise UsageError("trust takes no options but -v")
    if not found.line:
        raise UsageError("trust takes the line that `pytranscoder agent --invite` printed on the other machine")
    return found


def _parse_rest(found: Arguments, rest: list[str]) -> Arguments:
    while rest:
        options, left = _options_among(getopt.getopt, rest)
        for name, value in options:
            found = _with_option(found, name, value)
        ended = len(left) < len(rest) and rest[len(rest) - len(left) - 1] == "--"
        files = left if ended else left[:1]
        for file in files:
            found = replace(found, files=(*found.files, replace(found.ending, path=_path(file))))
        rest = left[len(files) :]
    return found


def _require_use(found: Arguments) -> None:
    """Options that no file follows would be passed over in silence."""
    _require_no_agent(found)
    if not found.files:
        return  # they hold for the default queue file
    ending, last = found.ending, found.files[-1]
    changed = [field for field in _FOLLOWING if getattr(ending, field) != getattr(last, field)]
    # A -p that ends the effect of a -t changes both.
    names = [_FOLLOWING[field] for field in changed if getattr(ending, field)] or [_FOLLOWING[it] for it in changed]
    if names:
        what = f"{names[0]} holds" if len(names) == 1 else f"{' and '.join(names)} hold"
        where = "it" if len(names) == 1 else "them"
        raise UsageError(f"{what} for the files that follow, and none does; put {where} in front of the files")


def _require_agents_own(found: Arguments) -> None:
    if found.files:
        raise UsageError(f"agent takes no files, such as {printable(found.files[0].path)}")
    if found != Arguments(command="agent", agent=found.agent, verbose=found.verbose):
        raise UsageError("agent takes only its own options and -v; `pytranscoder --help` lists them")


def _require_no_agent(found: Arguments) -> None:
    if found.agent != AgentArguments():
        options = ", ".join(f"--{name.rstrip('=')}" for name in ("invite", *_AGENT))
        raise UsageError(f"these are options of `pytranscoder agent`: {options}")


_CHECKS: dict[str, Callable[[Arguments], None]] = {
    "run": _require_use,
    "agent": _require_agents_own,
    "help": lambda _: None,
    "version": lambda _: None,
}


def _options_among(
    getopt_like: Callable[[Sequence[str], str, Sequence[str]], Any], rest: list[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        options, left = getopt_like(rest, _SHORT, [*_LONG, *_AGENT])
    except getopt.GetoptError as exc:
        raise UsageError(f"{exc.msg}; `pytranscoder --help` lists the options") from exc
    return options, left


def _with_option(found: Arguments, name: str, value: str) -> Arguments:
    match name:
        case "-s":
            return replace(found, one_at_a_time=True)
        case "-k":
            return replace(found, keep=True)
        case "-v":
            return replace(found, verbose=True)
        case "--dry-run":
            return replace(found, dry_run=True)
        case "--json":
            return replace(found, json=True)
        case "--invite":
            return replace(found, agent=replace(found.agent, invite=True))
    if f"{name[2:]}=" in _AGENT:
        return replace(found, agent=_with_agents(found.agent, name, value))
    return _with_value(found, name, value)


def _with_value(found: Arguments, name: str, value: str) -> Arguments:
    match name:
        case "-h" | "--help":
            return replace(found, command="help")
        case "--version":
            return replace(found, command="version")
        case "--agent":
            return replace(found, command="agent")
        case "-y":
            return replace(found, configuration=_path(value))
        case "--host":
            if found.host not in (None, value):
                raise UsageError(f"--host {printable(found.host or '')} and --host {printable(value)}; name one")
            return replace(found, host=value)
        case "--from-file":
            listed = replace(found.ending, path=_list_path(value), is_list=True)
            return replace(found, files=(*found.files, listed))
        case "-c":
            _require_files_before(found, value)
    return replace(found, ending=_in_force(found.ending, name, value))


def _require_files_before(found: Arguments, cluster: str) -> None:
    """Who names two clusters in a row wants both for all files, which is not what happens."""
    former = found.ending.cluster
    has_files = bool(found.files) and found.files[-1].cluster == former
    if former not in (None, cluster) and not has_files:
        raise UsageError(
            f"no file follows -c {printable(former)}, only -c {printable(cluster)}; "
            "a file is encoded on one cluster: leave one out, or put files behind each"
        )


def _in_force(ending: FileArgument, name: str, value: str) -> FileArgument:
    match name:
        case "-p":
            return replace(ending, profile=value, template=None)
        case "-t":
            return replace(ending, template=value, profile=None)
        case "-c":
            return replace(ending, cluster=value)
    return replace(ending, mixins=tuple(mixin for mixin in value.split(",") if mixin))


def _with_agents(agent: AgentArguments, name: str, value: str) -> AgentArguments:
    match name:
        case "--listen":
            split_address(value)
            return replace(agent, listen=value)
        case "--working-dir":
            return replace(agent, working_dir=_path(value))
        case "--share":
            return replace(agent, shares=(*agent.shares, _path(value)))
        case "--share-rw":
            return replace(agent, writable_shares=(*agent.writable_shares, _path(value)))
        case "--authorized-keys":
            return replace(agent, authorized_keys=(*agent.authorized_keys, _path(value)))
        case "--ffmpeg":
            _path(value)
            return replace(agent, ffmpeg=value)  # as it is: a path would lose the `./` in front
        case "--slots":
            return replace(agent, slots=_slots(value))
    return replace(agent, leave_free_bytes=_size_bytes(value))


def _slots(word: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", word) or int(word) == 0:
        raise UsageError(f"--slots {printable(word)} is no number of encodes at a time; write 1 or more")
    return int(word)


def _size_bytes(word: str) -> int:
    found = _SIZE.fullmatch(word)
    if found is None:
        raise UsageError(f"--leave-free {printable(word)} is no size; write it like 500M or 20G")
    return int(float(found["number"]) * _UNITS.get((found["unit"] or "").upper(), 1))


def _list_path(word: str) -> Path:
    if word == "-":
        raise UsageError("--from-file reads a file; write /dev/stdin for a pipe, and ./- for a file of that name")
    return _path(word)


def _path(word: str) -> Path:
    if not word:
        raise UsageError("an empty file name")
    return Path(word)
