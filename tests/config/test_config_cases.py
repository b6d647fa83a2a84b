"""Every file in `cases` and what is wrong with it: a bug report becomes one file.

Beside a file that does not load are its `.problems`; beside one that does there may be `.warnings`.
"""

from pathlib import Path

import pytest

from pytranscoder.config.load import load_config
from pytranscoder.errors import ConfigError

CASES = Path(__file__).parent / "cases"
BROKEN = sorted(path.with_suffix(".yml").name for path in CASES.glob("*.problems"))
LOADING = sorted({path.name for path in CASES.glob("*.yml")} - set(BROKEN))


def expected_lines(name: str, suffix: str) -> list[str]:
    path = CASES / Path(name).with_suffix(suffix)
    return path.read_text("utf-8").splitlines() if path.exists() else []


@pytest.fixture(autouse=True)
def _in_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)  # so that messages name the file without its directory


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_reports_every_problem(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(Path(name))

    assert str(caught.value).splitlines() == expected_lines(name, ".problems")


@pytest.mark.parametrize("name", LOADING)
def test_file_loads_with_the_expected_warnings(name: str) -> None:
    config = load_config(Path(name))

    assert [str(warning) for warning in config.warnings] == expected_lines(name, ".warnings")
