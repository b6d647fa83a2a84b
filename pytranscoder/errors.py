"""Every error that pytranscoder raises on purpose. They carry data and build their sentence from it.

TranscoderError
├── UsageError                 the command line cannot be carried out (exit 2)
├── ConfigError                every problem of the configuration at once (exit 2)
├── NoHostError                there is no host to encode on (exit 3)
├── StateError                 the journal cannot be used (exit 2)
├── ForbiddenError             what an agent was asked for is not allowed
├── MediaError                 the fault is in the file
│   ├── UnreadableMediaError   it cannot be read as media
│   ├── DamagedMediaError      its packets end before its header says
│   ├── SourceChangedError     it is not the file that was probed any more
│   └── PlanError              no encode can be planned for it
├── HostError                  the fault is in the machine
│   ├── UnreachableError       no connection can be made to it (exit 3)
│   ├── ForeignShellError      its login shell does not understand what it is told
│   ├── LostError              its connection is gone in mid-work
│   ├── TransferError          a file cannot be copied to it or from it
│   ├── FfmpegMissingError     no ffmpeg can be run there (exit 3)
│   ├── SpaceError             its disk is full
│   ├── UnfitError             it cannot do this one job, and others it can
│   └── CapacityError          the encoder takes no more sessions at the moment
└── EncodeError                the fault is in the encode
    ├── EncodeFailedError      ffmpeg ended with an error
    │   └── KilledError        something else than this program stopped it
    ├── StalledError           ffmpeg made no progress for too long
    ├── VerifyError            the output is not what it should be
    └── ReplaceError           this machine cannot check the output or put it in place
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from os import PathLike, fspath

# What ffmpeg says after the reason: each of its threads tells that it ends.
_SAYS_NOTHING = (
    "Task finished with error code",
    "Terminating thread with return code",
    "Error muxing a packet",
    "Last message repeated",
    "Conversion failed!",
)


class Fault(StrEnum):
    """Who is to blame for a failed attempt: it decides whether and where the job is tried again."""

    HOST = "host"
    FILE = "file"


def printable(text: "str | PathLike[str]") -> str:
    r"""The text on one line: control characters and bytes that are not UTF-8 as escapes (``\n``, ``\xff``)."""
    text = fspath(text)
    return text if text.isprintable() else "".join(_escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python spells an undecodable byte in a file name (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    return char.encode("unicode_escape").decode("ascii")


class TranscoderError(Exception):
    """The root of the tree; `str()` is a sentence for the user."""


class UsageError(TranscoderError):
    """The command line cannot be carried out."""


class NoHostError(TranscoderError):
    """There is no host to encode on."""


class StateError(TranscoderError):
    """The journal cannot be opened or written."""


class ForbiddenError(TranscoderError):
    """What was asked of this agent is not allowed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file. `line` counts from 1; `where` is the path in the document."""

    file: str
    line: int | None
    where: str
    message: str
    remedy: str | None = None

    def __str__(self) -> str:
        place = f"{printable(self.file)}:{self.line}" if self.line else printable(self.file)
        where = f" {self.where}:" if self.where else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}:{where} {self.message}{remedy}"


class ConfigError(TranscoderError):
    """The configuration has mistakes; `problems` has all of them in the order of their lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class AttemptError(TranscoderError):
    """An attempt could not be finished; `fault` says why, `retry_here` whether its host is as good as another now.

    To other hosts with a fault of their own the job goes back only when there is nobody else.
    """

    fault = Fault.FILE
    retry_here = False


class MediaError(AttemptError):
    """The fault is in the file."""

    def __init__(self, path: "str | PathLike[str]", reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{printable(path)}: {reason}")


class UnreadableMediaError(MediaError):
    """The file cannot be read as media."""


class DamagedMediaError(MediaError):
    """The packets of the file end before its header says."""


class SourceChangedError(MediaError):
    """The source is not the file that was probed any more: other contents, gone, or its share is unmounted."""


class PlanError(MediaError):
    """No encode can be planned for this file."""


class HostError(AttemptError):
    """The fault is in the machine `host`."""

    fault = Fault.HOST

    def __init__(self, host: str, reason: str) -> None:
        self.host = host
        self.reason = reason
        super().__init__(f"host {host}: {reason}")


class UnreachableError(HostError):
    """No connection can be made: refused, timed out, another host key, our key not accepted."""

    retry_here = True


class ForeignShellError(HostError):
    """The login shell does not understand what it is told: it may be the shell of another system."""


class LostError(HostError):
    """The connection is gone in mid-work; what ran there ends by itself."""

    retry_here = True


class TransferError(HostError):
    """A file could not be copied to the host or from it."""

    retry_here = True


class FfmpegMissingError(HostError):
    """No ffmpeg can be run on the host."""


class SpaceError(HostError):
    """A disk of the host is full."""


class UnfitError(HostError):
    """The host cannot do this one job: it has no room for the film, or may not write where the output belongs."""


class CapacityError(HostError):
    """The encoder takes no more sessions at the moment; not a failure, the job waits."""

    retry_here = True


class EncodeError(AttemptError):
    """The fault is in the encode."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class EncodeFailedError(EncodeError):
    """ffmpeg ended with an error. `stderr_tail` has its last lines, oldest first."""

    remark = ""

    def __init__(self, argv: Sequence[str], exit_status: int, stderr_tail: Sequence[str]) -> None:
        self.argv = tuple(argv)
        self.exit_status = exit_status
        self.stderr_tail = tuple(stderr_tail)
        super().__init__(f"ffmpeg {_ending(exit_status)}{self.remark}{_last_words(stderr_tail)}")

    @property
    def command(self) -> str:
        """The command, ready to paste into a POSIX shell."""
        return shlex.join(self.argv)


class KilledError(EncodeFailedError):
    """Something else than this program stopped ffmpeg: its machine ran out of memory, shut down, or somebody did it."""

    fault = Fault.HOST
    retry_here = True
    remark = ", stopped from outside"


class StalledError(EncodeError):
    """ffmpeg made no progress for `after_s` seconds and was stopped."""

    fault = Fault.HOST
    retry_here = True

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        super().__init__(f"no progress for {after_s:g} s, stopped")


class VerifyError(EncodeError):
    """The output is not what it should be; the source was left alone."""


class ReplaceError(EncodeError):
    """This machine cannot check the output or put it in place; the source was left alone."""


def first_leaf(group: BaseExceptionGroup) -> BaseException:
    """Returns the first error of a group that is no group itself: the one that ended the task group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _ending(exit_status: int) -> str:
    # A negative status is Python's, one above 128 the shell's way to say "ended by a signal";
    # ffmpeg itself exits with 255 after SIGTERM or SIGINT (fftools/ffmpeg.c).
    if exit_status < 0:
        return f"was ended by signal {-exit_status}"
    if 128 < exit_status < 160:
        return f"was ended by signal {exit_status - 128}"
    return f"exited with status {exit_status}"


def _last_words(stderr_tail: Sequence[str]) -> str:
    telling = [line for line in stderr_tail if not any(phrase in line for phrase in _SAYS_NOTHING)] or stderr_tail
    return f": {printable(' | '.join(telling[-3:]))}" if telling else ""
