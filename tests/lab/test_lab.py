"""The lab itself: what it promises to the tests that use it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.clips import FFMPEG
from tests.lab.commands import LabError
from tests.lab.host import SHELLS, Host
from tests.lab.lab import Lab
from tests.lab.leftovers import traces
from tests.lab.processes import namespace_of, processes_in, still_running

OWNER = """
from tests.lab.lab import Lab
with Lab() as lab:
    host = lab.host("alpha")
    host.link(delay_s=0.01)
    print(lab.name, host.path("").parent.name, flush=True)
    input()
"""
IMPATIENT = ("-o", "ConnectTimeout=1")


def speed_bytes_s(lab: Lab, host: Host, size_bytes: int) -> float:
    begin = time.monotonic()
    done = lab.ssh(host, f"head -c {size_bytes} /dev/zero")
    assert len(done.stdout) == size_bytes
    return size_bytes / (time.monotonic() - begin)


def banner(host: Host, within_s: float) -> bytes:
    with socket.create_connection((host.address, host.port), within_s) as connection:
        return connection.recv(4)


@contextmanager
def running(lab: Lab, host: Host, line: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A command line that is run by ssh as long as the context lasts; it has begun."""
    argv = lab.ssh_command(host, f"echo hello; {line}")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert read_line(process) == b"hello\n"
            yield process
        finally:
            process.kill()


@contextmanager
def running_cat(lab: Lab, host: Host) -> "Iterator[subprocess.Popen[bytes]]":
    """A program that repeats what it is told, run by ssh as long as the context lasts."""
    with running(lab, host, "exec cat") as process:
        write_line(process, b"are you there?\n")
        assert read_line(process) == b"are you there?\n"
        yield process


