"""docs/configuration.md and the models say the same."""

import re
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

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
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


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
def test_examples_load_without_a_warning(example: str) -> None:
    # The last example names a profile of the first.
    text = example if "profiles:\n" in example else f"{example}\nprofiles: {{hevc_cuda: {{}}}}\n"

    assert build_config(parse_document(text, "example.yml")).warnings == ()
