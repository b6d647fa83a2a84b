"""What the words of a command line mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.arguments import COMMANDS, HELP, AgentArguments, Arguments, FileArgument, parse, split_address
from pytranscoder.errors import UsageError


def file(path: str, profile: str | None = None, *mixins: str, template: str | None = None) -> FileArgument:
    return FileArgument(Path(path), profile=profile, template=template, mixins=mixins)


def listed(path: str, profile: str | None = None) -> FileArgument:
    return FileArgument(Path(path), is_list=True, profile=profile)


@pytest.mark.parametrize(
    ("words", "files"),
    [
        pytest.param("", [], id="no file"),
        pytest.param("a b", [file("a"), file("b")], id="files"),
        pytest.param("-p hevc a b", [file("a", "hevc"), file("b", "hevc")], id="a profile holds for all that follow"),
        pytest.param("a -p hevc b", [file("a"), file("b", "hevc")], id="a profile holds for what follows only"),
        pytest.param("-p hevc a -p av1 b", [file("a", "hevc"), file("b", "av1")], id="a profile takes over"),
        pytest.param("-p hevc a -t fast b", [file("a", "hevc"), file("b", template="fast")], id="-t clears -p"),
        pytest.param("-t fast a -p hevc b", [file("a", template="fast"), file("b", "hevc")], id="-p clears -t"),
        pytest.param("-m x,y a -m z b", [file("a", None, "x", "y"), file("b", None, "z")], id="mixins are replaced"),
        pytest.param("-p hevc -m x a", [file("a", "hevc", "x")], id="a profile and a mixin"),
        pytest.param("-m ,x, a", [file("a", None, "x")], id="empty mixins are none"),
        pytest.param("-p p --from-file q a", [listed("q", "p"), file("a", "p")], id="a list"),
        pytest.param("--from-file=q", [listed("q")], id="a list with an equals sign"),
        pytest.param("-- -p -k", [file("-p"), file("-k")], id="all behind two dashes is files"),
        pytest.param("a -- -b", [file("a"), file("-b")], id="two dashes behind a file"),
        pytest.param("-p hevc -- a --", [file("a", "hevc"), file("--", "hevc")], id="two dashes once"),
        pytest.param("./agent a agent", [file("agent"), file("a"), file("agent")], id="files named like commands"),
        pytest.param("-s history", [file("history")], id="a command is the first word only"),
        pytest.param("-phevc a", [file("a", "hevc")], id="no space behind the letter"),
    ],
)
def test_options_hold_for_the_files_that_follow(words: str, files: list[FileArgument]) -> None:
    assert list(parse(words.split()).files) == files


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-s", Arguments(one_at_a_time=True)),
        ("-k", Arguments(keep=True)),
        ("-v", Arguments(verbose=True)),
        ("-skv", Arguments(one_at_a_time=True, keep=True, verbose=True)),
        ("--dry-run", Arguments(dry_run=True)),
        ("--json", Arguments(json=True)),
        ("-y my.yml", Arguments(configuration=Path("my.yml"))),
        ("--host nas", Arguments(host="nas")),
        ("-h", Arguments(command="help")),
        ("--help", Arguments(command="help")),
        ("--version", Arguments(command="version")),
        ("--agent", Arguments(command="agent")),
        ("history --json", Arguments(command="history", json=True)),
        ("demo folder", Arguments(command="demo", files=(file("folder"),))),
    ],
)
def test_options_for_the_whole_run(words: str, expected: Arguments) -> None:
    assert parse(words.split()) == expected


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "trust"])
def test_a_first_word_may_be_a_command(command: str) -> None:
    assert parse([command]) == Arguments(command=command)


def test_options_behind_a_file_hold_for_the_run() -> None:
    assert parse(["a", "-k"]) == Arguments(files=(file("a"),), keep=True)


def test_options_without_a_file_are_known() -> None:
    assert parse(["-p", "hevc", "-m", "x"]).ending == FileArgument(Path(), profile="hevc", mixins=("x",))


def test_a_second_host_is_an_error() -> None:
    with pytest.raises(UsageError, match="--host nas and --host mac; name one"):
        parse(["-c", "home", "--host", "nas", "--host", "mac", "a"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param("-c home -c work a", "no file follows -c home, only -c work; a file", id="clusters in a row"),
        pytest.param("-c home -c work", "no file follows -c home, only -c work; a file", id="clusters, no file"),
        pytest.param("-c a f -c b -c a g", "no file follows -c b, only -c a; a file", id="cluster without file"),
        pytest.param("a -c home", "-c holds for the files that follow, and none does; put it in front", id="cluster"),
        pytest.param("-p x a -p y", "-p holds for", id="profile"),
        pytest.param("-p x a -t y", "-t holds for", id="template that ends a profile"),
        pytest.param(
            "a -m x -c home -k", "-m and -c hold for the files that follow, and none does; put them", id="two"
        ),
        pytest.param("-m x a -m ,", "-m holds for", id="no mixins any more"),
        pytest.param("--from-file q -c home", "-c holds for", id="behind a list"),
    ],
)
def test_an_option_that_no_file_follows_is_an_error(words: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse(words.split())


def test_an_option_that_changes_nothing_may_stand_behind_the_last_file() -> None:
    assert parse(["-c", "home", "a", "-c", "home"]).files[0].cluster == "home"


def test_a_cluster_holds_for_the_files_that_follow() -> None:
    assert [found.cluster for found in parse(["a", "-c", "home", "b"]).files] == [None, "home"]


@pytest.mark.parametrize("name", ["with space", "$(touch x)", "new\nline", "[a]*", "\udcff", "🎬", "a'b\"c", "dot."])
def test_a_file_name_is_taken_as_it_is(name: str) -> None:
    assert parse([name]).files == (file(name),)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(["-x"], "option -x not recognized", id="unknown letter"),
        pytest.param(["--nope"], "option --nope not recognized", id="unknown word"),
        pytest.param(["a", "-p"], "option -p requires argument", id="no value"),
        pytest.param(["--host"], "option --host requires argument", id="no value for a word"),
        pytest.param(["--json=yes"], "option --json must not have an argument", id="a value too many"),
        pytest.param([""], "an empty file name", id="empty file name"),
        pytest.param(["--from-file", ""], "an empty file name", id="empty list name"),
        pytest.param(["--from-file", "-"], "write /dev/stdin for a pipe", id="a list from standard input"),
        pytest.param(["agent", "a"], "agent takes no files, such as a", id="a file for the agent"),
        pytest.param(["--agent", "a", "-k"], "agent takes no files", id="a file for the older spelling"),
        pytest.param(["agent", "-k"], "agent takes only its own options and -v", id="the agent keeps no sources"),
        pytest.param(["agent", "-c", "home"], "agent takes only its own options", id="the agent has no cluster"),
        pytest.param(["a", "--share", "/films"], "options of `pytranscoder agent`: .*--share", id="an agent's option"),
        pytest.param(["history", "--invite"], "options of `pytranscoder agent`: --invite", id="an agent's, history"),
        pytest.param(["agent", "--listen", "a b"], "'a b' is no address; write ADDR:PORT", id="no address"),
        pytest.param(["agent", "--listen", ":65536"], "there is no port 65536; the last is 65535", id="no port"),
        pytest.param(["agent", "--slots", "0"], "--slots 0 is no number of encodes", id="no slots"),
        pytest.param(["agent", "--slots", "many"], "--slots many is no number", id="slots in words"),
        pytest.param(["agent", "--leave-free", "1 GB"], "--leave-free 1 GB is no size; write it like", id="no size"),
        pytest.param(["agent", "--share", ""], "an empty file name", id="an empty folder"),
        pytest.param(["trust"], "trust takes the line that", id="trust without a line"),
        pytest.param(["trust", " "], "trust takes the line that", id="trust with a blank line"),
        pytest.param(["trust", "a", "-k"], "trust takes no options but -v", id="trust with an option"),
        pytest.param(["trust", "a", "--agent"], "trust takes no options but -v", id="trust as an agent"),
        pytest.param(["trust", "a", "--share", "b"], "trust takes no options but -v", id="trust with an agent's"),
    ],
)
def test_what_cannot_be_understood_is_an_error(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse(words)


def test_an_unknown_option_leads_to_the_help() -> None:
    with pytest.raises(UsageError, match="; `pytranscoder --help` lists the options"):
        parse(["-x"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--listen 10.0.0.5:9000", AgentArguments(listen="10.0.0.5:9000")),
        ("--working-dir /work", AgentArguments(working_dir=Path("/work"))),
        ("--share /a --share /b", AgentArguments(shares=(Path("/a"), Path("/b")))),
        ("--share-rw /c --share-rw=/d", AgentArguments(writable_shares=(Path("/c"), Path("/d")))),
        ("--invite", AgentArguments(invite=True)),
        ("--authorized-keys k --authorized-keys l", AgentArguments(authorized_keys=(Path("k"), Path("l")))),
        ("--ffmpeg /usr/bin/ffmpeg", AgentArguments(ffmpeg="/usr/bin/ffmpeg")),
        ("--slots 2", AgentArguments(slots=2)),
        ("--leave-free 4096", AgentArguments(leave_free_bytes=4096)),
        ("--leave-free 500M", AgentArguments(leave_free_bytes=500 << 20)),
        ("--leave-free 1.5g", AgentArguments(leave_free_bytes=3 << 29)),
        ("--leave-free 2TiB", AgentArguments(leave_free_bytes=2 << 40)),
    ],
)
@pytest.mark.parametrize("command", ["agent {}", "--agent {}", "{} --agent"])
def test_options_of_the_agent(command: str, words: str, expected: AgentArguments) -> None:
    assert parse(command.format(words).split()) == Arguments(command="agent", agent=expected)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["10.0.0.5:9567 SHA256:a//b+c/ code"], id="quoted"),
        pytest.param(["10.0.0.5:9567", "SHA256:a//b+c/", "code"], id="three words"),
        pytest.param([" 10.0.0.5:9567 SHA256:a//b+c/ code\n"], id="blanks around"),
        pytest.param(["-v", "10.0.0.5:9567 SHA256:a//b+c/ code"], id="an option in front"),
        pytest.param(["10.0.0.5:9567 SHA256:a//b+c/ code", "-v"], id="an option behind"),
    ],
)
def test_the_line_of_an_agent_is_taken_as_it_is(words: list[str]) -> None:
    expected = Arguments(command="trust", line="10.0.0.5:9567 SHA256:a//b+c/ code", verbose="-v" in words)

    assert parse(["trust", *words]) == expected


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, option: str) -> None:
    assert parse([command, option]).command == "help"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5:9567", ("10.0.0.5", 9567)),
        ("tower.lan:1", ("tower.lan", 1)),
        ("[fd00::1]:9567", ("fd00::1", 9567)),
        ("[fe80::1%eth0]:0", ("fe80::1%eth0", 0)),
        (":65535", ("", 65535)),
        ("10.0.0.5", ("10.0.0.5", None)),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
        ("fd00::1", ("fd00::1", None)),
    ],
)
def test_an_address_has_a_port_or_none(text: str, expected: tuple[str, int | None]) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a:b", "a:", "a:1:2", "[a]:1", "[]:1", "u@a:1", "a/b:1", "a:-1", "::1%/", "a*", "a,b", "a:\uff11"]
)
def test_what_is_no_address_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        split_address(text)


@given(st.text())
def test_whatever_is_given_as_an_address_ends_in_parts_or_in_an_error(text: str) -> None:
    try:
        address, port = split_address(text)
    except UsageError:
        return
    assert not set(address) & set(" []/@")
    assert port is None or 0 <= port <= 65535


@pytest.mark.parametrize(
    "option",
    ["--invite", "--listen", "--working-dir", "--share", "--share-rw", "--authorized-keys", "--ffmpeg", "--slots"],
)
def test_the_help_has_every_option_of_the_agent(option: str) -> None:
    assert f"{option} " in HELP.partition("for the agent:")[2]


def test_the_help_fits_on_one_screen() -> None:
    lines = HELP.splitlines()

    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "option",
    ["-p", "-t", "-m", "-c", "--from-file", "--host", "-s", "-k", "-y", "-v", "--dry-run", "--json", "--version"],
)
def test_the_help_has_every_option(option: str) -> None:
    assert f"\n  {option} " in HELP
