"""What the package brings along, and what its start costs: imports, not seconds, as those are measured in `bench`."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytranscoder

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytranscoder"
HEAVY = (
    "asyncio",
    "asyncssh",
    "pydantic",
    "rich",
    "yaml",
    "av",
    "sqlite3",
    "platformdirs",
    "filelock",
    "imageio_ffmpeg",
)
MAY_IMPORT_AV = {"probe", "examine", "worker", "container"}


def run_python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True, cwd=ROOT)


def imports_of(path: Path) -> set[str]:
    """The top-level packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_an_answer_that_needs_no_run_imports_nothing_heavy(option: str) -> None:
    imported = run_python("-X", "importtime", "-m", "pytranscoder", option).stderr

    modules = set(re.findall(r"\|\s*([\w.]+)$", imported, re.MULTILINE))
    assert "pytranscoder.arguments" in modules
    assert not {module.partition(".")[0] for module in modules} & set(HEAVY)


def test_the_command_imports_no_media_library() -> None:
    imported = run_python("-c", "import pytranscoder.cli, sys; print(*sys.modules)").stdout.split()

    assert "pytranscoder.runner" in imported
    assert not {"av", "imageio_ffmpeg", "numpy"} & set(imported)


def test_only_the_readers_of_media_import_pyav() -> None:
    importers = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "av" in imports_of(path)}

    assert importers <= {Path("media", f"{name}.py") for name in MAY_IMPORT_AV}


def test_every_import_of_another_package_is_declared() -> None:
    declared = {
        "asyncssh",
        "av",
        "cryptography",
        "filelock",
        "imageio_ffmpeg",
        "platformdirs",
        "pydantic",
        "pydantic_core",
        "yaml",
        "rich",
    }
    imported = set().union(*(imports_of(path) for path in PACKAGE.rglob("*.py")))

    assert imported - set(sys.stdlib_module_names) - {"pytranscoder"} <= declared


def test_the_version_is_that_of_the_package() -> None:
    assert importlib.metadata.version("pytranscoder") == pytranscoder.__version__


def test_the_command_tells_its_version() -> None:
    assert run_python("-m", "pytranscoder", "--version").stdout == f"pytranscoder {pytranscoder.__version__}\n"


def test_the_installed_command_is_this_one() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="pytranscoder")

    assert script.value == "pytranscoder.__main__:main"


def test_a_mistake_in_the_usage_is_told_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytranscoder", "-x"], check=False, capture_output=True, text=True, cwd=ROOT
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pytranscoder: option -x not recognized; `pytranscoder --help` lists the options\n"


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_an_answer_that_nobody_reads_is_no_error(option: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pytranscoder", option], check=False, stdout=full, stderr=subprocess.PIPE, cwd=ROOT
        )

    assert (done.returncode, done.stderr) == (0, b"")


INTERRUPTED_START = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pytranscoder.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
from pytranscoder.__main__ import main
sys.argv = ["pytranscoder", "a.mkv"]
sys.exit(main())
"""


def test_an_interruption_of_the_start_leaves_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_START], check=False, capture_output=True, cwd=ROOT)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
