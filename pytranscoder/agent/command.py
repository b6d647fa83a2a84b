"""The command `agent`: from its arguments to an agent that serves until it is stopped, or to a line for a manager.

Knows where an agent keeps its state and says what a person must know. Serves nothing itself.
"""

import asyncio
import ipaddress
import json
import os
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path, user_state_path

from pytranscoder import event_loop
from pytranscoder.agent.admission import Admission
from pytranscoder.agent.service import Setup, Started, started
from pytranscoder.arguments import AgentArguments, split_address
from pytranscoder.errors import FfmpegMissingError, UsageError, printable
from pytranscoder.hosts.agents.calls import AGENT_PORT, Share
from pytranscoder.hosts.agents.invitation import write_line
from pytranscoder.hosts.ffmpeg import find_local_ffmpeg
from pytranscoder.stop_signals import on_stop_signals

Say = Callable[[str], object]

_NOT_CONFINED = "ffmpeg is NOT confined: this system has no Landlock; what it is asked to do is examined all the same"

THREADS = 64
# What reaches ffmpeg of the environment in which the agent was started: what systems, graphics drivers and the search
# for programs need. Not FFREPORT and its like, which make ffmpeg write files.
_KEPT = re.compile(
    r"""PATH|HOME|USER|LOGNAME|LANG|TZ|TMPDIR|TEMP|TMP|DISPLAY|WAYLAND_DISPLAY|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|
    SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES|USERPROFILE|
    PYTHONPATH|VIRTUAL_ENV|(LC|XDG|LIBVA|VDPAU|CUDA|NVIDIA|MESA|VK|MFX|ONEVPL)_.*""",
    re.VERBOSE | re.IGNORECASE,
)


