"""A command is a process of half a second: what serves one that lasts for days would take a good part of its time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from earlystop.own_variables import set_own_variable

NET_OBJECTS = 250_000
"""By how many the objects grow until cycles are searched for. The modules of no command have as many, and a command
that follows a rollout for days holds on to some tens of MiB at most that nothing refers to."""
PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
OWN = {PLUGINS: "__all__", "OPENBLAS_NUM_THREADS": "1"}
"""Variables that the command's libraries read while they are imported."""


@contextmanager
def short_process() -> Iterator[None]:
    """The command runs within. To be entered before any module with a kind is imported.

    Python would search all objects for cycles again and again while modules are imported, where there are none to be
    found, and twice more at its end, when all of its memory is given back anyway: a quarter of a command's CPU.
    Pydantic would read what every installed distribution offers, to find plugins that none of ours is. NumPy would
    start a thread for each core, which wait by going round, for products of matrices larger than any of ours.
    """
    gc.set_threshold(NET_OBJECTS, *gc.get_threshold()[1:])
    for name, value in OWN.items():
        set_own_variable(name, value)
    try:
        yield
    finally:
        gc.freeze()  # no search passes through what is there now
