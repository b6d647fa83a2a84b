"""From understood arguments to an exit status: loads the configuration, starts the run, shows it."""

import glob
import logging
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from platformdirs import user_state_path

from pytranscoder import event_loop
from pytranscoder.arguments import Arguments, FileArgument
from pytranscoder.config.load import default_config, default_config_path, load_config
from pytranscoder.config.settings import Config
from pytranscoder.config.starter import write_starter
from pytranscoder.encode.choose import Policy
from pytranscoder.errors import (
    ConfigError,
    FfmpegMissingError,
    NoHostError,
    StateError,
    TranscoderError,
    UnreachableError,
    UsageError,
    printable,
)
from pytranscoder.fleet import Member, local_member
from pytranscoder.hosts.agents.trust import Trust, default_trust_folder
from pytranscoder.hosts.definition import HostDefinition, HostType
from pytranscoder.jobs.events import Notice, RunFinished
from pytranscoder.jobs.journal import Journal
from pytranscoder.jobs.sources import Request, Selection, require_list
from pytranscoder.runner import Order, Runner
from pytranscoder.ui.history import history_json_lines, render_runs
from pytranscoder.ui.output import Output
from pytranscoder.ui.screen import make_screen

NO_HOST = 3
INTERRUPTED = 130


def run_command(arguments: Arguments) -> int:
    """Runs a command and returns its exit status; what goes wrong is told on standard error."""
    if not arguments.verbose:  # what libraries log, such as asyncio of a broken link, is told in our own words
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        return _COMMANDS[arguments.command](arguments)
    except (ConfigError, UsageError, StateError) as exc:
        _complain(exc, arguments)
        return 2
    except (FfmpegMissingError, NoHostError, UnreachableError) as exc:
        _complain(exc, arguments)
        return NO_HOST
    except TranscoderError as exc:
        _complain(exc, arguments)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as exc:  # noqa: BLE001  # main's boundary: no traceback reaches a user who did not ask for it
        _complain(exc, arguments)
        sys.stderr.write("this is a mistake in pytranscoder; -v shows where\n")
        return 1


def _complain(exc: Exception, arguments: Arguments) -> None:
    if arguments.verbose:
        sys.stderr.write("".join(traceback.format_exception(exc)))
    what = f"{type(exc).__name__}: {exc}" if not isinstance(exc, TranscoderError) else str(exc)
    for line in what.splitlines():
        sys.stderr.write(f"pytranscoder: {line}\n")


def _run(arguments: Arguments) -> int:
    config = _load(arguments)
    requests = _requests(arguments, config)
    if not requests:
        if arguments.ending.cluster is not None:
            _hosts(config, arguments.ending.cluster, arguments.host)  # a wrong name shall not wait for a film
        sys.stderr.write(f"nothing to do: {printable(config.default_queue_file or '')} is not there\n")
        return 0
    order = Order(
        run=secrets.token_hex(4),
        requests=requests,
        policy=_policy(arguments, config),
        hosts=members(config, [request.cluster for request in requests], arguments.host),
        ffmpeg=config.ffmpeg,
        one_at_a_time=arguments.one_at_a_time,
        notices=_notices(config),
    )
    return carry_out(order, arguments, config.colorize)


def carry_out(order: Order, arguments: Arguments, color: bool | None) -> int:
    """Runs an order with its journal and its screen, and returns the exit status."""
    journal = None if arguments.dry_run else Journal(user_state_path("pytranscoder"))
    try:
        with make_screen(
            json=arguments.json,
            dry_run=arguments.dry_run,
            verbose=arguments.verbose,
            color=color,
            stdout=sys.stdout,
            stderr=sys.stderr,
        ) as screen:
            runner = Runner(order, journal, [screen.handle])
            if journal is not None:
                journal.begin_run(order.run, time.time())
            finished = event_loop.run(runner.run())
    finally:
        if journal is not None:
            journal.close()
    return exit_status(finished)


def exit_status(finished: RunFinished) -> int:
    """Returns the exit status that tells how a run went."""
    if finished.interrupted:
        return INTERRUPTED
    if finished.no_host:
        return NO_HOST
    return 1 if finished.failed else 0


def _load(arguments: Arguments) -> Config:
    if arguments.configuration is not None:
        return load_config(arguments.configuration)
    path = default_config_path()
    return load_config(path) if path.exists() else default_config()


def _policy(arguments: Arguments, config: Config) -> Policy:
    return Policy(
        profiles=config.profiles,
        templates=config.templates,
        rules=config.rules,
        automap=config.automap,
        keep=arguments.keep,
        own_name=config.source is None and not arguments.keep,
        # Absolute: the journal has its names for a later start elsewhere, and ffmpeg must not take one for an option.
        fls_path=config.fls_path and config.fls_path.absolute(),
        stall_after_s=config.stall_after_s,
    )


def _requests(arguments: Arguments, config: Config) -> list[Request]:
    """Returns what is to be encoded; nothing when that is a default queue file which is not there."""
    if arguments.files:
        return [request for file in arguments.files for request in _expand_globs(file)]
    if config.default_queue_file is None:
        raise UsageError("no files: name some, or set `default_queue_file` in the configuration")
    if not config.default_queue_file.exists():
        return []
    return [_request(replace(arguments.ending, is_list=True), config.default_queue_file)]


