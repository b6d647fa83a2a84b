"""The shell script that stands between us and a long command on a POSIX host. Starts nothing itself.

It is sent with the command, nothing is installed. It works with dash, bash and busybox.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# Arguments: grace in steps of 0.2 s, the partial file, then the command. It leads a process group of its own (the
# transport sees to that), so `kill 0` reaches the command and its children and nobody else.
#
# Standard input is the owner's hand: the line `stop` or its end stops the command. An owner that is killed closes it;
# without this, ffmpeg runs on (measured with a local child as with sshd). The watcher has no output of ours open, so
# that the end of the command is the end of its streams.
#
# `wait` returns early when a trapped signal arrives, hence the loop: a finished child is a zombie, and found by
# `kill -0`, until `wait` has fetched its status.
#
# dash says "Terminated" on standard error, and when the owner is dead nobody reads that: hence the trap for PIPE.
# A command may obey TERM and a child of its not (a wrapper script and its ffmpeg): at the end of a stop all are killed.
#
# What differs here and over ssh comes before it: ptc_begin, ptc_hold, ptc_beat, ptc_end, ptc_kill, $ticker and $lease.
_BODY = """\
grace=$1 partial=$2
shift 2
stopping=
ptc_stop() {
    ptc_kill TERM
    n=0
    while [ "$n" -lt "$grace" ] && kill -0 "$child"; do
        sleep 0.2 || sleep 1
        n=$((n + 1))
    done
    kill -KILL "$child"
    [ "$1" = stop ] && exit
    rm -f -- "$partial" "$lease"
    ptc_kill KILL
}
trap : HUP INT PIPE
trap stopping=1 TERM
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
ptc_begin
{
    trap '' HUP INT TERM
    word=
    while read -r word && [ "$word" != stop ] && ptc_beat; do :; done <&3
    ptc_stop "$word"
} >/dev/null 2>&1 &
watcher=$!
exec 3<&-
ptc_hold
while :; do
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null || break
done
[ "$status" -eq 0 ] || rm -f -- "$partial"
ptc_end
[ -z "$stopping" ] || ptc_kill KILL
kill -KILL "$watcher" $ticker 2>/dev/null
exit "$status"
"""

SCRIPT = f"""\
ticker= lease=
ptc_begin() {{ :; }}
ptc_hold() {{ :; }}
ptc_beat() {{ :; }}
ptc_end() {{ :; }}
ptc_kill() {{ kill "-$1" 0; }}
{_BODY}"""

# How long a command may take to obey TERM, in seconds. On TERM ffmpeg empties its encoder first, seconds of work with a
# slow preset, for an output that is thrown away while the user waits.
GRACE_S = 1.0


def supervised(argv: tuple[str, ...], partial: str) -> tuple[str, ...]:
    """Returns the argument vector that runs `argv` under the supervisor."""
    return ("/bin/sh", "-c", SCRIPT, "pytranscoder", grace_steps(GRACE_S), partial, *argv)


def grace_steps(grace_s: float) -> str:
    """Returns a time in the script's steps of 0.2 s."""
    return str(round(grace_s / 0.2))


# Over ssh the login shell is given a constant line, so that it may be any (bash, fish, csh): what varies comes on
# standard input, which `read` takes byte by byte, so that nothing of what follows is lost.
LOGIN_COMMAND = """exec /bin/sh -c 'IFS= read -r line; eval "$line"'"""

# One line that reads the others, up to one that cannot be in them. In the locale C, as bash would take a newline after
# a byte that begins a UTF-8 character for a part of it.
_LOADER = (
    "ptc_locale=${LC_ALL-}; LC_ALL=C; ptc_newline=$(printf '\\n.'); ptc_newline=${ptc_newline%%.}; ptc_text=; "
    'while IFS= read -r line && [ "$line" != %s ]; do ptc_text=$ptc_text$line$ptc_newline; done; eval "$ptc_text"\n'
)

# What the system knows of a process: by the number of a field in /proc/PID/stat (proc(5); the command before it may
# have spaces and parentheses) or, on macOS, by the name that ps has for it.
PROCESS_FUNCTIONS = """\
ptc_field() {
    if [ -r /proc/self/stat ]; then
        ptc_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
        ptc_number=$2
        set -- ${ptc_stat##*) }
        shift $((ptc_number - 3))
        echo "$1"
    else
        echo $(LC_ALL=C TZ=UTC ps -o "$3=" -p "$1" 2>/dev/null)
    fi
}
ptc_group() { ptc_field "$1" 5 pgid; }
ptc_started() { ptc_field "$1" 22 lstart; }
"""

# Where leases are, private to the user. Homes may be shared between hosts, so that each lease bears its host's name.
LEASE_FUNCTIONS = """\
ptc_each_lease_directory() {
    for ptc_directory in "${XDG_CACHE_HOME:-${HOME:-/}/.cache}/pytranscoder/leases" \\
        "${TMPDIR:-/tmp}/pytranscoder-$(id -u)"; do
        "$@" && return
    done
}
ptc_is_private() { [ -d "$ptc_directory" ] && [ ! -h "$ptc_directory" ] && [ -O "$ptc_directory" ]; }
"""