def run_agent(arguments: AgentArguments, say: Say) -> int:
    """Serves until it is stopped, which is its normal end; returns the exit status.

    With an agent running already, `--invite` prints a line for that one. Raises UsageError, FfmpegMissingError.
    """
    state = _private(user_state_path("pytranscoder") / "agent")
    admission = Admission(state, arguments.authorized_keys)
    lock = FileLock(state / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not arguments.invite:
            raise UsageError(f"an agent runs already with its state in {printable(state)}; stop that first") from None
        _invite_to_running(state, admission, say)
        return 0
    with lock:
        setup = _prepare(arguments, state)
        _keep_environment()
        event_loop.run(_serve(setup, arguments, admission, say))
    return 0


async def _serve(setup: Setup, arguments: AgentArguments, admission: Admission, say: Say) -> None:
    # A share that hangs holds up the threads that look into it; there shall be others to let managers in.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    stopped = asyncio.Event()
    with on_stop_signals(stopped.set):
        async with AsyncExitStack() as stack:
            agent = await _start(stack, setup, admission, say)
            stack.callback(_forget, setup.state)
            _record(setup.state, setup.address, agent.port)
            _introduce(setup, agent, admission, say)
            if arguments.invite:
                _invite(admission, setup.address, agent.port, say)
            await stopped.wait()
            say("stopping")


async def _start(stack: AsyncExitStack, setup: Setup, admission: Admission, say: Say) -> Started:
    try:
        return await stack.enter_async_context(started(setup, admission, say))
    except OSError as exc:
        where = f"{setup.address or 'all addresses'}, port {setup.port}"
        reason = os.strerror(exc.errno) if exc.errno else str(exc)  # asyncio's text names the address once more
        raise UsageError(f"cannot listen on {where}: {reason}; choose another --listen") from exc


def _names(folders: tuple[Path, ...]) -> list[str]:
    return list(dict.fromkeys(str(path) for folder in folders for path in (folder.absolute(), folder.resolve())))


def _introduce(setup: Setup, agent: Started, admission: Admission, say: Say) -> None:
    say(f"listening on {setup.address or 'all addresses'}, port {agent.port}")
    say(f"key: {admission.fingerprint}")
    say(f"ffmpeg: {printable(setup.ffmpeg)} (version {agent.ffmpeg_version}), {setup.slots} at a time")
    say(f"working directory: {printable(setup.working_dir)}")
    for folder in setup.shares:
        say(f"shared: {printable(folder)}")
    for folder in setup.writable_shares:
        say(f"shared, may be written to: {printable(folder)}")
    say(f"ffmpeg is confined: {agent.confined_by}" if agent.confined_by else _NOT_CONFINED)


def _invite(admission: Admission, address: str, port: int, say: Say) -> None:
    line = write_line(admission.invite(address_for_others(address), port))
    say("on the manager, within 10 minutes:")
    say(f"  pytranscoder trust '{line}'")


def _invite_to_running(state: Path, admission: Admission, say: Say) -> None:
    try:
        told = json.loads((state / "listens").read_text(encoding="utf-8"))
        address, port = str(told["address"]), int(told["port"])
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise UsageError("the agent that runs has not begun to listen yet; try again in a moment") from exc
    _invite(admission, address, port, say)


def _record(state: Path, address: str, port: int) -> None:
    draft = state / "listens.new"
    draft.write_text(json.dumps({"address": address, "port": port}), encoding="utf-8")
    draft.replace(state / "listens")


def _forget(state: Path) -> None:
    (state / "listens").unlink(missing_ok=True)


def address_for_others(address: str) -> str:
    """Returns what other machines most likely reach an agent by that listens on that address, perhaps on all."""
    with suppress(ValueError):
        address = "" if ipaddress.ip_address(address).is_unspecified else address
    if address:
        return address
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((elsewhere, 9))  # sends nothing: it only asks which way would be taken
            return str(asked.getsockname()[0])
    return socket.gethostname()


def _prepare(arguments: AgentArguments, state: Path) -> Setup:
    address, port = split_address(arguments.listen) if arguments.listen else ("", None)
    working_dir = _private(arguments.working_dir or user_cache_path("pytranscoder") / "agent")
    setup = Setup(
        state=state.resolve(),
        address=address,
        port=AGENT_PORT if port is None else port,
        working_dir=working_dir.resolve(),
        shares=tuple(map(_existing, arguments.shares)),
        writable_shares=tuple(map(_existing, arguments.writable_shares)),
        ffmpeg=_find_ffmpeg(arguments.ffmpeg),
        slots=arguments.slots or os.cpu_count() or 1,
        # By the names that were given too: managers know a folder by the path that leads there, which may be a link.
        told=(
            *(Share(name) for name in _names(arguments.shares)),
            *(Share(name, writable=True) for name in _names(arguments.writable_shares)),
        ),
        leave_free_bytes=arguments.leave_free_bytes,
    )
    for path in arguments.authorized_keys:
        if not path.is_file():
            raise UsageError(f"there is no file {printable(path)}; correct --authorized-keys")
    _require_sense(setup, arguments)
    return setup


def _find_ffmpeg(given: str | None) -> str:
    try:
        found = find_local_ffmpeg(given)
    except FfmpegMissingError as exc:
        if given is None:
            raise
        raise UsageError(f"no ffmpeg at {printable(given)}; correct --ffmpeg") from exc
    return str(Path(found).absolute())  # it runs in the working directory


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"cannot make the folder {printable(folder)}: {exc.strerror}") from exc
    return folder


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {printable(folder)} to share; is it mounted?")
    return folder.resolve()


def _require_sense(setup: Setup, arguments: AgentArguments) -> None:
    """Refuses what would let managers read the agent's key, or change what lets them in or what is run."""
    own = (setup.state, *(path.resolve() for path in arguments.authorized_keys))
    programs = (Path(setup.ffmpeg).resolve(), Path(__file__).resolve())
    for folder in (*setup.writable, *setup.shares):
        _require_apart(folder, own, "has the keys of this agent in it")
    for folder in setup.writable:
        _require_apart(folder, programs, "has a program in it that this agent runs")
    for writable in setup.writable:
        for share in setup.shares:
            if writable.is_relative_to(share) or share.is_relative_to(writable):
                places = f"{printable(share)} may only be read, but {printable(writable)} may be written to"
                raise UsageError(f"{places}, and one lies in the other; choose folders that lie apart")


def _require_apart(folder: Path, kept: tuple[Path, ...], trouble: str) -> None:
    if any(path.is_relative_to(folder) for path in kept):
        raise UsageError(f"{printable(folder)} {trouble}; choose another folder")


def _keep_environment() -> None:
    for name in list(os.environ):
        if not _KEPT.fullmatch(name):
            del os.environ[name]
