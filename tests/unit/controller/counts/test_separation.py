"""A namespace whose series make queries slow is found, and then holds up nobody but itself; a slow source is no
namespace's fault."""

from __future__ import annotations

import random
from collections.abc import Collection

import pytest

from earlystop.controller.counts.separation import MOST_GROUPS, SEPARATE_SECONDS, SLOW_SECONDS, Part, Separation

NOW = 1_700_000_000.0
LOOK_SECONDS = 15.0


class Source:
    """A source that is asked at each look, as the batcher does it. slow: namespaces that make a query slow; failing:
    those that fail it. halves: whether a failure says which policy it is about."""

    def __init__(self, many: int, *, slow: Collection[str] = (), failing: Collection[str] = (), halves: bool) -> None:
        self.namespaces = [f"ns-{number:03}" for number in range(many)]
        self.slow, self.failing, self.halves = frozenset(slow), frozenset(failing), halves
        self.separation, self.now = Separation(), NOW
        self.queries = 0

    def look(self) -> list[Part]:
        """One look of all that share the first lane."""
        here = [each for each in self.namespaces if not self.separation.is_slow(each, self.now)]
        parts = [self.answer(part) for part in self.separation.parts(here)]
        self.queries += len(parts)
        self.separation = self.separation.after(parts, self.now)
        self.now += LOOK_SECONDS
        return parts

    def answer(self, namespaces: frozenset[str]) -> Part:
        failed = namespaces & self.failing
        seconds = 2 * SLOW_SECONDS if namespaces & self.slow else 0.1
        return Part(namespaces, seconds, frozenset(failed if self.halves else namespaces if failed else ()))

    def held_up(self, parts: list[Part]) -> bool:
        return any(part.is_costly for part in parts)


@pytest.mark.parametrize("many", [2, 7, 50, 256])
@pytest.mark.parametrize("guilty", [1, 3])
@pytest.mark.parametrize("kind", ["slow", "fails alone", "fails all"])
def test_whoever_makes_queries_costly_is_found_within_three_looks(many: int, guilty: int, kind: str) -> None:
    chance = random.Random(many)
    chosen = set(chance.sample([f"ns-{number:03}" for number in range(many)], min(guilty, many - 1)))
    source = Source(many, **{"slow" if kind == "slow" else "failing": chosen}, halves=kind == "fails alone")
    held_up = [source.held_up(source.look()) for _ in range(20)]
    assert sum(held_up) <= 3 and not any(held_up[3:])
    assert {each for each in source.namespaces if source.separation.is_slow(each, source.now)} == chosen
    assert source.queries <= 20 + (1 + guilty) * MOST_GROUPS
    (part,) = source.look()
    assert part.namespaces == set(source.namespaces) - chosen  # the others share their query again


def test_it_is_tried_apart_when_its_time_is_over_and_shares_again_once_it_is_quick() -> None:
    source = Source(5, slow={"ns-003"}, halves=False)
    for _ in range(5):
        source.look()
    source.now += SEPARATE_SECONDS
    tried = source.look()
    assert [sorted(part.namespaces) for part in tried][1:] == [["ns-003"]] and source.held_up(tried)
    source.slow = frozenset()
    source.now += SEPARATE_SECONDS
    assert len(source.look()) == 2
    (part,) = source.look()
    assert part.namespaces == set(source.namespaces)


@pytest.mark.parametrize("many", [1, 2, 50, 1000])
def test_a_source_that_is_slow_for_all_is_not_asked_much_more_often_for_it(many: int) -> None:
    source = Source(many, slow={f"ns-{number:03}" for number in range(many)}, halves=False)
    looks = int(2 * SEPARATE_SECONDS / LOOK_SECONDS)
    for _ in range(looks):
        source.look()
    # Each time a look in groups finds that all are slow, all are asked together for ten minutes.
    assert source.queries <= looks + 3 * MOST_GROUPS
    assert many == 1 or not any(source.separation.is_slow(each, source.now) for each in source.namespaces)


def test_every_namespace_is_asked_exactly_once_whatever_is_known() -> None:
    chance = random.Random(11)
    names = [f"ns-{number}" for number in range(12)]
    separation = Separation()
    for step in range(500):
        asked = chance.sample(names, chance.randint(1, 12))
        parts = separation.parts(asked)
        assert sorted(name for part in parts for name in part) == sorted(asked)
        told = [
            Part(part, chance.choice((0.1, 5.0)), frozenset(chance.sample(sorted(part), chance.randint(0, len(part)))))
            for part in parts
        ]
        separation = separation.after(told, NOW + 100 * step)
