"""The shell script that stands between us and a long command on a POSIX host. Starts nothing itself.

It is sent with the command, nothing is installed. It works with dash, bash and busybox.
"""

# Arguments: grace in seconds, the partial file, then the command. It leads a process group of its own (the transport
# sees to that), so `kill 0` reaches the command and its children and nobody else.
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
SCRIPT = """\
grace=$1 partial=$2
shift 2
stopping=
trap : HUP INT PIPE
trap stopping=1 TERM
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
{
    trap '' HUP INT TERM
    word=
    while read -r word && [ "$word" != stop ]; do :; done <&3
    kill -TERM 0
    n=0
    while [ "$n" -lt "$grace" ] && kill -0 "$child"; do
        sleep 0.2 || sleep 1
        n=$((n + 1))
    done
    kill -KILL "$child"
    [ "$word" = stop ] && exit
    rm -f -- "$partial"
    kill -KILL 0
} >/dev/null 2>&1 &
watcher=$!
exec 3<&-
while :; do
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null || break
done
[ "$status" -eq 0 ] || rm -f -- "$partial"
[ -z "$stopping" ] || kill -KILL 0
kill -KILL "$watcher" 2>/dev/null
exit "$status"
"""

# How long a command may take to obey TERM, in seconds and in the script's steps of 0.2 s. On TERM ffmpeg empties its
# encoder first, seconds of work with a slow preset, for an output that is thrown away while the user waits.
GRACE_S = 1.0
GRACE_STEPS = int(GRACE_S / 0.2)


def supervised(argv: tuple[str, ...], partial: str) -> tuple[str, ...]:
    """Returns the argument vector that runs `argv` under the supervisor."""
    return ("/bin/sh", "-c", SCRIPT, "pytranscoder", str(GRACE_STEPS), partial, *argv)
