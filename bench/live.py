"""How much memory and time the manager takes while many encodes run on hosts. Linux only: it reads ``/proc``."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.laboratory import open_lab
from bench.process import cpu_s, peak_mb
from bench.result import Result
from bench.terminal import run_on_terminal
from bench.workshop import Workshop, write_library
from tests.lab.host import Host
from tests.lab.lab import Lab

HOSTS = 4
ENCODES = 64
FILM_S = 600.0
CPU_LIMIT_PERCENT = 5
MEMORY_LIMIT_MB = 250
WINDOW_S = 20.0
BEGUN_WITHIN_S = 120.0

# Says as often as it is told to what ffmpeg says, for ever; so many real ones would take the whole machine.
_STAND_IN = """\
#!/bin/sh
case " $* " in
*" -progress "*) echo >>{begun} ;;
*) exec {ffmpeg} "$@" ;;
esac
words="$*"
period=${{words#*-stats_period }}
period=${{period%% *}}
second=0
while :; do
    second=$((second + period))
    printf '%s\\n' frame=$((second * 25)) fps=25.00 stream_0_0_q=28.0 bitrate=8.0kbits/s total_size=$((second * 99)) \\
        out_time_us=${{second}}000000 out_time_ms=${{second}}000000 out_time=00:00:00.000000 dup_frames=0 \\
        drop_frames=0 speed=1.0x progress=continue
    sleep "$period"
done
"""


def measure(runs: int) -> Iterator[Result]:  # noqa: ARG001  # one run for each way to tell of them
    """Let all hosts encode, with the board on a terminal and with JSON lines."""
    with open_lab() as (lab, workshop):
        hosts = [_make_host(lab, f"host{number}") for number in range(HOSTS)]
        command = _command(lab, workshop, hosts)
        with run_on_terminal(command, workshop.environment) as manager:
            yield from _watch(manager, hosts, f"{ENCODES} encodes, board")
        with _run_quietly([*command, "--json"], workshop.environment) as manager:
            yield from _watch(manager, hosts, f"{ENCODES} encodes, --json")


def _make_host(lab: Lab, name: str) -> Host:
    host = lab.host(name)
    host.share(lab.place.media)
    stand_in = host.root / "bin" / "ffmpeg"
    stand_in.write_text(_STAND_IN.format(begun=host.diary, ffmpeg=host.ffmpeg))
    stand_in.chmod(0o755)
    host.ffmpeg = str(stand_in)
    return host


def _command(lab: Lab, workshop: Workshop, hosts: Sequence[Host]) -> list[str]:
    queues = {"default": ENCODES // HOSTS}
    cluster = {name: entry for host in hosts for name, entry in host.mounted(queues=queues).items()}
    clip = workshop.make_clip("clip.mkv", seconds=FILM_S, size="64x36")
    films = write_library(clip, lab.place.media / "films", ENCODES)
    configuration = workshop.configure(clusters={"home": cluster})
    return workshop.command("-y", str(configuration), "-p", "bench", "-c", "home", *map(str, films))


@contextmanager
def _run_quietly(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as program:
        try:
            yield program.pid
        finally:
            program.terminate()


def _watch(manager: int, hosts: Sequence[Host], name: str) -> Iterator[Result]:
    _wait_until_all_encode(hosts)
    before = cpu_s(manager)
    time.sleep(WINDOW_S)
    cpu_percent = 100 * (cpu_s(manager) - before) / WINDOW_S
    yield Result(f"{name}, manager", cpu_percent, "%", CPU_LIMIT_PERCENT, is_absolute=True)
    yield Result(f"{name}, manager's peak", peak_mb(manager), "MB", MEMORY_LIMIT_MB, is_absolute=True)
    for host in hosts:
        host.diary.unlink()


def _wait_until_all_encode(hosts: Sequence[Host]) -> None:
    deadline = time.monotonic() + BEGUN_WITHIN_S
    while sum(host.diary.read_text().count("\n") for host in hosts if host.diary.exists()) < ENCODES:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all encodes began within {BEGUN_WITHIN_S:g} s")
        time.sleep(1)
