"""A host of the lab: a machine with a cable, an ssh server, a user and an ffmpeg, and all that can happen to it."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from pytranscoder.hosts.agents.calls import AGENT_PORT
from tests.clips import FFMPEG
from tests.lab.agent import AgentServer
from tests.lab.commands import LabError, require, run
from tests.lab.cpu import Share
from tests.lab.machine import Machine
from tests.lab.network import Cable
from tests.lab.processes import Process, still_running
from tests.lab.server import Server
from tests.lab.sshd import Sshd

# In place of a login shell: the host has no ssh server and no shell, but the agent.
AGENT = "agent"
SHELLS = ("bash", "dash", "busybox", "fish")
FAKE_FFMPEG = Path(__file__).parents[1] / "fake_ffmpeg.py"
_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
# No user of the machine that the lab runs on; a host has users of its own.
_USER_ID = 60100

Entry = dict[str, dict[str, Any]]


class Host:
    """One host, on until it is switched off. `root` is its own folder, which we see under the same path.

    `login_shell` is the login shell of its user. With busybox, all its commands and ``/bin/sh`` are busybox's too.
    """

    def __init__(
        self, machine: Machine, cable: Cable, share: Share, root: Path, *, user: str, login_shell: str, port: int | None
    ) -> None:
        self.name = machine.name
        self.address = cable.address
        self.user = user
        self.root = root
        self.working_dir = root / "work"
        self.ffmpeg = FFMPEG
        self._machine = machine
        self._cable = cable
        self._cpu = share
        self.is_agent = login_shell == AGENT
        self._shares: dict[str, Path] = {}
        self._prepare(login_shell)
        self.server = self._make_server(login_shell, port)

    def _make_server(self, login_shell: str, port: int | None) -> Server:
        if self.is_agent:
            return AgentServer(self._machine, self.root / "agent", port or AGENT_PORT, self._agent_options)
        search_path = str(self.root / "applets") if login_shell == "busybox" else _SEARCH_PATH
        return Sshd(self._machine, self.root / "sshd", port or 22, search_path)

    @property
    def port(self) -> int:
        """The port of its ssh server."""
        return self.server.port

    @property
    def diary(self) -> Path:
        """Where its stand-in for ffmpeg notes its encodes."""
        return self.root / "diary" / "encodes"

    # What happens to machines.

    def power_on(self) -> None:
        """Switch it on, with an sshd, and the cable as it was but whole."""
        self._machine.start()
        self._cable.plug(self._machine.first_process)
        self.start_server()

    def power_off(self) -> None:
        """Take its power away: nobody hears of it, its processes are gone, disks in memory are lost."""
        if self._cable.is_plugged:
            self._cable.cut()
        self._machine.stop()
        self.server.power_lost()
        self._cable.unplug()

    def reboot(self) -> None:
        """Take its power away and switch it on again."""
        self.power_off()
        self.power_on()

    def link(self, *, rate_bit_s: float | None = None, delay_s: float = 0.0) -> None:
        """Make its line so fast in each direction, and so long each way; the length counts for new connections."""
        self._cable.limit(rate_bit_s)
        if delay_s != self.server.line.delay_s:
            self.server.delay(delay_s)

    def cut(self) -> None:
        """Pull its cable: nothing comes through in either direction, and nobody is told."""
        self._cable.cut()

    def mend(self) -> None:
        """Plug it in again; connections that nobody has given up go on."""
        self._cable.mend()

    def freeze(self) -> None:
        """Let its ssh server and sessions stand still: connections last and are silent. What they started runs on."""
        self.server.freeze()

    def thaw(self) -> None:
        """Let them go on."""
        self.server.thaw()

    def stop_server(self) -> None:
        """Kill its ssh server and all sessions; connections break at once and new ones are refused."""
        self.server.stop()

    def stop_listening(self) -> None:
        """Kill only the process that takes new connections, which are refused from now on."""
        self.server.stop_listening()

    def start_server(self) -> None:
        """Start its ssh server again."""
        self.server.start()
        self._keep_cpu()

    def cpu(self, cores: float) -> None:
        """Give all its processes together the time of so many cores, such as 0.5."""
        self._cpu.limit(cores, self._pids())

    @property
    def rate_bit_s(self) -> float | None:
        """How fast its line is in each direction; None is as fast as can be."""
        return self._cable.rate_bit_s

    @property
    def delay_s(self) -> float:
        """How long its line is each way, for connections made from now on."""
        return self.server.line.delay_s

    # What it runs.

    def processes(self) -> list[Process]:
        """What runs on it now, without its ssh server."""
        return [process for process in self._machine.processes() if not process.is_server]

    def left_running(self, within_s: float) -> list[str]:
        """The commands of what runs on it now and does not end within a time."""
        return [process.command for process in still_running(self.processes(), within_s)]

    def inside(self, *argv: str) -> str:
        """Run a command on it as root, not by ssh, and return what it printed; raises LabError when it fails."""
        return self._machine.inside(*argv)

    def path(self, theirs: str) -> Path:
        """Where we find what the host calls by this path; for a look right now, as it changes with each start."""
        return self._machine.path(theirs)

    # What it has.

    def share(self, ours: Path, theirs: str | None = None) -> str:
        """Let it see a folder of the lab's, also after a reboot; by another path than ours unless it is given.

        Our own path does not exist there. Everybody may write in the folder from now on.
        """
        ours.chmod(0o777)
        if self.is_agent:
            return self._share_with_agent(ours)
        place = theirs or f"/mnt/{self.name}/{ours.name}"
        self._machine.mount(place, "--bind", self._machine.hidden(ours))
        self._shares[place] = ours
        return place

    def _share_with_agent(self, ours: Path) -> str:
        # It sees our files anyway, and gets a name of its own for these.
        place = self.root / "mnt" / ours.name
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(ours)
        self._shares[str(place)] = ours
        self._restart_agent()
        return str(place)

    def unshare(self, theirs: str) -> None:
        """Let it no longer see the folder that is there: an empty one is there instead."""
        self._machine.unmount(theirs)
        del self._shares[theirs]

    def small_disk(self, size_bytes: int) -> str:
        """Give it one more disk of this size, which is lost when it is switched off; we see it by `path` only."""
        place = f"/mnt/{self.name}-{size_bytes}"
        owner = f"uid={self._user_id},gid={self._user_id}"
        self._machine.mount(place, "-t", "tmpfs", "-o", f"size={size_bytes},mode=700,{owner}", "tmpfs")
        return place

    def install(self, program: Path) -> str:
        """Copy a program to it, and return its path there."""
        return str(shutil.copy(program, self.root / "bin"))

    def ffmpeg_stand_in(self, behaviour: str) -> str:
        """Let its ffmpeg from now on be one that behaves like this, see ``tests/fake_ffmpeg.py``."""
        self.diary.touch()
        self.diary.chmod(0o666)
        fake = self.install(FAKE_FFMPEG)
        words = [_python(), "-S", "-E", fake, behaviour, FFMPEG, str(self.diary)]
        wrapper = self.root / "bin" / f"ffmpeg-{behaviour}"
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        wrapper.chmod(0o755)
        self.ffmpeg = str(wrapper)
        self._restart_agent()
        return self.ffmpeg

    def let_finish(self) -> None:
        """Let the encodes of a stand-in that waits at its gate come to their end."""
        Path(f"{self.diary}.open").touch()

    def change_key(self) -> None:
        """Give it another host key, as if it had been installed anew, without telling the manager."""
        self.server.make_key()
        self.server.stop_listening()
        self.start_server()

    # How it stands in a configuration; one with an agent as that.

    def streaming(self, **keys: Any) -> Entry:
        """Its entry in a cluster as a host that media is copied to; `keys` are added, or replace what it has."""
        return self._entry("streaming", {} if self.is_agent else {"working_dir": str(self.working_dir)}, keys)

    def mounted(self, **keys: Any) -> Entry:
        """Its entry in a cluster as a host that sees our media by the shares it has now."""
        return self._entry("mounted", self._substitutions(), keys)

    def _substitutions(self) -> dict[str, Any]:
        substitutions = [f'"{ours}" "{theirs}"' for theirs, ours in self._shares.items() if str(ours) != theirs]
        return {"path-substitutions": substitutions} if substitutions else {}

    def _agent_options(self) -> list[str]:
        # A stand-in for ffmpeg writes a diary and is a program of several files.
        folders = [
            "--working-dir",
            str(self.working_dir),
            "--share",
            str(self.root / "bin"),
            "--share-rw",
            str(self.diary.parent),
        ]
        shared = [word for theirs in self._shares for word in ("--share-rw", theirs)]
        return ["--ffmpeg", self.ffmpeg, "--slots", "4", "--leave-free", "1M", *folders, *shared]

    def _restart_agent(self) -> None:
        if self.is_agent:
            self.server.stop()
            self.start_server()

    def _entry(self, kind: str, own: dict[str, Any], keys: dict[str, Any]) -> Entry:
        if self.is_agent:
            return {self.name: {"type": "agent", "ip": self.address} | own | keys}
        return {self.name: {"type": kind, "ip": self.name, "ffmpeg": self.ffmpeg} | own | keys}

    @property
    def _user_id(self) -> int:
        return 0 if self.user == "root" else _USER_ID

    def _pids(self) -> list[int]:
        return [process.pid for process in self._machine.processes()]

    def _keep_cpu(self) -> None:
        if self._cpu.cores is not None:
            self._cpu.limit(self._cpu.cores, self._pids())

    def _prepare(self, shell: str) -> None:
        for name in ("etc", "bin", "home", "work", "diary"):
            (self.root / name).mkdir(parents=True)
        (self.root / "diary").chmod(0o777)
        for own in (self.root / "home", self.working_dir):
            os.chown(own, self._user_id, self._user_id)
        if shell == "busybox":
            (self.root / "applets").mkdir()
            run(("busybox", "--install", "-s", str(self.root / "applets")))
        self._write_users(self._login_shell(shell))

    def _login_shell(self, shell: str) -> str:
        if self.is_agent:
            return require("false")
        if shell not in SHELLS:
            raise LabError(f"no login shell {shell}; there are {', '.join(SHELLS)}")
        return str(self.root / "applets" / "sh") if shell == "busybox" else require(shell)

    def _write_users(self, shell: str) -> None:
        numbers = {"root": 0, "sshd": 60000, "nobody": 65534, self.user: self._user_id}
        shells = dict.fromkeys(numbers, "/usr/sbin/nologin") | {self.user: shell}
        home = self.root / "home"
        users = [f"{name}:x:{number}:{number}::{home}:{shells[name]}\n" for name, number in numbers.items()]
        etc = self.root / "etc"
        (etc / "passwd").write_text("".join(users))
        (etc / "group").write_text("".join(f"{name}:x:{number}:\n" for name, number in numbers.items()))
        (etc / "shadow").write_text("".join(f"{name}:*:19000:0:99999:7:::\n" for name in numbers))
        (etc / "shadow").chmod(0o600)
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")


def _python() -> str:
    # That of a virtual environment may be where only root can go.
    return shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin") or str(Path(sys.executable).resolve())
