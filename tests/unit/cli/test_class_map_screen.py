"""A policy that gives each query class its own setting says on its screens what each gets, and what is missing."""

from __future__ import annotations

import json

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.cli.explain import explanation
from earlystop.controller.cluster import Manifest
from earlystop.rollout.state import RolloutState
from earlystop.rollout.transitions import carried_out
from tests.unit.cli.shown_policies import moment_of, screen
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout import classes
from tests.unit.rollout.classes import EASY_AND_HARD, IN_SHADOW, LIVE
from tests.unit.rollout.policies import started


def policy_of(state: RolloutState) -> Manifest:
    """A policy in a state of a campaign by class, with the spec that the campaign is about."""
    made = manifest(state)
    made["spec"] = json.loads(state.pinned_plan.spec.model_dump_json(by_alias=True, exclude_none=True))
    return made


def shown(state: RolloutState) -> str:
    """The words of its screen of 80 columns and 24 lines."""
    lines = screen(policy_of(state), 80, 24)
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, "\n".join(lines)
    return " ".join(" ".join(lines).split())


def explained(state: RolloutState) -> str:
    made = policy_of(state)
    return " ".join(" ".join((sentence, *items)) for sentence, items in explanation(made, moment_of(made), None))


def in_shadow(looks: int, requests: int) -> RolloutState:
    state = started(IN_SHADOW)
    for _ in range(looks):
        state = classes.observe(IN_SHADOW, state, EASY_AND_HARD, requests)
    return state


def test_a_screen_names_the_best_of_each_class_with_who_else_is_proven_or_harmful_in_it() -> None:
    text = shown(in_shadow(3, 100))
    assert "classes lookup: w1 is best; proven w10, w5, w1 proof: w10 is best; harmful w5, w1" in text
    assert "A recommendation waits for the least time of this step, 60 s." in text


def test_a_class_in_which_nothing_is_proven_says_which_setting_is_nearest_and_that_it_is_waited_for() -> None:
    text = shown(in_shadow(1, 20))
    assert "proof: none is proven" in text and "nearest is w10, " in text
    assert "waits for each setting to be proven, harmful or less saving than the best in lookup, proof; and" in text


@pytest.mark.parametrize("spec", [IN_SHADOW, LIVE], ids=["in shadow", "live"])
def test_the_end_speaks_of_classes_and_not_of_the_setting_that_most_of_them_get(spec: PolicySpec) -> None:
    ended = carried_out(classes.decided(spec, started(spec), EASY_AND_HARD))
    assert ended.decision is not None and ended.certified is not None
    text = shown(ended)
    assert ": each query class has its own setting (baseline window=40, patience=2.5). Decided: Proven for" in text
    assert "window=10" not in text.partition("last")[0] and "% now" not in text
    for each in ended.certified.classes:
        assert f"{each.query_class}: {each.candidate} is best" in text


def test_an_explanation_says_what_the_map_waits_for_and_how_each_class_stands() -> None:
    text = explained(in_shadow(1, 20))
    assert "The map of query classes is recommended when there is: each setting to be proven, harmful or" in text
    assert "Each query class gets the proven setting that saves most in it, and the baseline where none is:" in text
    assert "lookup: none is proven; nearest is w10" in text and "w10 is recommended when" not in text
