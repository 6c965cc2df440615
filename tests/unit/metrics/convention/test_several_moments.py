"""Counts that are read at several moments at once are those that each moment's own query finds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from earlystop.metrics.convention.query import NEWEST_SAMPLE, READING
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.several_moments import (
    MAX_POLICIES_A_QUERY,
    MOST_MOMENTS,
    LooksAhead,
    chunks_of,
    read_moments,
)
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.moments import AtMoments
from tests.unit.metrics.convention.samples import request, row
from tests.unit.metrics.convention.worlds import HORIZON, POLICY, REVISION, ScrapedServers

POLICIES = ("llm/qa", "llm/chat", "team/qa")


class Answered:
    """A source whose rows differ from moment to moment; `rows` says which."""

    def __init__(self, rows: dict[int, Sequence[Sample]]) -> None:
        self.rows = rows

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        return list(self.rows[int(at)])


def of_each_moment(source: Answered, asked: CountRequest, moments: range, label: str | None) -> dict[int, Reading]:
    """What single looks would have read, as far as they could use it."""
    found = {at: read_counts(source, [asked], at, namespace_label=label)[asked.policy] for at in moments}
    return {at: each for at, each in found.items() if not isinstance(each, MetricsFailure)}


@pytest.mark.parametrize("seed", range(40))
def test_servers_that_restart_are_read_at_several_moments_as_at_each(seed: int) -> None:
    world = ScrapedServers(seed)
    world.now = HORIZON + 200
    moments = range(60 + seed % 15, 60 + seed % 15 + 15 * random.Random(seed).randint(2, MOST_MOMENTS), 15)
    asked = CountRequest(POLICY, REVISION, 105, step=seed % 2 if seed % 3 else None)
    expected = {at: read_counts(world, [asked], at)[POLICY] for at in moments}
    found = read_moments(AtMoments(world), [LooksAhead(asked, moments)])[POLICY]
    assert found == {at: each for at, each in expected.items() if not isinstance(each, MetricsFailure)}


def a_row(draw: random.Random) -> Sample:
    """A row as sources give them: sound, of another policy or step, of another namespace, no count, or without a label
    that is needed."""
    labels = {
        "policy": draw.choice(POLICIES),
        "step": draw.choice(["0", "0", "0", "1", "01"]),
        "variant": draw.choice(["baseline", "candidate", "candidate", "unassigned"]),
        "process": draw.choice(["p", "q", "r", ""] if draw.random() < 0.1 else ["p", "q", "r"]),
        "namespace": draw.choice(["llm", "llm", "team"]),
    }
    if draw.random() < 0.03:
        return row(
            float(draw.randint(2, 3)), **labels, **{READING: draw.choice(["process_shared", "label_overwritten"])}
        )
    if draw.random() < 0.2:
        return Sample({**labels, "revision": "r1", READING: NEWEST_SAMPLE}, draw.uniform(0, 1000))
    value = draw.choice([float("nan"), -1.0, 0.5]) if draw.random() < 0.02 else float(draw.randint(0, 10**6))
    return row(value, **labels)


@pytest.mark.parametrize("label", [None, "namespace"])
@pytest.mark.parametrize("seed", range(60))
def test_what_speaks_against_a_moment_leaves_it_out_and_no_other(seed: int, label: str | None) -> None:
    draw = random.Random(seed)
    moments = range(1000, 1000 + 15 * draw.randint(1, MOST_MOMENTS), 15)
    rows: dict[int, Sequence[Sample]] = {}
    for at in moments:
        by_labels = {frozenset(each.labels.items()): each for each in (a_row(draw) for _ in range(draw.randint(0, 40)))}
        rows[at] = list(by_labels.values())
    source, asked = Answered(rows), [request(each) for each in POLICIES]
    found = read_moments(AtMoments(source), [LooksAhead(each, moments) for each in asked], label)
    for each in asked:
        assert found[each.policy] == of_each_moment(source, each, moments, label)


def test_each_policy_gets_the_moments_that_it_asked_for() -> None:
    source = Answered({at: [row(at, policy=each) for each in POLICIES] for at in range(1000, 1061, 15)})
    asked = [range(1000, 1031, 15), range(1015, 1016, 15), range(1030, 1061, 15)]
    looks = [LooksAhead(request(policy), moments) for policy, moments in zip(POLICIES, asked, strict=True)]
    client = AtMoments(source)
    found = read_moments(client, looks)
    assert [list(found[policy]) for policy in POLICIES] == [list(moments) for moments in asked]
    assert [moments for _, moments in client.asked] == [range(1000, 1061, 15)]


def test_no_query_is_about_more_policies_or_moments_than_its_answer_has_room_for() -> None:
    far = [LooksAhead(request(f"llm/far-{n}"), range(10_000, 10_031, 15)) for n in range(3)]
    near = [LooksAhead(request(f"llm/{n}"), range(1000, 1000 + 15 * MOST_MOMENTS, 15)) for n in range(60)]
    client = AtMoments(Answered({at: [row()] for at in (*range(1000, 1180, 15), *range(10_000, 10_031, 15))}))
    found: dict[str, dict[int, Reading]] = {}
    for chunk in chunks_of([*far, *near]):
        found |= read_moments(client, chunk)
    assert len(found) == 63 and len(client.asked) == 1 + -(-60 // MAX_POLICIES_A_QUERY)
    assert all(len(moments) <= MOST_MOMENTS for _, moments in client.asked)


def test_a_source_that_evaluates_at_other_moments_is_refused() -> None:
    source = Answered({at: [row()] for at in (1000, 1015)})
    with pytest.raises(MetricsFailure) as failure:
        read_moments(AtMoments(source, late=-5.0), [LooksAhead(request(), range(1000, 1016, 15))])
    assert failure.value.kind is FailureKind.TIME_MOVED


def test_requests_ask_the_same_but_for_what_silence_alone_matters_to() -> None:
    asked = request()
    later = replace(asked, liveness=replace(asked.liveness, seen_at=(1000,), workload="qa"))
    assert asked.asks_the_same(later)
    others = [
        replace(asked, window_seconds=61),
        replace(asked, revision="r2"),
        replace(asked, step=1),
        replace(asked, variants=("w5",)),
        replace(asked, liveness=replace(asked.liveness, variants=("baseline",))),
    ]
    assert not any(asked.asks_the_same(each) for each in others)
