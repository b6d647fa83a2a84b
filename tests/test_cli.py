"""The command in this process: exit statuses and what it says, mostly without any encode."""

from pathlib import Path
from typing import Any

import pytest

from pytranscoder.arguments import Arguments, parse
from pytranscoder.cli import exit_status, members, run_command
from pytranscoder.config.load import load_config
from pytranscoder.hosts.agents.invitation import Invitation, new_code, write_line
from pytranscoder.jobs.events import RunFinished
from tests.hosts.sshd import free_port

RULES = "profiles: {small: {output_options: '-c copy'}}\nrules: {all: {profile: small}}\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, in which the command runs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def configuration(home: Path) -> Path:
    path = home / ".transcode.yml"
    path.write_text(RULES)
    return path


def run(*words: str) -> int:
    return run_command(parse(words))


@pytest.mark.parametrize(
    ("values", "status"),
    [
        pytest.param({}, 0, id="nothing to do"),
        pytest.param({"encoded": 1, "skipped": 2, "rejected": 3}, 0, id="all is well"),
        pytest.param({"encoded": 9, "failed": 1}, 1, id="one failed"),
        pytest.param({"no_host": True, "cancelled": 1}, 3, id="no usable host"),
        pytest.param({"encoded": 9, "failed": 1, "cancelled": 1, "interrupted": True}, 130, id="interrupted"),
        pytest.param({"encoded": 9, "interrupted": True}, 130, id="interrupted at the very end"),
    ],
)
def test_the_exit_status_tells_how_the_run_went(values: dict[str, Any], status: int) -> None:
    assert exit_status(RunFinished(time=1, run="r1", seconds=1, **values)) == status


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["-c", "home", "a.mkv"], "unknown cluster 'home'; known: none; add it to `clusters` in the configuration"),
        (
            ["--host", "nas", "a.mkv"],
            "--host picks a host of a cluster; name the cluster with -c in front of the files",
        ),
    ],
)
def test_a_cluster_that_is_not_there_is_refused(
    words: list[str], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert remedy in capsys.readouterr().err


@pytest.mark.parametrize("command", ["doctor", "undo"])
def test_a_command_that_is_not_there_yet_says_so(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 2

    assert f"{command} is not in this version yet; a file of that name is ./{command}" in capsys.readouterr().err


def test_without_files_and_a_default_queue_file_there_is_nothing_to_go_by(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "no files: name some, or set `default_queue_file`" in capsys.readouterr().err


def test_a_default_queue_file_that_is_not_there_is_no_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".transcode.yml").write_text(f"config: {{default_queue_file: {home}/queue.txt}}\n{RULES}")

    assert run() == 0
    assert f"nothing to do: {home}/queue.txt is not there" in capsys.readouterr().err


def test_a_wrong_name_does_not_wait_for_a_default_queue_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clusters = "clusters: {home: {nas: {type: local}}}"
    (home / ".transcode.yml").write_text(f"config: {{default_queue_file: {home}/queue.txt, {clusters}}}\n{RULES}")

    assert (run("-c", "hime"), run("-c", "home", "--host", "nass"), run("-c", "home")) == (2, 2, 0)
    assert [line.partition(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        "pytranscoder: unknown cluster 'hime'",
        "pytranscoder: cluster home has no host 'nass'",
        f"nothing to do: {home}/queue.txt is not there",
    ]


def test_a_cluster_without_hosts_is_told_from_one_that_is_disabled(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration.write_text(
        f"config: {{clusters: {{empty: , off: {{nas: {{type: local, status: disabled}}}}}}}}\n{RULES}"
    )

    assert (run("-c", "empty", "a.mkv"), run("-c", "off", "a.mkv")) == (3, 3)
    assert capsys.readouterr().err.splitlines() == [
        "pytranscoder: cluster empty has no hosts; add one in the configuration",
        "pytranscoder: all hosts of cluster off are disabled; set `status: enabled` in the configuration",
    ]


def test_without_a_configuration_the_user_is_told_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gone.mkv") == 1
    assert "no configuration: using the built-in profiles" in "".join(capsys.readouterr())


@pytest.mark.usefixtures("configuration")
def test_with_a_configuration_there_is_no_such_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gone.mkv") == 1
    assert "no configuration" not in "".join(capsys.readouterr())


def test_a_configuration_that_is_named_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-y", "gone.yml", "a.mkv") == 2
    assert "gone.yml" in capsys.readouterr().err


def test_every_problem_of_a_configuration_has_a_line(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configuration.write_text("config: {colourize: yes}\nprofiles: {a: {extention: .mkv}}\n")

    assert run("a.mkv") == 2

    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[1] for line in lines] == [f"{configuration}:1:", f"{configuration}:2:"]


def test_a_profile_that_does_not_exist_is_a_mistake_in_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-p", "nobody", "a.mkv") == 2
    assert "nobody" in capsys.readouterr().err


def test_a_list_that_does_not_exist_is_a_mistake_in_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--from-file", "gone.txt") == 2
    assert "cannot read the list" in capsys.readouterr().err


def test_this_machine_has_the_same_ffmpeg_in_a_cluster_unless_its_entry_names_another(configuration: Path) -> None:
    hosts = "{desk: {type: local}, own: {type: local, ffmpeg: /own}, pc: {type: mounted, ip: pc}}"
    configuration.write_text(f"config: {{ffmpeg: /global, clusters: {{home: {hosts}}}}}\n{RULES}")

    found = members(load_config(configuration), ["home"], None)

    assert [member.definition.ffmpeg for member in found] == ["/global", "/own", None]


def test_without_a_usable_ffmpeg_there_is_no_host(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configuration.write_text(f"config: {{ffmpeg: /nowhere/ffmpeg}}\n{RULES}")

    assert run("gone.mkv") == 3
    assert "no ffmpeg at /nowhere/ffmpeg" in "".join(capsys.readouterr())


def test_a_state_folder_that_cannot_be_made_is_an_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "state").touch()

    assert run("a.mkv") == 2
    assert "cannot open the journal" in capsys.readouterr().err


def test_a_dry_run_leaves_no_state(home: Path) -> None:
    run("--dry-run", "gone.mkv")

    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("words", "shown"), [((), False), (("-v",), True)])
def test_a_traceback_is_shown_to_those_who_ask(
    words: tuple[str, ...], shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    run(*words, "-p", "nobody", "a.mkv")

    said = capsys.readouterr().err
    assert ("Traceback" in said) == shown
    assert said.splitlines()[-1].startswith("pytranscoder: ")


def test_a_mistake_of_ours_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(Arguments(command="no such command")) == 1

    said = capsys.readouterr().err
    assert "this is a mistake in pytranscoder; -v shows where" in said
    assert "Traceback" not in said


def test_init_writes_a_configuration_that_loads(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init") == 0
    assert f"wrote {home}/.transcode.yml" in capsys.readouterr().out
    assert run("--dry-run", "-p", "hevc", "gone.mkv") == 1


def test_init_overwrites_nothing(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init") == 2
    assert "exists already" in capsys.readouterr().err
    assert configuration.read_text() == RULES


@pytest.mark.parametrize("command", ["init", "history"])
def test_a_command_without_files_takes_none(command: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "a.yml") == 2
    assert f"{command} takes no files; " in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_demo_has_no_dry_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--dry-run") == 2
    assert "leave out --dry-run" in capsys.readouterr().err
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        pytest.param("#!/bin/sh\nexit 3\n", 1, "cannot make demo/Test Card.mp4: status 3", id="lacks an encoder"),
        pytest.param("#!/nowhere\n", 3, "cannot run ", id="cannot be run"),
    ],
)
def test_demo_says_what_its_ffmpeg_cannot_do(
    program: str,
    status: int,
    said: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (home / "ffmpeg").write_text(program)
    (home / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(home))

    assert run("demo", "demo") == status
    error = capsys.readouterr().err
    assert said in error
    assert "mistake in pytranscoder" not in error


def test_agent_that_is_not_there_cannot_be_trusted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = write_line(Invitation("127.0.0.1", free_port(), f"SHA256:{'a' * 43}", new_code()))

    assert run("trust", line) == 3
    assert "is its agent running?" in capsys.readouterr().err
    assert not (home / "state" / "pytranscoder" / "agents" / "known_hosts").exists()


def test_there_may_be_no_history_yet(home: Path) -> None:
    assert run("history") == 0
    assert list(home.iterdir()) == []


def test_the_history_has_the_runs(capsys: pytest.CaptureFixture[str]) -> None:
    run("gone.mkv")
    capsys.readouterr()

    assert run("history", "--json") == 0
    assert '"failed": 1' in capsys.readouterr().out
