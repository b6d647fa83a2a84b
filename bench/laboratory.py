"""A lab of hosts with real ssh servers to measure in, see ``tests/lab``. Times nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.workshop import Workshop
from tests.lab.lab import Lab
from tests.lab.requirements import what_is_missing


@contextmanager
def open_lab() -> Iterator[tuple[Lab, Workshop]]:
    """Lend a lab, and the workshop of the user whose hosts these are."""
    if missing := what_is_missing():
        sys.exit(f"the lab {missing}")
    with Lab() as lab:
        yield lab, Workshop(lab.place.root, lab.place.environment)
