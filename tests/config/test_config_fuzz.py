"""Whatever is in the file: it loads, or every problem is reported. Never anything else."""

import contextlib

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

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
    TemplateSection,
)
from pytranscoder.errors import ConfigError
from pytranscoder.profiles.criteria import CRITERIA

SECTIONS = (
    FileSection,
    ConfigSection,
    ProfileSection,
    LanguageSection,
    TemplateSection,
    CliSection,
    RuleSection,
    HostSection,
)
KEYS = sorted({key for section in SECTIONS for key in section.key_names()} | set(CRITERIA) | {"a", "b", "SKIP", "<<"})
WORDS = [
    "yes",
    "20",
    "<5",
    "!hevc",
    "1-2",
    "decode",
    "local",
    "mounted",
    "streaming",
    "40M",
    "~x/y",
    "-c:v 'x",
    "a b",
    "(",
    ".mkv",
    "1e400",
]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), st.text(max_size=8), st.sampled_from(WORDS)
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=4), st.integers(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


def sections(*names: str) -> st.SearchStrategy[object]:
    return st.dictionaries(st.sampled_from(names), st.one_of(values, st.dictionaries(keys, values, max_size=3)))


def loads_or_reports(text: str) -> bool:
    with contextlib.suppress(ConfigError):
        build_config(parse_document(text, "fuzz.yml"))
    return True


@given(values)
@settings(max_examples=200, deadline=None)
def test_any_data_loads_or_is_reported(data: object) -> None:
    assert loads_or_reports(yaml.safe_dump(data, allow_unicode=True))


@given(sections(*FileSection.key_names()))
@settings(max_examples=300, deadline=None)
def test_any_data_in_our_sections_loads_or_is_reported(data: object) -> None:
    assert loads_or_reports(yaml.safe_dump(data))


@given(st.text(alphabet="abc:-[]{}&*!|>'\"%@`#~?,. \n\t\\0<é\x00", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_loads_or_is_reported(text: str) -> None:
    assert loads_or_reports(text)
