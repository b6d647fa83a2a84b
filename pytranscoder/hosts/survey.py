"""What a host is and has: operating system, ffmpeg, room in its working directory. Asks only, changes nothing there."""

from dataclasses import dataclass

from pytranscoder.errors import FfmpegMissingError, HostError
from pytranscoder.hosts.definition import HostDefinition
from pytranscoder.hosts.ffmpeg import ANSWER_WITHIN_S, Ffmpeg, check_ffmpeg
from pytranscoder.hosts.transport import Files, Transport

# Where ffmpeg is found when PATH does not name it: a login over ssh that runs one command reads no profile, so that
# what Homebrew, MacPorts or a NAS's packages add to PATH is missing.
PLACES = (
    "ffmpeg",
    "/usr/local/bin/ffmpeg",
    "/opt/homebrew/bin/ffmpeg",
    "/opt/local/bin/ffmpeg",
    "/snap/bin/ffmpeg",
    "/usr/lib/jellyfin-ffmpeg/ffmpeg",
)

# Arguments: the working directory or nothing, then candidates for ffmpeg. Answers in three lines: the system, the first
# ffmpeg that is there, and the nearest directory above the working directory that can be written.
_SURVEY = """\
uname -s
directory=$1
shift
for candidate; do
    case $candidate in "~/"*) candidate=$HOME/${candidate#??} ;; esac
    command -v "$candidate" 2>/dev/null && break
done || echo
[ -n "$directory" ] || exit 0
while [ ! -e "$directory" ] && [ ! -L "$directory" ] && [ "$directory" != "${directory%/*}" ]; do
    directory=${directory%/*}
    directory=${directory:-/}
done
[ -d "$directory" ] && [ -w "$directory" ] && echo "$directory"
exit 0
"""
# Arguments: a file. Answers with its size, and with a word when its folder may not be written.
# GNU and busybox know the first spelling, BSD and macOS the second. Not `wc`: busybox's reads the whole film.
_LOOK = """\
stat -L -c %s -- "$1" 2>/dev/null || stat -L -f %z -- "$1"
[ -w "${1%/*}/" ] || echo read-only
"""
_SYSTEMS = {"Linux": "linux", "Darwin": "macos"}


@dataclass(frozen=True, slots=True)
class Sight:
    """A file as a host sees it: its size, None when it does not see it, and whether its folder may be written."""

    size_bytes: int | None
    is_writable: bool = True


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What was found. `free_bytes` is None when nothing is copied to the host.

    `confinement` is what keeps the ffmpeg of an agent to its folders, empty when nothing does; None for other hosts.
    """

    os: str
    ffmpeg: Ffmpeg
    free_bytes: int | None = None
    confinement: str | None = None


async def survey(transport: Transport, definition: HostDefinition, files: Files | None) -> Surveyed:
    """Surveys a POSIX host; `files` when media is copied to it.

    Raises HostError that says what stands against using it.
    """
    wanted = (definition.ffmpeg,) if definition.ffmpeg else PLACES
    question = ("/bin/sh", "-c", _SURVEY, "sh", definition.working_dir or "", *wanted)
    answer = await transport.capture(question, ANSWER_WITHIN_S)
    lines = answer.stdout.splitlines()
    if answer.exit_status != 0 or len(lines) < 2:
        said = (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        raise HostError(definition.name, f"it has no POSIX shell that answers ({said})")
    ffmpeg = await check_ffmpeg(transport, _require_ffmpeg(definition, lines[1]))
    free_bytes = await files.free_bytes(_require_directory(definition, lines[2:])) if files else None
    return Surveyed(_SYSTEMS.get(lines[0], lines[0].lower()), ffmpeg, free_bytes)


def _require_ffmpeg(definition: HostDefinition, found: str) -> str:
    if found:
        return found
    if definition.ffmpeg:
        raise FfmpegMissingError(
            definition.name, f"no ffmpeg at {definition.ffmpeg}; correct `ffmpeg` of this host in the configuration"
        )
    raise FfmpegMissingError(definition.name, "no ffmpeg found; install it there, or say where it is with `ffmpeg`")


def _require_directory(definition: HostDefinition, lines: list[str]) -> str:
    if not lines:
        user = f" by {definition.user}" if definition.user else ""
        raise HostError(
            definition.name,
            f"working_dir {definition.working_dir} cannot be written{user}; change its owner or choose another",
        )
    return lines[0]


async def look_on_host(transport: Transport, path: str) -> Sight:
    """Looks at a file as the host sees it, from a shell there."""
    answer = await transport.capture(("/bin/sh", "-c", _LOOK, "sh", path), ANSWER_WITHIN_S)
    words = answer.stdout.split()
    size_bytes = int(words[0]) if words and words[0].isdigit() else None
    return Sight(size_bytes, is_writable="read-only" not in words)