def write_line(process: "subprocess.Popen[bytes]", line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def read_line(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("user", ["root", "media"])
@pytest.mark.parametrize("shell", SHELLS)
def test_user_reaches_each_login_shell_by_name(lab: Lab, shell: str, user: str) -> None:
    host = lab.host("alpha", user=user, login_shell=shell)

    said = lab.ssh(host, "whoami; hostname").stdout.split()
    with running(lab, host, "cat; true"):
        programs = {process.program for process in host.processes()}

    assert said == [user, "alpha"]
    assert shell in programs


def test_host_with_busybox_has_nothing_else(lab: Lab) -> None:
    host = lab.host("alpha", login_shell="busybox")

    said = lab.ssh(host, "/bin/sh --help 2>&1; cp --help 2>&1; command -v python3").stdout

    assert said.count("BusyBox v") == 2
    assert "python3" not in said


def test_host_has_the_port_it_was_given(lab: Lab) -> None:
    host = lab.host("alpha", port=2222)

    assert lab.ssh(host, "echo hello").stdout == "hello\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host.address, 22), 5)


def test_hosts_do_not_see_the_managers_files_nor_each_others(lab: Lab) -> None:
    alpha, beta = lab.host("alpha"), lab.host("beta")
    (lab.place.media / "film.mkv").touch()
    (alpha.root / "own").touch()

    looks = [f"[ -e {path} ]" for path in (lab.place.media, lab.place.home / ".ssh", alpha.root / "own")]

    assert [lab.ssh(alpha, look).returncode for look in looks] == [1, 1, 0]
    assert [lab.ssh(beta, look).returncode for look in looks] == [1, 1, 1]


def test_share_is_seen_under_another_path_only_and_lasts(lab: Lab) -> None:
    host = lab.host("alpha", user="media")
    (lab.place.media / "film.mkv").touch()

    theirs = host.share(lab.place.media)
    host.reboot()

    assert lab.ssh(host, f"ls {theirs}; touch {theirs}/new; ls {lab.place.media}").stdout == "film.mkv\n"
    assert lab.place.names() == ["film.mkv", "new"]


def test_share_can_have_our_path_or_any(lab: Lab) -> None:
    host = lab.host("alpha")
    (lab.place.media / "film.mkv").touch()

    host.share(lab.place.media, str(lab.place.media))
    host.share(lab.place.media, "/mnt/two words")

    assert lab.ssh(host, f"ls {lab.place.media} '/mnt/two words'").stdout.count("film.mkv") == 2


def test_share_that_is_taken_away_is_empty(lab: Lab) -> None:
    host = lab.host("alpha")
    theirs = host.share(lab.place.media)
    (lab.place.media / "film.mkv").touch()

    host.unshare(theirs)

    assert lab.ssh(host, f"ls {theirs} && echo empty").stdout == "empty\n"


def test_small_disk_fills_up(lab: Lab) -> None:
    host = lab.host("alpha", user="media")
    disk = host.small_disk(100_000)

    done = lab.ssh(host, f"head -c 200000 /dev/zero >{disk}/film")

    assert "No space left on device" in done.stderr
    assert 0 < host.path(f"{disk}/film").stat().st_size <= 100_000 + os.sysconf("SC_PAGESIZE")


def test_processes_are_those_of_the_host_without_sshd(lab: Lab) -> None:
    alpha, beta = lab.host("alpha"), lab.host("beta")

    with running_cat(lab, alpha):
        assert [process.command for process in alpha.processes()] == ["cat"]
        assert alpha.left_running(within_s=0) == ["cat"]
    assert beta.processes() == []


def test_process_that_ends_in_time_is_not_left_running(lab: Lab) -> None:
    host = lab.host("alpha")

    with running(lab, host, "exec sleep 0.3"):
        assert host.left_running(within_s=5) == []


def test_cut_cable_lets_nothing_through_until_it_is_mended(lab: Lab) -> None:
    host = lab.host("alpha")

    with running_cat(lab, host) as ssh:
        host.cut()
        write_line(ssh, b"are you still there?\n")
        answer = lab.ssh(host, "true", *IMPATIENT)
        host.mend()

        assert "timed out" in answer.stderr
        assert read_line(ssh) == b"are you still there?\n"


def test_frozen_host_takes_connections_and_is_silent(lab: Lab) -> None:
    host = lab.host("alpha")
    host.freeze()

    with pytest.raises(TimeoutError):
        banner(host, 0.5)

    host.thaw()
    assert banner(host, 5) == b"SSH-"


def test_host_without_sshd_refuses_and_has_broken_off(lab: Lab) -> None:
    host = lab.host("alpha")

    with running_cat(lab, host) as ssh:
        host.stop_server()

        assert ssh.wait(10) == 255
    assert "refused" in lab.ssh(host, "true").stderr
    host.start_server()
    assert lab.ssh(host, "true").returncode == 0


def test_host_that_no_longer_listens_keeps_its_sessions(lab: Lab) -> None:
    host = lab.host("alpha")

    with running_cat(lab, host) as ssh:
        host.stop_listening()
        refused = lab.ssh(host, "true")

        assert ssh.communicate(b"hello\n", 10)[0] == b"hello\n"
    assert "refused" in refused.stderr


def test_reboot_ends_all_that_ran(lab: Lab) -> None:
    host = lab.host("alpha")

    with running_cat(lab, host):
        ran = host.processes()
        host.reboot()

    assert still_running(ran, 0) == []
    assert lab.ssh(host, "echo hello").stdout == "hello\n"


def test_host_that_lost_its_power_is_silent(lab: Lab) -> None:
    host = lab.host("alpha")

    with running_cat(lab, host) as ssh:
        host.power_off()

        with pytest.raises(subprocess.TimeoutExpired):
            ssh.wait(0.5)
    assert host.processes() == []


def test_rate_limits_both_directions_also_after_a_reboot(lab: Lab) -> None:
    host = lab.host("alpha")
    host.link(rate_bit_s=8e6)
    host.reboot()

    assert 0.2e6 < speed_bytes_s(lab, host, 1_500_000) < 1.1e6
    begin = time.monotonic()
    subprocess.run(lab.ssh_command(host, "cat >/dev/null"), input=bytes(1_500_000), check=True)
    assert time.monotonic() - begin > 1.3


def test_rate_can_be_lifted(lab: Lab) -> None:
    host = lab.host("alpha")
    host.link(rate_bit_s=1e6)
    host.link()

    assert speed_bytes_s(lab, host, 2_000_000) > 1e6


def test_delay_lengthens_the_way_there_and_back(lab: Lab) -> None:
    host = lab.host("alpha")
    host.link(delay_s=0.1)

    begin = time.monotonic()
    assert banner(host, 5) == b"SSH-"
    assert time.monotonic() - begin >= 0.1
    assert speed_bytes_s(lab, host, 2_000_000) > 1e5
    assert host.processes() == []


def test_relay_of_a_long_line_ends_with_its_host(lab: Lab) -> None:
    host = lab.host("alpha")
    host.link(delay_s=0.01)

    host.reboot()
    assert lab.ssh(host, "echo hello").stdout == "hello\n"
    host.stop_server()
    assert "refused" in lab.ssh(host, "true").stderr


def test_share_of_the_processor_slows_down_what_it_runs(lab: Lab) -> None:
    host = lab.host("alpha")
    work = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; times"
    try:
        host.cpu(0.1)
    except LabError as error:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(error))

    begin = time.monotonic()
    said = lab.ssh(host, f"dash -c '{work}'").stdout
    elapsed_s = time.monotonic() - begin

    user_s = float(said.split()[0].split("m")[1].rstrip("s"))
    assert elapsed_s > 5 * user_s


def test_changed_key_is_noticed(lab: Lab) -> None:
    host = lab.host("alpha")

    host.change_key()

    assert "HOST IDENTIFICATION HAS CHANGED" in lab.ssh(host, "true").stderr


def test_stand_in_is_the_ffmpeg_of_its_host(lab: Lab) -> None:
    host = lab.host("alpha", user="media", login_shell="busybox")
    stand_in = host.ffmpeg_stand_in("no_space")

    done = lab.ssh(host, f"{stand_in} -progress pipe:1 -i film.mkv new.mkv")

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert host.diary.read_text().startswith("start\t")
    assert lab.ssh(host, f"{stand_in} -version").stdout == lab.ssh(host, f"{FFMPEG} -version").stdout


def test_two_labs_have_hosts_of_the_same_name(lab: Lab) -> None:
    mine = lab.host("alpha")
    with Lab() as other:
        theirs = other.host("alpha")

        assert mine.address != theirs.address
        assert other.ssh(theirs, "echo theirs").stdout == "theirs\n"
    assert lab.ssh(mine, "echo mine").stdout == "mine\n"


def marks(name: str) -> set[tuple[str, int]]:
    """What a lab has on the machine, with what tells it from the same of a later lab."""
    return {(str(path), path.stat().st_ino) for path in traces(name)}


def test_lab_leaves_nothing_behind() -> None:
    with Lab() as lab:
        host = lab.host("alpha")
        host.link(delay_s=0.01)
        host.cpu(0.5)
        before, ran = marks(lab.name), host.processes()

    assert len(before) == 4
    assert before & marks(lab.name) == set()
    assert still_running(ran, 0) == []


def test_lab_in_which_something_fails_leaves_nothing_behind() -> None:
    before = set()
    with suppress(LabError), Lab() as lab:
        lab.host("alpha")
        before = marks(lab.name)
        lab.host("beta", login_shell="tcl")

    assert len(before) == 3
    assert before & marks(lab.name) == set()


def test_lab_that_was_killed_ends_and_the_next_one_tidies_up() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    name, first = owner.stdout.readline().split()
    before, ran = marks(name), list(processes_in(namespace_of(int(first))))

    owner.kill()
    owner.communicate()
    left = still_running(ran, 5)
    with Lab():
        after = marks(name)

    assert len(before) == 3
    assert before & after == set()
    assert ran
    assert left == []
