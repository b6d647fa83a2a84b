"""The documentation says what the program does: options, commands, events, exit statuses, links."""

import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from pytranscoder import cli
from pytranscoder.arguments import HELP, parse
from pytranscoder.jobs import events
from pytranscoder.jobs.history import RunRecord
from pytranscoder.ui.json_lines import event_name

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}
README = TEXTS["README.md"]
COMMAND_LINE = TEXTS["docs/command-line.md"]
EVENTS_PAGE = TEXTS["docs/json-events.md"]

# These are for the program itself, or for people: `--json` does not print them.
NOT_PRINTED = (events.CancelRequested, events.Notice)
EVENTS = {
    event_name(kind.__name__): kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind not in (events.Event, *NOT_PRINTED)
}

# Where the files of examples may be.
EXAMPLE_FOLDERS = {"dev", "films", "ssd", "usr", "bin", "media", "volume1", "mnt", "Users", "etc", "opt", "var"}


def keys_of(kind: type[events.Event]) -> list[str]:
    """What `--json` prints of an event beside its name and time."""
    return [field.name for field in fields(kind) if field.name != "time" and field.metadata.get("json", True)]


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return parts[parts.index(heading) + 1]


def first_cells(text: str) -> list[str]:
    """The first column of all tables in a text, without their heads."""
    rows = re.findall(r"^\| (.*?) \|", text, flags=re.MULTILINE)
    return [cell for cell in rows if cell not in {"option", "command", "key", "status"}]


def codes(cells: list[str]) -> list[str]:
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]


def anchors(text: str) -> set[str]:
    """The names that headings get on web pages."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


DOCUMENTED_OPTIONS = [code for code in codes(first_cells(COMMAND_LINE)) if code.startswith("-")]
AGENT_OPTIONS = [code for code in codes(first_cells(section(TEXTS["docs/agent.md"], "Options"))) if code[0] == "-"]

# What may stand for the placeholders that are not names.
EXAMPLES = {"ADDR:PORT": "10.0.0.5:9567", "N": "2", "SIZE": "10G"}


def test_pages_have_exactly_the_options_of_the_help() -> None:
    in_help = set(re.findall(r"(?:^  |, )(--?[a-z][a-z-]*)", HELP, flags=re.MULTILINE))

    assert {option.split()[0] for option in [*DOCUMENTED_OPTIONS, *AGENT_OPTIONS]} == in_help


@pytest.mark.parametrize("option", DOCUMENTED_OPTIONS)
def test_documented_option_is_understood(option: str) -> None:
    assert parse([*option.split(), "film.mp4"]) != parse(["film.mp4"])


@pytest.mark.parametrize("option", AGENT_OPTIONS)
def test_documented_option_of_the_agent_is_understood(option: str) -> None:
    words = [EXAMPLES.get(word, word) for word in option.split()]

    assert parse(["agent", *words]).agent != parse(["agent"]).agent


def test_readme_names_no_option_that_the_help_lacks() -> None:
    named = {code.split()[0] for code in codes(first_cells(section(README, "Command line"))) if code.startswith("-")}

    assert named
    assert named <= {option.split()[0] for option in DOCUMENTED_OPTIONS}


def test_command_line_page_has_exactly_the_commands_of_the_help() -> None:
    in_help = re.findall(r"^  (\w+) ", HELP.partition("commands:\n")[2], flags=re.MULTILINE)
    documented = [code.split()[0] for code in codes(first_cells(section(COMMAND_LINE, "Commands")))]

    # The last row has the words that are reserved.
    assert documented == [*in_help, "doctor", "undo"]


def test_every_event_and_nothing_else_has_a_section() -> None:
    assert set(re.findall(r"^## (\w+)$", EVENTS_PAGE, flags=re.MULTILINE)) == {*EVENTS, "history"}


@pytest.mark.parametrize(("name", "kind"), EVENTS.items(), ids=EVENTS)
def test_event_is_documented_with_its_fields(name: str, kind: type[events.Event]) -> None:
    documented = codes(first_cells(section(EVENTS_PAGE, name)))

    assert documented == keys_of(kind)


@pytest.mark.parametrize(("name", "kind"), EVENTS.items(), ids=EVENTS)
def test_example_of_an_event_has_its_keys(name: str, kind: type[events.Event]) -> None:
    (example,) = re.findall(r"^\{.*\}$", section(EVENTS_PAGE, name), flags=re.MULTILINE)
    document = json.loads(example)

    assert document["event"] == name
    assert list(document) == ["event", "time", *keys_of(kind)]


def test_history_is_documented_with_its_keys() -> None:
    text = section(EVENTS_PAGE, "history")
    (example,) = re.findall(r"^\{.*\}$", text, flags=re.MULTILINE)
    keys = [field.name for field in fields(RunRecord)]

    assert codes(first_cells(text)) == keys
    assert list(json.loads(example)) == keys


def test_exit_statuses_are_those_that_cli_returns() -> None:
    tree = ast.parse(Path(cli.__file__).read_text("utf-8"))
    returns = [node for node in ast.walk(tree) if isinstance(node, ast.Return)]
    numbers = {node.value for each in returns for node in ast.walk(each) if isinstance(node, ast.Constant)}
    returned = {number for number in numbers if isinstance(number, int)} | {cli.INTERRUPTED, cli.NO_HOST}

    assert {int(cell) for cell in first_cells(section(README, "Exit status"))} == returned
    assert {int(number) for number in re.findall(r"\b(\d+) ", HELP.partition("exit status:")[2])} == returned


def test_readme_and_command_line_page_agree_on_exit_statuses() -> None:
    assert section(README, "Exit status").partition("\n## ")[0].strip() in section(COMMAND_LINE, "Exit status")


@pytest.mark.parametrize("name", TEXTS)
def test_relative_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked.read_text("utf-8")), target


def test_make_commands_of_the_documentation_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    named = {word for text in TEXTS.values() for word in re.findall(r"(?:^|`)make (\w+)", text, flags=re.MULTILINE)}

    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("name", TEXTS)
def test_paths_of_examples_are_nobodys_own(name: str) -> None:
    folders = re.findall(r"(?<![\w.~:/<>\-)}])/(\w+)", re.sub(r"https?://\S+", "", TEXTS[name]))

    assert set(folders) <= EXAMPLE_FOLDERS


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name == "decisions"], ids=lambda page: page.stem
)
def test_readme_links_every_decision(page: Path) -> None:
    assert f"docs/decisions/{page.name}" in README
