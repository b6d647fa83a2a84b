"""docs/configuration.md and the models say the same, and what is shown as a configuration is one."""

import re
import textwrap
from pathlib import Path

import pytest

from pytranscoder.config.document import parse_document
from pytranscoder.config.load import build_config
from pytranscoder.config.models import (
    CliSection,
    ConfigSection,
    FileSection,
    HostSection,
    LanguageSection,
    ProfileSection,
    RuleSection,
    Section,
    TemplateSection,
)
from pytranscoder.profiles.criteria import CRITERIA

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
PAGES = {name: (ROOT / name).read_text("utf-8") for name in ("docs/configuration.md", "docs/clusters.md", "README.md")}
EXAMPLES = [
    pytest.param(textwrap.dedent(example), id=f"{name}-{number}")
    for name, text in PAGES.items()
    for number, example in enumerate(re.findall(r"^ *```yaml\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE))
]
SECTIONS: dict[str, type[Section]] = {
    "Top of the file": FileSection,
    "config": ConfigSection,
    "profiles": ProfileSection,
    "audio and subtitle": LanguageSection,
    "templates": TemplateSection,
    "cli": CliSection,
    "rules": RuleSection,
    "clusters": HostSection,
}


def documented_keys(heading: str) -> set[str]:
    """The first column of the first table below a heading."""
    below = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)[1]
    own = re.split(r"^#+ ", below, flags=re.MULTILINE)[0]
    table = re.search(r"(?:^\|.*\n)+", own, flags=re.MULTILINE)
    assert table is not None
    return set(re.findall(r"^\| `([^`]+)` \|", table[0], flags=re.MULTILINE))


@pytest.mark.parametrize(("heading", "model"), SECTIONS.items(), ids=SECTIONS)
def test_table_has_exactly_the_keys_of_its_section(heading: str, model: type[Section]) -> None:
    assert documented_keys(heading) == set(model.key_names())


@pytest.mark.parametrize("model", SECTIONS.values(), ids=SECTIONS)
def test_every_key_describes_itself(model: type[Section]) -> None:
    assert all(field.description for field in model.model_fields.values())


def test_table_has_exactly_the_criteria() -> None:
    assert documented_keys("criteria") == set(CRITERIA)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_load_without_a_warning(example: str) -> None:
    # Examples of clusters name a profile of the first.
    text = example if "profiles:\n" in example else f"{example}\nprofiles: {{hevc_cuda: {{}}}}\n"

    assert build_config(parse_document(text, "example.yml")).warnings == ()
