"""What the words of a command line mean."""

from pathlib import Path

import pytest

from pytranscoder.arguments import COMMANDS, HELP, Arguments, FileArgument, parse
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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_first_word_may_be_a_command(command: str) -> None:
    assert parse([command]) == Arguments(command=command)


def test_options_behind_a_file_hold_for_the_run() -> None:
    assert parse(["a", "-k"]) == Arguments(files=(file("a"),), keep=True)


def test_options_behind_the_last_file_are_known() -> None:
    assert parse(["a", "-p", "hevc", "-m", "x"]).ending == FileArgument(Path(), profile="hevc", mixins=("x",))


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
    ],
)
def test_what_cannot_be_understood_is_an_error(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse(words)


def test_an_unknown_option_leads_to_the_help() -> None:
    with pytest.raises(UsageError, match="; `pytranscoder --help` lists the options"):
        parse(["-x"])


@pytest.mark.parametrize(
    "option",
    ["-p", "-t", "-m", "-c", "--from-file", "--host", "-s", "-k", "-y", "-v", "--dry-run", "--json", "--version"],
)
def test_the_help_has_every_option(option: str) -> None:
    assert f"\n  {option} " in HELP
