"""Votes and labels that come after their answers count where the answers were, also in a process of their own."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from earlystop.api.wire import BY_USER_GROUP, LATER_METRICS
from earlystop.exporter.export import Exporter
from earlystop.exporter.revisions import IDLE_SECONDS
from tests.unit.exporter.pages import POLICY, REVISION, Clock, assignment, read, scrape


def test_a_label_is_an_answer_of_its_step_and_no_request(registry: CollectorRegistry, exporter: Exporter) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.started(assignment())
    exporter.completed(assignment(), 7, None)
    exporter.register(POLICY, REVISION, 1)
    assert exporter.labelled(assignment(), "match")
    found = {(key.step, key.variant): tally for key, tally in read(registry).items()}
    (old, new) = found[0, "baseline"], found[1, "baseline"]
    assert (old.match, old.completed, old.started) == (1, 1, 1)
    assert new.tried == 0


def test_a_label_that_says_neither_right_nor_wrong_is_none(exporter: Exporter) -> None:
    exporter.register(POLICY, REVISION, 0)
    with pytest.raises(ValueError, match="write one of match, mismatch"):
        exporter.labelled(assignment(), "unscored")


def test_a_label_of_what_is_not_exposed_counts_nowhere(registry: CollectorRegistry, exporter: Exporter) -> None:
    assert not exporter.labelled(assignment(), "match")
    assert not read(registry)


def test_labels_of_a_group_of_users_count_for_that_group(registry: CollectorRegistry, exporter: Exporter) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.labelled(assignment(known_group=3), "mismatch")
    exporter.feedback(assignment(known_group=3), "down")
    rows = [row for row in scrape(registry) if row.labels["__name__"] == BY_USER_GROUP]
    assert {(r.labels["user_group"], r.labels["event"], r.value) for r in rows} == {
        ("3", "mismatch", 1.0),
        ("3", "feedback_down", 1.0),
    }


def test_a_process_that_serves_no_requests_does_not_look_like_a_server_that_lives() -> None:
    registry = CollectorRegistry()
    exporter = Exporter(registry, demands_token=False, serves_requests=False)
    exporter.register(POLICY, REVISION, 0)
    exporter.labelled(assignment(), "match")
    exporter.feedback(assignment(), "up")
    names = {row.labels["__name__"] for row in scrape(registry) if row.labels.get("variant")}
    assert names == set(LATER_METRICS)
    tally = next(tally for key, tally in read(registry).items() if key.variant == "baseline")
    assert (tally.match, tally.feedback_up, tally.started) == (1, 1, 0)


def test_a_campaign_that_is_voted_on_keeps_its_place_and_one_that_is_not_loses_it() -> None:
    clock = Clock()
    exporter = Exporter(CollectorRegistry(), max_revisions=2, clock=clock, demands_token=False, serves_requests=False)
    for revision in ("voted", "quiet"):
        exporter.register(POLICY, revision, 0)
    clock.now = IDLE_SECONDS
    assert exporter.feedback(assignment(revision="voted"), "up")
    assert exporter.register(POLICY, "new", 0)
    assert exporter.feedback(assignment(revision="voted"), "up")
    assert not exporter.feedback(assignment(revision="quiet"), "up")


def test_votes_keep_no_place_in_a_server_since_clients_could_hold_it_so(
    registry: CollectorRegistry, clock: Clock
) -> None:
    exporter = Exporter(registry, max_revisions=1, clock=clock)
    exporter.register(POLICY, REVISION, 0)
    clock.now = IDLE_SECONDS
    exporter.feedback(assignment(), "up")
    assert exporter.register(POLICY, "new", 0)
