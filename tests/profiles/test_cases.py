"""Every directory in `tests/cases/argv`: a configuration and a media file, and the command and plan they must give.

`media.yml` names the profile or template, and has the streams with the fields of the model. The words in
`expected.argv` are quoted as for a shell; `expected.plan` has what was converted or dropped and why, then the notes.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytranscoder.config.load import load_config
from pytranscoder.media.model import Identity, Media, Stream, StreamKind
from pytranscoder.profiles.command import build_argv
from pytranscoder.profiles.containers import plan_streams, target_muxer
from pytranscoder.profiles.profile import Profile
from pytranscoder.profiles.resolve import resolve_profile, template_profile
from pytranscoder.profiles.streams import StreamPlan

CASES = Path(__file__).parent.parent / "cases" / "argv"
NAMES = sorted(path.parent.name for path in CASES.glob("*/media.yml"))


@dataclass(frozen=True)
class Case:
    profile: Profile
    media: Media

    @property
    def extension(self) -> str:
        return self.profile.extension or self.media.path.suffix

    @property
    def muxer(self) -> str:
        return target_muxer(self.profile, self.extension)

    @property
    def plan(self) -> StreamPlan:
        return plan_streams(self.media, self.profile, self.muxer)

    @property
    def argv(self) -> tuple[str, ...]:
        output = self.media.path.with_name(f".{self.media.path.stem}.ptc-1{self.extension}")
        return build_argv("ffmpeg", self.profile, self.plan, str(self.media.path), str(output), self.muxer)


def read_case(name: str) -> Case:
    spec = yaml.safe_load((CASES / name / "media.yml").read_text("utf-8"))
    return Case(read_profile(CASES / name / "config.yml", spec), read_media(spec))


def read_profile(path: Path, spec: dict[str, Any]) -> Profile:
    config = load_config(path)
    mixins = spec.get("mixins", ())
    if "template" in spec:
        return template_profile(config.templates[spec["template"]], mixins, config.profiles, automap=config.automap)
    return resolve_profile(config.profiles, spec["profile"], mixins, automap=config.automap)


def read_media(spec: dict[str, Any]) -> Media:
    streams = (
        Stream(**{**fields, "index": index, "kind": StreamKind(fields["kind"])})
        for index, fields in enumerate(spec["streams"])
    )
    path = Path(spec["source"])
    return Media(path, Identity(10**9, 0, 0, 0), "", 5400.0, tuple(streams), spec.get("chapters", 0))


def explain(plan: StreamPlan) -> list[str]:
    return [*(each.reason for each in plan.decisions if each.reason), *plan.notes]


@pytest.mark.parametrize("name", NAMES)
def test_documented_example_gives_its_command(name: str) -> None:
    expected = (CASES / name / "expected.argv").read_text("utf-8")

    assert list(read_case(name).argv) == shlex.split(expected)


@pytest.mark.parametrize("name", NAMES)
def test_documented_example_gives_its_plan(name: str) -> None:
    expected = CASES / name / "expected.plan"

    assert explain(read_case(name).plan) == (expected.read_text("utf-8").splitlines() if expected.exists() else [])
