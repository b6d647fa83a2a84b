"""How a module of this package is run as a program of its own that starts quickly. Runs none."""

import sys
from pathlib import Path

# Appended: nothing beside an installed package may stand in for the standard library.
_RUN = "import sys; sys.path.append(sys.argv.pop(1)); from {module} import main; main()"


def own_program(module: str, *words: str) -> tuple[str, ...]:
    """Returns the command that calls the `main` of a module, which may import the standard library and this package.

    Works from a zip file too. Environment and current directory have no say in what is imported.
    """
    root = str(Path(__file__).parents[3])
    # File names must have the same bytes there as here.
    encoding = f"utf8={sys.flags.utf8_mode}"
    return (sys.executable, "-I", "-S", "-X", encoding, "-c", _RUN.format(module=module), root, *words)
