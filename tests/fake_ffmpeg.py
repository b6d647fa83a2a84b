#!/usr/bin/env -S python3 -S -E
"""An ffmpeg that misbehaves as it is told: ``fake_ffmpeg.py BEHAVIOUR REAL DIARY ARGUMENT...``.

REAL is an ffmpeg, which answers all but encodes, and makes what a behaviour lets come about. DIARY is a file in which
each encode notes its start and end; it is also how several encodes know of each other. Imports little, to start fast.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

PACE_S = 0.05
PATIENCE_S = 20.0
FLOOD_BYTES_PER_S = 10_000_000
FLOOD_S = 1.5
SLOW_S = 1.5


class Encode:
    """One encode that was asked for."""

    def __init__(self, real: str, diary: str, words: list[str]) -> None:
        self.real = real
        self.diary = diary
        self.words = words
        self.output = words[-1].removeprefix("file:")

    def really(self, *options: str, quiet: bool = False) -> int:
        """Let the real ffmpeg do it, with more options for the output; `quiet` keeps its progress back."""
        words = ["file:/dev/null" if quiet and word == "pipe:1" else word for word in self.words]
        child = os.posix_spawn(self.real, [self.real, *words[:-1], *options, self.output], os.environ)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def note(self, what: str) -> None:
        """Add a line to the diary."""
        source = self.words[self.words.index("-i") + 1]
        line = f"{what}\t{os.getpid()}\t{time.monotonic()}\t{os.path.basename(source)}\n"  # noqa: PTH119  # no pathlib
        with open(self.diary, "ab") as diary:  # noqa: PTH123  # as above
            diary.write(os.fsencode(line))

    def count(self, what: str) -> int:
        """Return how many lines of a kind the diary has."""
        with open(self.diary, "rb") as diary:  # noqa: PTH123  # as above
            return sum(line.startswith(os.fsencode(what)) for line in diary)


def say(text: str) -> None:
    """Print at once; a reader that is gone is none of ffmpeg's business."""
    with suppress(BrokenPipeError):
        os.write(1, text.encode())


def progress(position_s: float, size_bytes: int, *, ended: bool = False) -> None:
    """Print a block of progress."""
    say(f"frame={int(position_s * 25)}\nfps=25.0\ntotal_size={size_bytes}\nout_time_us={int(position_s * 1e6)}\n")
    say(f"speed= 1.0x\nprogress={'end' if ended else 'continue'}\n")


