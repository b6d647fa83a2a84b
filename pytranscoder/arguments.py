"""The command line: words to values. Opens no file; imports nothing slow, as `--version` must answer at once."""

import getopt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytranscoder.errors import UsageError

COMMANDS = ("agent", "init", "doctor", "history", "undo", "demo")

HELP = """\
usage: pytranscoder [options] [file ...]
       pytranscoder init | history [--json] | demo [folder]

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

exit status: 0 all encoded, skipped or rejected; 1 some failed; 2 usage or configuration;
3 no usable host; 130 interrupted
"""

_SHORT = "c:p:t:m:skvy:h"
_LONG = ["from-file=", "host=", "dry-run", "json", "help", "version", "agent"]


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
class Arguments:
    """A command line that was understood. `ending` has the options in force behind the last file."""

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


def parse(words: Sequence[str]) -> Arguments:
    """Understands the words behind the program's name.

    Raises UsageError.
    """
    command, rest = ("run", list(words))
    if rest and rest[0] in COMMANDS:
        command, rest = rest[0], rest[1:]
    found = Arguments(command=command)
    while rest:
        options, left = _next_options(rest)
        for name, value in options:
            found = _with_option(found, name, value)
        ended = len(left) < len(rest) and rest[len(rest) - len(left) - 1] == "--"
        files = left if ended else left[:1]
        for file in files:
            found = replace(found, files=(*found.files, replace(found.ending, path=_path(file))))
        rest = left[len(files) :]
    return found


def _next_options(rest: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        return getopt.getopt(rest, _SHORT, _LONG)
    except getopt.GetoptError as exc:
        raise UsageError(f"{exc.msg}; `pytranscoder --help` lists the options") from exc


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
            return replace(found, host=value)
        case "--from-file":
            listed = replace(found.ending, path=_path(value), is_list=True)
            return replace(found, files=(*found.files, listed))
    return replace(found, ending=_in_force(found.ending, name, value))


def _in_force(ending: FileArgument, name: str, value: str) -> FileArgument:
    match name:
        case "-p":
            return replace(ending, profile=value, template=None)
        case "-t":
            return replace(ending, template=value, profile=None)
        case "-c":
            return replace(ending, cluster=value)
    return replace(ending, mixins=tuple(mixin for mixin in value.split(",") if mixin))


def _path(word: str) -> Path:
    if not word:
        raise UsageError("an empty file name")
    return Path(word)
