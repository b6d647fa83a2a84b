"""The manager of the chaos tests: a queue file on cluster ``home``, with shorter pauses than users have.

Otherwise it is the command with `--json`; what it takes from the command line there is fixed here.
"""

import asyncio
import secrets
import signal
import sys
from pathlib import Path

from pytranscoder.arguments import Arguments
from pytranscoder.cli import INTERRUPTED, carry_out, members
from pytranscoder.config.load import default_config_path, load_config
from pytranscoder.encode.choose import Policy
from pytranscoder.jobs.health import Pauses
from pytranscoder.jobs.sources import Request, Selection
from pytranscoder.runner import Order

CLUSTER = "home"
TELL_TASKS = signal.SIGUSR2


def main(queue_file: Path) -> int:
    """Work through the queue file and return the exit status."""
    signal.signal(TELL_TASKS, lambda *_: tell_tasks())
    config = load_config(default_config_path())
    order = Order(
        run=secrets.token_hex(4),
        requests=[Request(queue_file, Selection(), is_list=True, cluster=CLUSTER)],
        policy=Policy(profiles=config.profiles, rules=config.rules, stall_after_s=config.stall_after_s),
        hosts=members(config, [CLUSTER], None),
        retry_s=1.0,
        pauses=Pauses(host_s=0.5, file_s=1.0, longest_s=4.0),
    )
    try:
        return carry_out(order, Arguments(json=True), color=None)
    except KeyboardInterrupt:  # before the run has begun to listen for it
        return INTERRUPTED


def tell_tasks() -> None:
    """Print what every task waits for, to find out why a run does not end."""
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