def ignore_signals() -> None:
    """Ignore all signals that ask politely."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def wait_forever() -> int:
    """Do nothing until a signal ends it."""
    while True:
        signal.pause()


def normal(encode: Encode) -> int:
    """Be the real one."""
    return encode.really()


def cut_in_time(encode: Encode) -> int:
    """End early as if the source did, which is what a truncated one makes ffmpeg do."""
    return encode.really("-t", "0.8")


def cut_in_bytes(encode: Encode) -> int:
    """Leave half a file."""
    status = encode.really()
    os.truncate(encode.output, os.stat(encode.output).st_size // 2)  # noqa: PTH116  # no pathlib
    return status


def corrupt(encode: Encode) -> int:
    """Leave a file whose frames cannot all be decoded, though it has all of them."""
    status = encode.really()
    with open(encode.output, "r+b") as output:  # noqa: PTH123  # no pathlib
        output.seek(os.stat(encode.output).st_size // 3)  # noqa: PTH116  # as above
        output.write(b"\xff" * 64)
    return status


def empty(encode: Encode) -> int:
    """Leave a file with nothing in it."""
    os.close(os.open(encode.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    progress(2, 0, ended=True)
    return 0


def garbage(encode: Encode) -> int:
    """Leave a file that is no media."""
    with open(encode.output, "wb") as output:  # noqa: PTH123  # no pathlib
        output.write(b"this is no film. " * 1000)
    progress(2, 17000, ended=True)
    return 0


def stream_missing(encode: Encode) -> int:
    """Leave out the sound."""
    return encode.really("-an")


def fails_at_end(encode: Encode) -> int:
    """Write all of it, then say that it failed."""
    encode.really()
    os.write(2, b"Error writing trailer: Input/output error\n")
    return 1


def no_end(encode: Encode) -> int:
    """Write all of it and exit with 0, without the word that it has finished."""
    progress(1, 1000)
    return encode.really(quiet=True)


def stall(_encode: Encode) -> int:
    """Begin, then make no progress, though it goes on talking."""
    progress(0.2, 500)
    progress(0.4, 1000)
    while True:
        time.sleep(PACE_S)
        progress(0.4, 1000)


def silent(_encode: Encode) -> int:
    """Begin, then say nothing more."""
    progress(0.2, 500)
    return wait_forever()


def stubborn(encode: Encode) -> int:
    """Ignore all polite requests to stop, and go on."""
    ignore_signals()
    return endless(encode)


def endless(_encode: Encode) -> int:
    """Make small progress for ever."""
    position_s = 0.0
    while True:
        position_s += 0.001
        progress(position_s, int(position_s * 1000))
        time.sleep(PACE_S)


def bloat(_encode: Encode) -> int:
    """Make an output that is larger than any source, for ever."""
    position_s = 0.0
    while True:
        position_s = min(position_s + 0.1, 1.9)
        progress(position_s, 10_000_000)
        time.sleep(PACE_S)


def flood(encode: Encode) -> int:
    """Write garbage without a newline to standard error at 10 MB/s, and do the work."""
    chunk = bytes(range(11, 256)) * 400
    begun, written = time.monotonic(), 0
    while (elapsed_s := time.monotonic() - begun) < FLOOD_S:
        written += os.write(2, chunk)
        time.sleep(max(0.0, written / FLOOD_BYTES_PER_S - elapsed_s))
    return encode.really()


def odd_progress(encode: Encode) -> int:
    """Print values that are not available, negative, missing or not numbers before the real ones."""
    say("frame=N/A\nfps=N/A\ntotal_size=N/A\nout_time_us=N/A\nspeed=N/A\nprogress=continue\n")
    say("out_time_us=-9223372036854775807\nout_time_ms=-9223372036854775807\ntotal_size=-1\nprogress=continue\n")
    say("progress=continue\nfps=nan\nspeed=infx\nout_time_us=1e400\nprogress=continue\n=\n===\nno progress at all\n")
    return encode.really()


def no_space(_encode: Encode) -> int:
    """Find the disk full."""
    progress(0.2, 500)
    os.write(2, b"av_interleaved_write_frame(): No space left on device\nConversion failed!\n")
    return 1


def no_session(_encode: Encode) -> int:
    """Find that the card takes no more sessions."""
    os.write(2, b"[hevc_nvenc @ 0x55] OpenEncodeSessionEx failed: out of memory (10): (no details)\n")
    return 1


def one_session(encode: Encode) -> int:
    """Take one session at a time; the first one lasts until a second one was turned away."""
    with open(f"{encode.diary}.session", "wb") as session:  # noqa: PTH123  # no pathlib
        try:
            fcntl.flock(session, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            encode.note("turned away")
            return no_session(encode)
        return encode.really() if linger(lambda: encode.count("turned away") > 0) else 1


def grandchild(encode: Encode) -> int:
    """Leave the work to a child that ignores polite requests, as wrapper scripts do, and end before it."""
    if os.fork() == 0:
        ignore_signals()
        wait_forever()
    return silent(encode)


def orphan(encode: Encode) -> int:
    """Do the work, but leave a child running that holds no pipe of ours."""
    if os.fork() == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        wait_forever()
    return encode.really()


def meet(encode: Encode, number: int) -> int:
    """Go on until so many encodes have begun, then do the work."""
    return encode.really() if linger(lambda: encode.count("start") >= number) else 1


def linger(is_over: Callable[[], bool]) -> bool:
    """Make progress until something has happened; False when it never does."""
    until = time.monotonic() + PATIENCE_S
    position_s = 0.0
    while not is_over():
        if time.monotonic() > until:
            os.write(2, b"waited in vain\n")
            return False
        position_s += 0.001
        progress(position_s, int(position_s * 1000))
        time.sleep(PACE_S)
    return True


def gate(encode: Encode) -> int:
    """Do the work, but end only once a test has made the file DIARY.open."""
    return end_when(encode, lambda: os.path.exists(f"{encode.diary}.open"))  # noqa: PTH110  # no pathlib


def slow(encode: Encode) -> int:
    """Do the work, but take more time."""
    until = time.monotonic() + SLOW_S
    return end_when(encode, lambda: time.monotonic() > until)


def end_when(encode: Encode, is_over: Callable[[], bool]) -> int:
    """Do the work, but say so only once something has happened."""
    status = encode.really(quiet=True)
    if not linger(is_over):
        return 1
    progress(2, os.stat(encode.output).st_size if status == 0 else 0, ended=True)  # noqa: PTH116  # no pathlib
    return status


def moody(encode: Encode) -> int:
    """Behave as the next line of the file DIARY.moods says, or well when there is none left."""
    with open(f"{encode.diary}.moods") as file:  # noqa: PTH123  # no pathlib
        moods = file.read().split()
    number = encode.count("start") - 1
    mood = moods[number] if number < len(moods) else "normal"
    encode.note(mood)
    return BEHAVIOURS[mood](encode)


def good_once(encode: Encode) -> int:
    """Do the work of the first encode; the others never end."""
    return encode.really() if encode.count("start") == 1 else endless(encode)


BEHAVIOURS: dict[str, Callable[[Encode], int]] = {
    function.__name__: function
    for function in (
        *(normal, cut_in_time, cut_in_bytes, corrupt, empty, garbage, stream_missing, fails_at_end, no_end),
        *(stall, silent, stubborn, endless, bloat, flood, odd_progress, no_space, no_session, one_session),
        *(grandchild, orphan, gate, slow, moody, good_once),
    )
}


def main(behaviour: str, real: str, diary: str, words: list[str]) -> int:
    """Encode as told; leave all else to the real one."""
    if "-progress" not in words:
        os.execv(real, [real, *words])  # noqa: S606  # no shell is what we want
    encode = Encode(real, diary, words)
    encode.note("start")
    name, _, number = behaviour.partition("=")
    status = meet(encode, int(number)) if name == "meet" else BEHAVIOURS[name](encode)
    encode.note("end")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