def members(config: Config, clusters: Iterable[str | None], host: str | None) -> list[Member]:
    """Returns the hosts of these clusters; None stands for this machine alone. `host` picks one of each cluster.

    Raises UsageError for a cluster or host that does not exist, NoHostError when all are disabled.
    """
    wanted = list(dict.fromkeys(clusters))
    if host is not None and None in wanted:
        raise UsageError("--host picks a host of a cluster; name the cluster with -c in front of the files")
    return [member for cluster in wanted for member in _members_of(config, cluster, host)]


def _members_of(config: Config, cluster: str | None, host: str | None) -> list[Member]:
    if cluster is None:
        return [local_member(config.ffmpeg, config.queues)]
    hosts = _hosts(config, cluster, host)
    if not hosts:
        raise NoHostError(f"cluster {cluster} has no hosts; add one in the configuration")
    chosen = [definition for name, definition in hosts.items() if host in (None, name) and definition.enabled]
    if not chosen:
        which = f"host {host} of cluster {cluster} is" if host else f"all hosts of cluster {cluster} are"
        raise NoHostError(f"{which} disabled; set `status: enabled` in the configuration")
    return [Member(_with_ffmpeg(definition, config), cluster) for definition in chosen]


def _hosts(config: Config, cluster: str, host: str | None) -> Mapping[str, HostDefinition]:
    """Returns the hosts of a cluster. Raises UsageError when it does not exist, or has no such host."""
    if cluster not in config.clusters:
        known = ", ".join(config.clusters) or "none; add it to `clusters` in the configuration"
        raise UsageError(f"unknown cluster {cluster!r}; known: {known}")
    hosts = config.clusters[cluster].hosts
    if host is not None and host not in hosts:
        known = ", ".join(hosts) or "none; add it to the cluster in the configuration"
        raise UsageError(f"cluster {cluster} has no host {host!r}; known: {known}")
    return hosts


def _with_ffmpeg(definition: HostDefinition, config: Config) -> HostDefinition:
    """This machine has the same ffmpeg in a cluster as without one, unless the host's entry names another."""
    is_silent = definition.type is HostType.LOCAL and definition.ffmpeg is None
    return replace(definition, ffmpeg=config.ffmpeg) if is_silent else definition


def _expand_globs(file: FileArgument) -> list[Request]:
    # Windows' shells leave that to the program.
    if file.is_list:
        require_list(file.path)
    paths = [file.path]
    if sys.platform == "win32" and not file.is_list and glob.has_magic(str(file.path)):
        paths = [Path(name) for name in sorted(glob.glob(str(file.path)))] or paths  # noqa: PTH207  # absolute patterns
    return [_request(file, path) for path in paths]


def _request(file: FileArgument, path: Path) -> Request:
    return Request(path, Selection(file.profile, file.template, file.mixins), file.is_list, file.cluster)


def _notices(config: Config) -> list[Notice]:
    notices = [Notice(time=time.time(), level="warning", text=str(problem)) for problem in config.warnings]
    if config.source is None:
        hint = (
            "no configuration: using the built-in profiles and keeping every source; "
            "`pytranscoder init` writes a configuration to start from"
        )
        notices.append(Notice(time=time.time(), level="info", text=hint))
    return notices


def _history(arguments: Arguments) -> int:
    _require_no_files(arguments, "it tells of all runs")
    folder = user_state_path("pytranscoder")
    runs = []
    if (folder / "journal.db").exists():
        journal = Journal(folder)
        runs = journal.history()
        journal.close()
    output = Output(sys.stdout)
    for line in history_json_lines(runs) if arguments.json else render_runs(runs):
        output.line(line)
    return 0


def _init(arguments: Arguments) -> int:
    _require_no_files(arguments, "name the file to write with -y")
    path = write_starter(arguments.configuration or default_config_path())
    sys.stdout.write(f"wrote {printable(path)}; read it, then try `pytranscoder --dry-run FILE`\n")
    return 0


def _require_no_files(arguments: Arguments, remedy: str) -> None:
    if arguments.files:
        raise UsageError(f"{arguments.command} takes no files; {remedy}")


def _demo(arguments: Arguments) -> int:
    from pytranscoder.demo import run_demo  # noqa: PLC0415  # it loads the agent, and that loads ssh

    if arguments.dry_run:
        raise UsageError("demo makes the files that it transcodes; leave out --dry-run")
    folder = arguments.files[0].path if arguments.files else Path("pytranscoder-demo")
    output = Output(sys.stderr if arguments.json else sys.stdout)
    return run_demo(folder, lambda order: carry_out(order, arguments, None), output.line)


def _agent(arguments: Arguments) -> int:
    from pytranscoder.agent.command import run_agent  # noqa: PLC0415  # as above

    return run_agent(arguments.agent, Output(sys.stdout).line)


def _trust(arguments: Arguments) -> int:
    from pytranscoder.hosts.agents.enrolment import accept  # noqa: PLC0415  # as above

    sys.stdout.write(f"{event_loop.run(accept(arguments.line, Trust(default_trust_folder())))}\n")
    return 0


def _not_yet(arguments: Arguments) -> int:
    raise UsageError(f"{arguments.command} is not in this version yet; a file of that name is ./{arguments.command}")


_COMMANDS: Mapping[str, Callable[[Arguments], int]] = {
    "run": _run,
    "history": _history,
    "init": _init,
    "demo": _demo,
    "agent": _agent,
    "trust": _trust,
    "doctor": _not_yet,
    "undo": _not_yet,
}