# OpenSSH makes each command the leader of a session. Under a forced command that starts a shell of its own, it is none:
# then setsid makes it one; where there is no setsid, only the command itself is ended, never a group that is not ours.
#
# A host that does not hear of us for $ticks ticks of $tick seconds ends the command by itself: on a frozen link nothing
# else would (ssh's keep-alives do not while ffmpeg prints its progress). The ticker is told of each heartbeat by USR1,
# and is born deaf to it until it can count. Watcher and ticker stand in for each other: when either is killed, the
# other ends the command; a dead supervisor closes standard input.
#
# The status comes as a line of standard output, as that of ssh is ambiguous (255), and its end brings the end of all:
# no `sleep` is left behind. A lease without a start time would be worse than none; it is drafted under a name that
# tells whose it is, and appears whole.
_REMOTE = """\
if [ "$(ptc_group $$)" = $$ ]; then
    ptc_kill() { kill "-$1" 0; }
elif [ "$0" != again ] && command -v setsid >/dev/null; then
    export LC_ALL
    exec setsid /bin/sh -c "$ptc_text" again "$ptc_locale"
else
    ptc_kill() { [ "$1" = KILL ] || kill "-$1" "$child"; }
fi
[ "$0" != again ] || ptc_locale=$1
ptc_say() { printf '%s %s%s\\n' "$1" "$token" "${2:+ $2}"; }
ptc_require() {
    case $1 in
    */*) [ -e "$1" ] || ptc_missing='No such file or directory'
        [ -n "$ptc_missing" ] || { [ -f "$1" ] && [ -x "$1" ]; } || ptc_missing='Permission denied' ;;
    *) command -v "$1" >/dev/null || ptc_missing='No such file or directory' ;;
    esac
    [ -z "$ptc_missing" ] || { ptc_say ptc-missing "$ptc_missing"; exit 127; }
}
ptc_count() {
    silent=0
    trap silent=0 USR1
    trap '' HUP INT TERM
    while [ "$silent" -lt "$ticks" ]; do
        sleep "$tick"
        silent=$((silent + 1))
    done
    ptc_stop silence
}
ptc_usable() {
    (umask 077 && mkdir -p -- "$ptc_directory") && ptc_is_private && chmod 700 "$ptc_directory"
}
ptc_choose_lease() {
    ptc_start=$(ptc_started $$)
    [ -n "$ptc_start" ] && ptc_each_lease_directory ptc_usable && lease=$ptc_directory/$(uname -n)@$token
}
ptc_write_lease() {
    ptc_draft=$ptc_directory/.$(uname -n):$token.$$
    (umask 077 && printf '%s %s\\n%s %s\\n%s' $$ "$ptc_start" "$child" "$(ptc_started "$child")" "$partial" \\
        >"$ptc_draft") && mv -f -- "$ptc_draft" "$lease"
}
ptc_begin() {
    trap '' USR1
    ptc_count >/dev/null 2>&1 3<&- &
    ticker=$!
}
ptc_hold() { [ -z "$lease" ] || ptc_write_lease >/dev/null 2>&1; }
ptc_beat() { kill -USR1 "$ticker"; }
ptc_end() {
    [ -z "$lease" ] || rm -f -- "$lease"
    ptc_say ptc-exit "$status"
    stopping=1
}
"""

_START_REMOTE = """
lease= ptc_missing=
if [ -n "$ptc_locale" ]; then LC_ALL=$ptc_locale; else unset LC_ALL; fi
ptc_require "$3"
[ -z "$2" ] || ptc_choose_lease </dev/null >/dev/null 2>&1
ptc_say ptc-begin
"""


def exit_status(status: int) -> int:
    """Returns the exit status of a command from what a shell says of it: negative when a signal ended it."""
    return 128 - status if 128 < status < 160 else status


@dataclass(frozen=True, slots=True)
class Patience:
    """How often the owner is heard, after how much silence a remote command ends, how long it may take to obey TERM.

    In seconds; the silence is counted in ticks, and may last one more.
    """

    heartbeat_s: float = 5.0
    silence_s: float = 30.0
    tick_s: float = 5.0
    grace_s: float = GRACE_S


class Dialect(Protocol):
    """How a kind of host is told to run a command under a supervisor: one exec request, the rest on standard input.

    All say the same on standard output: ``ptc-begin TOKEN`` before the command's own lines, or ``ptc-missing TOKEN
    REASON`` instead of them, and ``ptc-exit TOKEN STATUS`` after them, the last two perhaps not at the beginning of a
    line. All stop the command at the line ``stop``, at the end of input, and after so much silence.
    """

    @property
    def command(self) -> str:
        """What the exec request says; always the same."""

    def opening(self, argv: Sequence[str], partial: str, token: str, patience: Patience) -> bytes:
        """Returns what standard input says first. The token must be one that nobody can guess."""


class PosixDialect:
    """Speaks to a POSIX host, whatever its login shell."""

    command = LOGIN_COMMAND

    def opening(self, argv: Sequence[str], partial: str, token: str, patience: Patience) -> bytes:
        """Returns the supervisor's script, with the command in it."""
        return remote_script(argv, partial, token, patience)


def remote_script(argv: Sequence[str], partial: str, token: str, patience: Patience) -> bytes:
    """Returns what to write to the standard input of `LOGIN_COMMAND` first, to run `argv` under the supervisor.

    A command with a `partial` has a lease.
    """
    settings = (
        f"token={token} tick={patience.tick_s:g} ticks={max(1, round(patience.silence_s / patience.tick_s))}\n"
        f"set -- {grace_steps(patience.grace_s)} "
    )
    words = b" ".join(_quoted(word) for word in (partial, *argv))
    terminator = f"ptc-text-{token}"
    return b"".join(
        [
            (_LOADER % terminator + PROCESS_FUNCTIONS + LEASE_FUNCTIONS + _REMOTE + settings).encode(),
            words,
            (_START_REMOTE + _BODY + terminator + "\n").encode(),
        ]
    )


def _quoted(word: str) -> bytes:
    return b"'" + os.fsencode(word).replace(b"'", rb"'\''") + b"'"
