"""Brings up a lab by hand: ``python -m tests.lab up 3``. Says how to try it and takes orders until it is quit."""

import argparse
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle

from tests.clips import make_clip
from tests.end_to_end.command import command
from tests.lab.commands import LabError
from tests.lab.host import SHELLS, Entry, Host
from tests.lab.lab import Lab
from tests.lab.requirements import what_is_missing

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu")
FILM_SECONDS = (5, 10, 15, 20, 30, 60)
_MULTIPLES = {"K": 1e3, "M": 1e6, "G": 1e9}


def main() -> int:
    """Bring a lab up and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Bring up hosts to try the cluster on.")
    parser.add_argument("action", choices=["up"])
    parser.add_argument("hosts", type=int, nargs="?", default=3, choices=range(1, len(NAMES) + 1), metavar="N")
    number = parser.parse_args().hosts
    if missing := what_is_missing():
        say(f"the lab {missing}")
        return 1
    with suppress(KeyboardInterrupt), Lab() as lab:
        furnish(lab, number)
        explain(lab)
        take_orders(lab)
    return 0


def furnish(lab: Lab, number: int) -> None:
    """Make hosts of each type and with each shell, films, and a configuration with two clusters."""
    home: Entry = {}
    for place, (name, shell) in enumerate(zip(NAMES[:number], cycle(SHELLS), strict=False)):
        host = lab.host(name, login_shell=shell, user="media" if place % 2 else "root")
        if place % 2:
            host.share(lab.place.media)
        home |= host.mounted() if place % 2 else host.streaming()
    work = dict(list(home.items())[:2])
    lab.configure({"home": home | lab.local(), "work": work})
    for seconds in FILM_SECONDS:
        make_clip(lab.place.media / f"film {seconds}.mp4", seconds=seconds, size="640x360", output=["-crf", "10"])


def explain(lab: Lab) -> None:
    """Say how to try it."""
    environment = " ".join(f"{name}={lab.place.environment[name]}" for name in ("HOME", "XDG_STATE_HOME"))
    say(f"configuration: {lab.place.home / '.transcode.yml'}")
    say(f"films:         {lab.place.media}")
    for host in lab.hosts.values():
        say(f"{host.name:<14} {host.user}@{host.address}, its files in {host.root}")
    say(f"\nin another terminal:\n  cd {lab.place.media}")
    say(f"  env {environment} PYTHONPATH={sys.path[0]} {shlex.join(command('-c', 'home', '-p', 'small'))} *.mp4")
    say("\norders here, with a host after each, Ctrl-C to end:")
    for name, (meaning, _) in ORDERS.items():
        say(f"  {name:<8} {meaning}")


def take_orders(lab: Lab) -> None:
    """Do what is typed, until the end of the input."""
    for line in sys.stdin:
        words = line.split()
        if words in (["quit"], ["exit"]):
            return
        if words:
            obey(lab, *words)


def obey(lab: Lab, order: str, name: str = "", *words: str) -> None:
    """Do one thing to one host."""
    if order not in ORDERS or name not in lab.hosts:
        say(f"an order is one of {', '.join(ORDERS)}, then one of {', '.join(lab.hosts)}; or quit")
        return
    meaning, act = ORDERS[order]
    try:
        act(lab.hosts[name], *words)
    except LabError as error:
        say(str(error))
    except (TypeError, ValueError):
        say(f"{order} takes: {meaning}")


def limit(host: Host, rate: str) -> None:
    """Limit the rate of its line; a letter stands for thousands."""
    factor = _MULTIPLES.get(rate[-1:].upper(), 1.0)
    host.link(rate_bit_s=float(rate.rstrip("kKmMgG")) * factor or None, delay_s=host.delay_s)


def lengthen(host: Host, delay: str) -> None:
    """Make its line so long."""
    host.link(rate_bit_s=host.rate_bit_s, delay_s=float(delay))


def show_processes(host: Host) -> None:
    """Say what runs on it."""
    for process in host.processes():
        say(f"{process.pid:>8} {process.command}")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


ORDERS: dict[str, tuple[str, Callable[..., object]]] = {
    "cut": ("pull the cable", Host.cut),
    "mend": ("plug it in again", Host.mend),
    "rate": ("bits a second in each direction, such as 10M; 0 for no limit", limit),
    "delay": ("seconds each way, such as 0.05, for new connections", lengthen),
    "cpu": ("cores it may use, such as 0.5", lambda host, cores: host.cpu(float(cores))),
    "freeze": ("let its ssh server and sessions stand still", Host.freeze),
    "thaw": ("let them go on", Host.thaw),
    "kill": ("kill its ssh server and sessions", Host.stop_server),
    "start": ("start its ssh server", Host.start_server),
    "off": ("take its power away", Host.power_off),
    "on": ("switch it on", Host.power_on),
    "reboot": ("off and on", Host.reboot),
    "key": ("give it another host key", Host.change_key),
    "ps": ("what runs on it", show_processes),
    "log": ("what its ssh server said", lambda host: say(host.server.log.read_text())),
}


if __name__ == "__main__":
    sys.exit(main())
