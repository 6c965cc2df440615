"""A trial that an earlier release proposed, and that is under way when a newer one takes over."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.searches import SEARCHES
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.search.bayesian import Bayesian
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Estimate, SearchTerms, Setting, TrialEnd, TrialOutcome
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.verdict import differences, object_differences
from tests.unit.rollout.policies import UID
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched
from tests.unit.rollout.states import REACHED

CERTIFIED = REACHED["searching, a trial is certified"]
NEWEST = SEARCHES["Ladder"].version
TERMS = SearchTerms(
    margin=0.02, minimum_saving=0.05, risk=0.05, failure_budget=3, requests=None, horizon=2_000_000, version=NEWEST
)
LADDER = [Setting(f"rung-{index}", (), (index / 5,)) for index in range(6)]
SURFACE = [Setting(f"at-{row}-{column}", (), (row / 3, column / 2)) for row in range(4) for column in range(3)]


def _came_of(setting: int, end: TrialEnd, loss: float, saving: float, requests: int) -> TrialOutcome:
    return TrialOutcome(setting, end, 0.025, Estimate(loss, 0.004), Estimate(saving, 0.01), requests)


ON_LADDER = [
    _came_of(2, TrialEnd.CERTIFIED, 0.003, 0.2, 30_000),
    _came_of(4, TrialEnd.HARMFUL, 0.05, 0.4, 6_000),
    _came_of(3, TrialEnd.INCONCLUSIVE, 0.012, 0.31, 90_000),
]
ON_SURFACE = [
    _came_of(4, TrialEnd.CERTIFIED, 0.004, 0.22, 30_000),
    _came_of(7, TrialEnd.INCONCLUSIVE, 0.017, 0.3, 120_000),
    _came_of(10, TrialEnd.HARMFUL, 0.06, 0.4, 4_000),
]
LADDER_SO_FAR = [(2, 230_000), (3, 170_000), (3, 200_000)]
"""Settings and requests that versions 1 to 5 all proposed, as the releases with them computed it."""
SURFACE_SO_FAR = [(7, 230_000), (7, 170_000)]


@pytest.mark.parametrize(
    ("version", "on_ladder", "on_surface"),
    [
        (1, [*LADDER_SO_FAR, (5, 60_000)], [*SURFACE_SO_FAR, (5, 810_000), (5, 840_000)]),
        (2, [*LADDER_SO_FAR, (5, 590_000)], [*SURFACE_SO_FAR, (5, 850_000), (5, 960_000)]),
        (3, [*LADDER_SO_FAR, (5, 590_000)], [*SURFACE_SO_FAR, (5, 850_000), (5, 960_000)]),
        (4, [*LADDER_SO_FAR, (5, 590_000)], [*SURFACE_SO_FAR, (5, 850_000), (5, 960_000)]),
        (5, [*LADDER_SO_FAR, (5, 590_000)], [*SURFACE_SO_FAR, (5, 850_000), (5, 960_000)]),
    ],
)
def test_what_an_earlier_version_proposed_is_proposed_again_by_its_number(
    version: int, on_ladder: list[tuple[int, int]], on_surface: list[tuple[int, int]]
) -> None:
    terms = replace(TERMS, version=version)
    told = [Ladder().propose(LADDER, ON_LADDER[:trials], terms, None, 1) for trials in range(4)]
    assert [each and (each.setting, each.requests) for each in told] == on_ladder
    told = [Bayesian().propose(SURFACE, ON_SURFACE[:trials], terms, None, 1) for trials in range(4)]
    assert [each and (each.setting, each.requests) for each in told] == on_surface


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("strategy", ["Ladder", "Bayesian"])
def test_the_verdicts_of_an_earlier_version_s_search_verify(
    monkeypatch: pytest.MonkeyPatch, strategy: str, version: int
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setitem(SEARCHES, strategy, replace(SEARCHES[strategy], version=version))
        world = World(searched({"strategy": strategy}), SAFE_BUT_LAST)
        world.run()
    verdicts = list(world.verdicts.values())
    assert len(verdicts) > 1 and {each["spec"]["search"]["version"] for each in verdicts} == {version}
    assert [object_differences(each) for each in verdicts] == [[]] * len(verdicts)


def test_a_verdict_names_the_version_that_proposed_its_trial_whichever_release_writes_it() -> None:
    assert verdict_spec("qa", UID, CERTIFIED)["search"]["version"] == NEWEST
    plan = json.loads(CERTIFIED.pinned_plan.text)
    plan["trial"]["version"] = NEWEST + 1
    newer = replace(CERTIFIED, plan=parse_plan(json.dumps(plan, sort_keys=True, separators=(",", ":"))))
    record = verdict_spec("qa", UID, newer)
    assert record["search"]["version"] == NEWEST + 1
    (told,) = differences(record)
    assert told.startswith(f"Version {NEWEST + 1} of strategy Ladder proposed this trial")


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6, 8])
def test_no_other_version_than_the_plan_s_can_be_claimed(version: int) -> None:
    record = verdict_spec("qa", UID, CERTIFIED)
    record["search"]["version"] = version
    record["digest"] = digest_of(record)
    (told,) = differences(record)
    assert told == f"The record names version {version} of strategy Ladder, and its plan {NEWEST}."


def test_a_plan_without_a_version_was_proposed_by_the_first_one() -> None:
    trial = TrialPlan(1, 2, "window-10", (("window", "10"),), 0.0125, 8000)
    assert "version" not in trial.wire() and TrialPlan.of(trial.wire()).version == 1
    assert TrialPlan.of(replace(trial, version=2).wire()).version == 2
    with pytest.raises(ValueError, match="whole numbers"):
        TrialPlan.of({**trial.wire(), "version": "2"})
