"""Looks of cohorts: which counts of users are asked for, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally, UserScatter, Variant
from earlystop.api.wire import USER_GROUPS
from earlystop.controller.counts.look import state_after_reading
from earlystop.controller.counts.look_request import look_request
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.user_groups import UserGroups, UserQuestion
from earlystop.rollout.transitions import weights_in_force
from tests.unit.controller.counts.declared_sources import SOURCES
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.policies import NOW, policy, started
from tests.unit.rollout.traffic import answers

COHORTS = [{"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b"]}]
DELIVERY = {
    "mode": "HeaderCohort",
    "gatewayHeader": None,
    "headerCohort": {"routeRef": {"name": "qa"}, "header": "x-user-cohort", "cohorts": COHORTS},
}


ROLLOUT = {"strategy": "ABTest", "steps": None}


def settling(**rollout: object) -> TrackedPolicy:
    by_users = {"exactMatch": {"assumeIndependent": False}}
    spec = policy({"delivery": DELIVERY, "rollout": {**ROLLOUT, **rollout}, "objective": by_users})
    return tracked(weights_in_force(started(spec), NOW))


def groups(scored: int) -> tuple[Tally, ...]:
    """As many answers as that, evenly over the groups."""
    each = scored // USER_GROUPS
    return (Tally(completed=each, match=each, tokens=600 * each),) * USER_GROUPS


def reading(at: int, scored: int, users: UserGroups | None) -> Reading:
    rows = {SeriesKey(0, variant, "qa", "p"): answers(scored) for variant in (Variant.BASELINE.value, "w10")}
    return Reading(at, rows, at, 0, users=users)


def seen(scored: int, by_users: int | None) -> UserScatter | None:
    """What the first look after the snapshot holds, where so many answers of each cohort were counted by users."""
    found = settling()
    found.state, found.ledger = state_after_reading(found, reading(NOW + 30, 320, None), NOW + 30)
    users = None if by_users is None else UserGroups({"baseline": groups(by_users), "w10": groups(by_users)})
    state, _ = state_after_reading(found, reading(NOW + 45, scored, users), NOW + 45)
    (look,) = state.looks
    return look.users


def test_a_look_of_cohorts_asks_for_all_that_users_did_since_the_campaign_began() -> None:
    request = look_request(settling(), SOURCES, NOW + 300)
    assert isinstance(request, CountRequest)
    assert request.users == UserQuestion(300 + 2 * 15 + 60)


def test_no_users_are_asked_for_while_the_baseline_alone_is_watched() -> None:
    learning = look_request(settling(learnSeconds=600), SOURCES, NOW + 300)
    assert isinstance(learning, CountRequest) and learning.users is None


def test_a_look_knows_its_users_where_they_were_counted_for_its_answers() -> None:
    found = seen(640, 640)
    assert found is not None and found.is_known and found.baseline > 0


def test_users_that_were_counted_for_fewer_answers_than_there_were_or_for_more_are_not_believed() -> None:
    assert seen(640, 320) == seen(640, 960) == seen(640, None) == UserScatter()


@pytest.mark.parametrize(("unscored", "is_known"), [("CountAsMismatch", False), ("Exclude", True)])
def test_answers_that_are_judged_must_be_of_users_also_those_that_could_not_be_scored(
    unscored: str, is_known: bool
) -> None:
    objective = {"exactMatch": {"unscored": unscored, "assumeIndependent": False}}
    spec = policy({"delivery": DELIVERY, "rollout": ROLLOUT, "objective": objective})
    found = tracked(weights_in_force(started(spec), NOW))
    found.state, found.ledger = state_after_reading(found, reading(NOW + 30, 320, None), NOW + 30)
    users = UserGroups({"baseline": groups(640), "w10": groups(640)}, counts_completed=False)
    later = reading(NOW + 45, 640, users)
    spoilt = {key: replace(row, unscored=200, completed=row.completed + 200) for key, row in later.observed.items()}
    state, _ = state_after_reading(found, replace(later, observed=spoilt), NOW + 45)
    users_seen = state.looks[0].users
    assert users_seen is not None and users_seen.is_known is is_known
