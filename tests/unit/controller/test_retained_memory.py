"""How much memory a policy takes beside those that are like it: what is kept of each of a thousand is a MiB a KiB."""

from __future__ import annotations

import gc
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

import pytest

from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import SAME

LOOKS = 20
MOST_BYTES = 36 * 1024
"""Of a policy with one candidate and one process for each variant, after as many looks. It has 32 KiB with Python 3.11;
with the evidence that is stored, beside the latest, it had 55 with all else that is shared now."""
OF_ALL = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)


def taken_by(root: object, known: set[int]) -> int:
    """Bytes of all that can be reached from here and not from what is known, which it is from now on."""
    reached, size = [root], 0
    while reached:
        each = reached.pop()
        if id(each) in known or isinstance(each, OF_ALL):
            continue
        known.add(id(each))
        size += sys.getsizeof(each)
        reached += gc.get_referents(each)
    return size


async def under_trial() -> World:
    changes = {"rollout": {"steps": [{"weight": 50, "minimumSeconds": 36_000}], "deadlineSeconds": 360_000}}
    world = World(SAME, changes)
    async with world.open():
        await world.reconcile_while(lambda: world.tracked.state.most_looks < LOOKS)
    return world


@pytest.mark.slow
async def test_a_policy_under_trial_takes_few_kib_beside_others_that_are_like_it() -> None:
    known: set[int] = set()
    worlds = [await under_trial() for _ in range(3)]
    *others, taken = [taken_by(each.tracked, known) for each in worlds]
    assert others[0] > taken, "what all of them share is counted with the first"
    assert taken < MOST_BYTES
