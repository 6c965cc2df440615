"""One look goes through the files of the controller in one direction: the walk is drawn while the look is taken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import earlystop
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.qualities import SAVING

PACKAGE = Path(earlystop.__file__).parent
MOST_FILES, MOST_RETURNS = 24, 8
BEGINNING = 10
"""Bytes of code within which a function's first instruction lies; one that goes on after a wait begins behind them."""


class Step(NamedTuple):
    """A function that was called. file: relative to the package."""

    file: str
    function: str


class Walk:
    """The functions of the controller that were called, in their order, but for those that only ask a value.

    Left out are what the operator remembers of a policy (`controller/memory`), properties, comprehensions, and what
    Python calls by itself.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """What `sys.setprofile` calls."""
        path = Path(frame.f_code.co_filename)
        if event != "call" or frame.f_lasti > BEGINNING or not path.is_relative_to(PACKAGE / "controller"):
            return
        step = Step(path.relative_to(PACKAGE).as_posix(), frame.f_code.co_qualname)
        if not step.file.startswith("controller/memory/") and not asks_a_value(step):
            self.steps.append(step)

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Note every call until the end of the block."""
        before = sys.getprofile()
        sys.setprofile(self.note)
        try:
            yield
        finally:
            sys.setprofile(before)

    @property
    def files(self) -> list[str]:
        """The files that were entered, one after the other; a file that calls itself is not left."""
        files = [each.file for each in self.steps]
        return [file for file, before in zip(files, ["", *files], strict=False) if file != before]

    def __str__(self) -> str:
        return "\n".join(f"{step.file}: {step.function}" for step in self.steps)


@cache
def asks_a_value(step: Step) -> bool:
    """Whether a function is a property, part of another function, or one of those that Python calls."""
    if "<" in step.function or step.function.endswith("__"):
        return True
    found: Any = sys.modules[f"earlystop.{step.file.removesuffix('.py').replace('/', '.')}"]
    for name in step.function.split("."):
        found = vars(found).get(name)
    return isinstance(found, property)


async def walk_of_a_look() -> Walk:
    """The walk of a reconciliation in which a look was taken and nothing followed from it but counts."""
    async with World(SAVING).open() as world:
        await world.reconcile_until("Observing")
        turns = Turns()
        while turns.another():
            before, written = world.tracked.state, len(world.api.calls)
            walk = Walk()
            with walk.drawn():
                await world.reconcile()
            looked = len(world.tracked.state.looks) > len(before.looks) > 0
            if looked and world.tracked.state.phase is before.phase and len(world.api.calls) == written:
                return walk
    raise AssertionError("no look was taken")


async def test_a_mere_look_enters_each_file_of_the_controller_once_but_for_a_few() -> None:
    walk = await walk_of_a_look()
    entered, returns = set(walk.files), len(walk.files) - len(set(walk.files))
    assert {"controller/counts/take_look.py", "controller/traffic/act.py"} <= entered, "the walk missed the look"
    assert len(entered) <= MOST_FILES, f"a look enters {len(entered)} files:\n{walk}"
    assert returns <= MOST_RETURNS, f"a look returns {returns} times to a file that it had left:\n{walk}"


async def test_a_look_is_read_judged_kept_carried_out_and_reported_in_this_order() -> None:
    files = (await walk_of_a_look()).files
    order = [
        "controller/reconcile/requests.py",
        "controller/counts/look_request.py",
        "controller/counts/look.py",
        "controller/traffic/act.py",
        "controller/store/status_writer.py",
        "controller/reconcile/timing.py",
    ]
    begins = [len(files) - 1 - files[::-1].index(each) for each in order]
    assert begins == sorted(begins)
