"""A namespace whose series make queries slow is found, and then holds up nobody but itself; a slow source is no
namespace's fault."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection
from math import ceil

import pytest

from earlystop.controller.counts.part_reading import MOST_COSTLY_PARTS, Answers, Probed, read_parts
from earlystop.controller.counts.separation import (
    MOST_GROUPS,
    MOST_TRIED,
    SEPARATE_SECONDS,
    SLOW_SECONDS,
    Part,
    Separation,
)
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

NOW = 1_700_000_000.0
LOOK_SECONDS = 15.0
LOOKS_IN_TEN_MINUTES = int(SEPARATE_SECONDS / LOOK_SECONDS)
CHUNK = 50
HUNG = MetricsFailure(FailureKind.TIMEOUT, "the source did not answer in time")
ABSENT = MetricsFailure(FailureKind.NO_DATA, "there are no series")

Spoils = Callable[[str, frozenset[str]], bool]
"""Whether a namespace spoils a query that it shares with these."""


class Source:
    """A source that is asked at each look as the batcher does it, for one policy of each namespace. A query is for 50
    of them at most, and a namespace that spoils it fails them all, unless `halves`: then the failure is its own alone.

    slow: namespaces that make a query slow, which is answered. probed: what the source answers for nobody's series.
    """

    def __init__(self, many: int, spoils: Spoils, *, slow: Collection[str] = (), halves: bool = False) -> None:
        self.namespaces = [f"ns-{number:03}" for number in range(many)]
        self.spoils, self.slow, self.halves = spoils, frozenset(slow), halves
        self.separation, self.now, self.probed = Separation(), NOW, Probed(0.01)
        self.parts: list[Part] = []

    def look(self, due: Collection[str] | None = None) -> set[str]:
        """One look of all that are due and share the first lane; the namespaces that got no answer."""
        self.parts = []
        chosen = self.namespaces if due is None else due
        here = [each for each in chosen if not self.separation.is_slow(each, self.now)]
        parts = self.separation.parts(here, self.now)
        answers, judged = read_parts(parts, self.read, lambda: self.probed, dict.fromkeys)
        assert answers.keys() == set(here)
        self.separation = self.separation.after(judged, self.now)
        self.now += LOOK_SECONDS
        return {each for each, answer in answers.items() if answer is HUNG}

    def read(self, namespaces: frozenset[str]) -> tuple[Answers, Part]:
        failed: set[str] = set()
        ordered = sorted(namespaces)
        for chunk in (frozenset(ordered[start : start + CHUNK]) for start in range(0, len(ordered), CHUNK)):
            spoilers = {each for each in chunk if self.spoils(each, chunk)}
            failed |= spoilers if self.halves or not spoilers else chunk
        seconds = 2 * SLOW_SECONDS if namespaces & self.slow else 0.1
        self.parts.append(Part(namespaces, seconds, frozenset(failed), frozenset(failed if self.halves else ())))
        return {each: HUNG if each in failed else ABSENT for each in namespaces}, self.parts[-1]

    def found(self) -> set[str]:
        return {each for each in self.namespaces if self.separation.is_slow(each, self.now)}


def never(namespace: str, shared_with: frozenset[str]) -> bool:
    return False


def chosen_of(many: int, guilty: int, chance: random.Random) -> set[str]:
    return set(chance.sample([f"ns-{number:03}" for number in range(many)], min(guilty, many - 1)))


def most_in_ten_minutes(lost_at: Collection[int]) -> int:
    return max((sum(first <= each < first + LOOKS_IN_TEN_MINUTES for each in lost_at) for first in lost_at), default=0)


@pytest.mark.parametrize("many", [2, 7, 50, 256])
@pytest.mark.parametrize("guilty", [1, 3])
@pytest.mark.parametrize("kind", ["slow", "fails alone", "fails all"])
def test_exactly_those_who_make_queries_costly_are_found_within_three_looks(many: int, guilty: int, kind: str) -> None:
    chosen = chosen_of(many, guilty, random.Random(many))
    source = Source(
        many,
        never if kind == "slow" else lambda namespace, _: namespace in chosen,
        slow=chosen if kind == "slow" else (),
        halves=kind == "fails alone",
    )
    costly: list[bool] = []
    for _ in range(20):
        source.look()
        costly.append(any(part.is_costly for part in source.parts))
    assert sum(costly) <= 3 and not any(costly[3:])
    assert source.found() == chosen
    assert len(source.parts) <= 1 + (1 + guilty) * MOST_GROUPS


@pytest.mark.parametrize("seed", range(12))
def test_a_healthy_namespace_loses_three_looks_in_ten_minutes_and_one_for_every_eight_that_are_slow(seed: int) -> None:
    """Whichever are slow in whatever pattern, also one that reckons with how it is looked for."""
    chance = random.Random(seed)
    many = chance.choice((3, 12, 60, 120))
    hostile = chosen_of(many, chance.choice((1, 2, 5, 16, 40)), chance)
    victim = min(f"ns-{number:03}" for number in range(many) if f"ns-{number:03}" not in hostile)
    often = chance.choice((0.05, 0.3, 0.5, 0.9))
    patterns: list[Spoils] = [
        lambda each, _: each in hostile,
        lambda each, _: each in hostile and chance.random() < often,
        lambda each, _: each in hostile and source.now // LOOK_SECONDS % 2 == 0,
        lambda each, shared_with: each in hostile and victim in shared_with,
        lambda each, shared_with: each in hostile and len(shared_with) > 1,
        lambda each, shared_with: each in hostile and (len(shared_with) > 1 or chance.random() < often),
    ]
    source = Source(many, patterns[seed % len(patterns)])
    lost: dict[str, list[int]] = {each: [] for each in source.namespaces if each not in hostile}
    for number in range(2 * LOOKS_IN_TEN_MINUTES):
        due = None if seed % 3 else [*hostile, *chance.sample(source.namespaces, many // 2)]
        for each in source.look(due and sorted(set(due))) - hostile:
            lost[each].append(number)
    most = max(most_in_ten_minutes(each) for each in lost.values())
    assert most <= 3 + ceil(len(hostile) / MOST_COSTLY_PARTS) and not source.found() - hostile


def test_a_namespace_is_never_found_slow_for_a_query_that_failed_with_others() -> None:
    chance = random.Random(5)
    for _ in range(300):
        names = frozenset(f"ns-{number}" for number in range(chance.randint(2, 60)))
        failed = frozenset(chance.sample(sorted(names), chance.randint(1, len(names))))
        after = Separation().after([Part(names, 0.1, failed)], NOW)
        assert not after.slow and {each for group in after.groups for each in group.namespaces} == failed


def test_namespaces_that_look_alone_and_are_slow_are_never_taken_for_the_source() -> None:
    source = Source(6, lambda each, _: each in {"ns-000", "ns-001"})
    for _ in range(4):
        source.look(["ns-000", "ns-001"])
    for _ in range(4):
        assert not source.look()
    assert source.found() == {"ns-000", "ns-001"}


def test_it_is_tried_apart_when_its_time_is_over_and_shares_again_once_it_is_quick() -> None:
    source = Source(5, never, slow={"ns-003"})
    for _ in range(5):
        source.look()
    source.now += SEPARATE_SECONDS
    source.look()
    assert [sorted(part.namespaces) for part in source.parts if part.is_costly] == [["ns-003"]]
    source.slow = frozenset()
    source.now += SEPARATE_SECONDS
    source.look()
    assert len(source.parts) == 2
    source.look()
    assert [part.namespaces for part in source.parts] == [set(source.namespaces)]


def test_few_of_those_whose_time_is_over_are_tried_in_one_look_and_who_is_gone_keeps_none_waiting() -> None:
    names = [f"ns-{number:03}" for number in range(100)]
    separation, now = Separation(dict.fromkeys(names, NOW)), NOW + 1
    assert sum(not separation.is_slow(each, now) for each in names) == MOST_TRIED
    separation, now = separation.after([], NOW + SEPARATE_SECONDS), NOW + SEPARATE_SECONDS
    assert not any(separation.is_slow(each, now) for each in names)


@pytest.mark.parametrize("many", [1, 2, 50, 1000])
@pytest.mark.parametrize("probed", [Probed(2 * SLOW_SECONDS), Probed(10.0, HUNG)])
def test_a_source_that_is_slow_itself_separates_nobody_and_is_asked_once_a_look(many: int, probed: Probed) -> None:
    source = Source(many, never, slow={f"ns-{number:03}" for number in range(many)})
    source.probed = probed
    for _ in range(LOOKS_IN_TEN_MINUTES):
        source.look()
        assert len(source.parts) == 1
    assert source.separation == Separation()


@pytest.mark.parametrize("many", [2, 50, 150])
def test_a_look_at_a_source_that_answers_nobodys_series_alone_ends_after_a_few_costly_parts(many: int) -> None:
    source = Source(many, never, slow={f"ns-{number:03}" for number in range(many)})
    for _ in range(2 * LOOKS_IN_TEN_MINUTES):
        assert not source.look()
        assert sum(part.is_costly for part in source.parts) <= MOST_COSTLY_PARTS + 1


def test_a_source_that_ceases_to_answer_in_the_midst_of_a_look_is_not_asked_for_the_rest() -> None:
    asked: list[str] = []

    def read(part: frozenset[str]) -> tuple[Answers, Part]:
        asked.extend(part)
        return dict.fromkeys(part, HUNG), Part(part, 10.0, part)

    parts = [frozenset({name}) for name in ("a", "b", "c", "d")]
    probes = iter([Probed(0.1), Probed(10.0, HUNG)])
    answers, judged = read_parts(parts, read, lambda: next(probes), dict.fromkeys)
    assert asked == ["a", "b"] and answers == dict.fromkeys("abcd", HUNG)
    assert [part.namespaces for part in judged] == [{"a"}]  # of the others nothing is known


def test_every_namespace_is_asked_exactly_once_whatever_is_known() -> None:
    chance = random.Random(11)
    names = [f"ns-{number}" for number in range(12)]
    separation = Separation()
    for step in range(500):
        now = NOW + 100 * step
        asked = chance.sample(names, chance.randint(1, 12))
        parts = separation.parts(asked, now)
        assert Counter(name for part in parts for name in part) == Counter(asked)
        told = [
            Part(part, chance.choice((0.1, 5.0)), frozenset(chance.sample(sorted(part), chance.randint(0, len(part)))))
            for part in parts
        ]
        separation = separation.after(told, now)
