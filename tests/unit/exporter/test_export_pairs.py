"""Pairs and feedback on the metrics page: exact, of the convention, and within the same bounds."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from earlystop.api.wire import PAIR_OUTCOMES, SENTIMENTS
from earlystop.exporter.export import Assignment, Exporter
from earlystop.exporter.revisions import IDLE_SECONDS
from tests.unit.exporter.pages import POLICY, REVISION, Clock, assignment, scrape


def rows(registry: CollectorRegistry, metric: str, split: str) -> dict[tuple[str, str], float]:
    """Values by variant and by the metric's own label."""
    found = [sample for sample in scrape(registry) if sample.labels["__name__"] == metric]
    assert all(sample.labels["process"] == "proc" for sample in found)
    return {(sample.labels["variant"], sample.labels[split]): sample.value for sample in found}


def test_pairs_and_feedback_are_counted_and_all_their_children_begin_at_zero(registry: CollectorRegistry) -> None:
    exporter = Exporter(registry, process="proc")
    exporter.register(POLICY, REVISION, 0)
    for outcome in ("both", "both", "candidate_only"):
        assert exporter.pair(assignment(), outcome)
    assert exporter.feedback(assignment("candidate"), "down")
    pairs = dict.fromkeys((("", outcome) for outcome in PAIR_OUTCOMES), 0.0)
    assert rows(registry, "earlystop_pairs_total", "outcome") == {**pairs, ("", "both"): 2, ("", "candidate_only"): 1}
    feedback = dict.fromkeys((("candidate", sentiment) for sentiment in SENTIMENTS), 0.0)
    assert rows(registry, "earlystop_feedback_total", "sentiment") == {**feedback, ("candidate", "down"): 1}


def test_feedback_and_pairs_of_unknown_revisions_are_counted_nowhere_and_push_none_out(
    registry: CollectorRegistry,
) -> None:
    exporter = Exporter(registry, process="proc", max_revisions=1)
    exporter.register(POLICY, REVISION, 0)
    for forged in (Assignment(POLICY, "forged", 0, "candidate"), assignment("unassigned"), assignment(policy="x")):
        assert not exporter.feedback(forged, "up")
    assert not exporter.pair(Assignment(POLICY, "forged", 0, ""), "both")
    assert rows(registry, "earlystop_feedback_total", "sentiment") == {}
    assert exporter.pair(assignment(), "both")


def test_an_evicted_revision_takes_its_pairs_and_feedback_with_it(registry: CollectorRegistry) -> None:
    clock = Clock()
    exporter = Exporter(registry, process="proc", max_revisions=1, clock=clock)
    exporter.register(POLICY, REVISION, 0)
    exporter.pair(assignment(), "both")
    exporter.feedback(assignment(), "up")
    clock.now = IDLE_SECONDS
    exporter.register(POLICY, "r2", 0)
    assert rows(registry, "earlystop_pairs_total", "outcome") == {}
    assert rows(registry, "earlystop_feedback_total", "sentiment") == {}
    assert not exporter.pair(assignment(), "both")


def test_words_that_are_not_of_the_convention_are_refused(registry: CollectorRegistry) -> None:
    exporter = Exporter(registry, process="proc")
    exporter.register(POLICY, REVISION, 0)
    with pytest.raises(ValueError, match="write one of both"):
        exporter.pair(assignment(), "draw")
    with pytest.raises(ValueError, match="write one of up"):
        exporter.feedback(assignment(), "meh")
    with pytest.raises(ValueError, match="write one of match"):
        exporter.evaluated(assignment(), None, "right")
