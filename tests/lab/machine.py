"""A machine on this machine: namespaces of its own for processes, network, mounts and its name. Knows no ssh.

It has its own users, its own ``/tmp``, ``/run`` and ``/mnt``, and sees nothing of the lab's folder but its own root;
the rest of the file system is that of the machine that the tests run on. It ends with its owner, however that ends.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.lab.commands import LabError, require, run
from tests.lab.processes import Process, namespace_of, processes_in, still_running

# Arguments: the lab's folder, the machine's root in it, its name, and what it has as /bin/sh. What it sees at the
# lab's folder is kept at /run/lab, where only root may look, for the shares. The last command fetches the exit status
# of orphans, as the first process of a machine must, and ends with standard input, that is with our end; then the
# kernel kills all that is left.
_BOOT = """\
set -e
lab=$1 root=$2 name=$3 sh=$4
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 700 /run/lab
mkdir /run/sshd /run/lab/all
mount --bind "$lab" /run/lab/all
for folder in /tmp /var/tmp /dev/shm /mnt; do
    [ ! -d "$folder" ] || mount -t tmpfs -o mode=1777 tmpfs "$folder"
done
mkdir -p "$lab"
mount -t tmpfs -o mode=755 tmpfs "$lab"
mkdir -p "$root"
mount --bind "/run/lab/all${root#"$lab"}" "$root"
for file in passwd shadow group nsswitch.conf; do
    [ ! -e "/etc/$file" ] || mount --bind "$root/etc/$file" "/etc/$file"
done
[ -z "$sh" ] || mount --bind "$sh" "$(readlink -f /bin/sh)"
echo "$name" >/proc/sys/kernel/hostname
exec 3<&0
cat <&3 >/dev/null &
echo up
wait "$!"
"""
_HIDDEN = PurePosixPath("/run/lab/all")
_ENDS_WITHIN_S = 10.0


class Machine:
    """A machine by its name, with the folder `root` inside of `lab`, the folder that is hidden from it."""

    def __init__(self, name: str, lab: Path, root: Path, sh: str) -> None:
        self.name = name
        self._lab = lab
        self._root = root
        self._sh = sh
        self._keeper: subprocess.Popen[str] | None = None
        self._own: list[int] = []
        # What was mounted since it was made, by place, like a machine's /etc/fstab.
        self._mounts: dict[str, tuple[str, ...]] = {}

    @property
    def first_process(self) -> int:
        """The process that all others of the machine end with, by its number outside."""
        if not self._own:
            raise LabError(f"{self.name} is off")
        return self._own[0]

    def start(self) -> None:
        """Switch it on. It has no network yet."""
        namespaces = ("--mount", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        boot = ("/bin/sh", "-c", _BOOT, "machine", str(self._lab), str(self._root), self.name, self._sh)
        self._keeper = subprocess.Popen(
            [require("unshare"), *namespaces, "--", *boot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the lab, not for its machines
            text=True,
        )
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != "up\n":
            _, said = self._keeper.communicate()
            self._keeper = None
            raise LabError(f"{self.name} does not start: {said.strip()}")
        first = _children(self._keeper.pid)
        self._own = [*first, *_children(first[0])]
        for theirs, options in self._mounts.items():
            self._mount(theirs, options)

    def stop(self) -> None:
        """Switch it off at once: all its processes are killed, its mounts in memory are gone."""
        if self._keeper is None:
            return
        running = [*processes_in(namespace_of(self.first_process))]
        self._keeper.kill()
        self._keeper.communicate()
        self._keeper = None
        self._own.clear()
        if stuck := still_running(running, _ENDS_WITHIN_S):
            raise LabError(f"{self.name} does not end: {[process.command for process in stuck]}")

    def inside(self, *argv: str) -> str:
        """Run a command there as root, without ssh, and return what it printed."""
        namespaces = ("--mount", "--uts", "--net", "--pid")
        return run(("nsenter", "--target", str(self.first_process), *namespaces, "--", *argv))

    def processes(self) -> Iterator[Process]:
        """What runs there now, its first processes left out; nothing when it is off."""
        if not self._own:
            return iter(())
        own = set(self._own)
        return (process for process in processes_in(namespace_of(self.first_process)) if process.pid not in own)

    def path(self, theirs: str) -> Path:
        """Where we find what the machine calls by this path; it changes when the machine is started again."""
        return Path(f"/proc/{self.first_process}/root{theirs}")

    def mount(self, theirs: str, *options: str) -> None:
        """Mount something there at this path, also after each start; the folder is made."""
        self._mount(theirs, options)
        self._mounts[theirs] = options

    def unmount(self, theirs: str) -> None:
        """Undo a mount, also one in use."""
        self.inside("umount", "--lazy", theirs)
        del self._mounts[theirs]

    def hidden(self, ours: Path) -> str:
        """Where the machine's root user finds one of the lab's files, to mount it elsewhere."""
        return str(_HIDDEN / ours.resolve().relative_to(self._lab))

    def _mount(self, theirs: str, options: tuple[str, ...]) -> None:
        self.inside("mkdir", "-p", "--", theirs)
        self.inside("mount", *options, theirs)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
