"""A search of which nothing could be tried is refused by the operator, with a sentence that says what to write."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.rollout.unsupported import refusal_of_spec
from earlystop.rollout.unsupported_search import search_refusal
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import policy

WINDOWS = {"name": "window", "values": ["20", "10"]}
SHADOW: dict[str, Any] = {
    "delivery": {"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}, "gatewayHeader": None},
    "rollout": {"steps": None, "minimumSeconds": 60},
}
BY_LOOKS: dict[str, Any] = {"exactMatch": {"assumeIndependent": None}}


def searching(search: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changes = {"rollout": {"steps": [{"weight": 5}]}, **changes}
    return {"candidates": None, "search": {"strategy": "Grid", "parameters": [WINDOWS], **search}, **changes}


def over(**written: Any) -> dict[str, Any]:
    return searching({"parameters": [{"name": "window", **written}]})


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "steps that miss the end": (
        over(range={"from": "5", "to": "20", "step": "4"}),
        'from 5 to 20 is not reached to its end in steps of 4: 17 is followed by 21; write to: "17", or count',
    ),
    "a step that misses the end at once": (
        over(range={"from": "5", "to": "20", "step": "16"}),
        "5 is followed by 21; write count instead of step",
    ),
    "factors that miss the end": (
        over(range={"from": "5", "to": "30", "step": "2", "scale": "Log"}),
        '20 is followed by 40; write to: "20", or count instead of step',
    ),
    "factors with too many digits": (
        searching(
            {
                "parameters": [
                    {"name": "patience", "range": {"from": "1", "to": "1.331", "step": "1.1", "scale": "Log"}},
                    {"name": "window", "range": {"from": "1", "to": "4.84", "step": "2.2", "scale": "Log"}},
                ]
            }
        ),
        "window 2.2 is no whole number",
    ),
    "a range from the largest": (
        over(range={"from": "20", "to": "5", "step": "5"}),
        'does not lead from the smallest number to the largest; write from: "5", to: "20"',
    ),
    "a range of one number": (over(range={"from": "5", "to": "5", "step": "1"}), "write two that differ, or values"),
    "a range beyond what the parameter takes": (
        over(range={"from": "41", "to": "50", "step": "1"}),
        "is wider than what window takes; write from and to within 1 and 40",
    ),
    "a range that goes beyond what the parameter takes": (
        over(range={"from": "20", "to": "50", "step": "1"}),
        "is wider than what window takes; write from and to within 20 and 40",
    ),
    "a step of nothing": (
        over(range={"from": "5", "to": "20", "step": "0"}),
        "a step of 0 never reaches 20; write one above 0",
    ),
    "a step back": (over(range={"from": "5", "to": "20", "step": "-5"}), "a step of -5 never reaches 20"),
    "a factor of one": (
        over(range={"from": "5", "to": "20", "step": "1", "scale": "Log"}),
        "a step of 1 never reaches 20; write one above 1",
    ),
    "numbers without end": (
        searching({"parameters": [{"name": "patience", "range": {"from": "0", "to": "9", "step": "0.000001"}}]}),
        "holds more than 1,000 numbers in steps of 0.000001; write a larger step",
    ),
    "a forgotten logarithm": (
        searching({"parameters": [{"name": "window", "range": {"from": "3", "to": "24", "step": "2"}}]}),
        'write to: "23", or count instead of step, or scale: Log, with which a step is a factor',
    ),
    "a range beyond the bounds": (
        over(range={"from": "5", "to": "60", "step": "5"}),
        "the range from 5 to 60 is wider than what window takes; write from and to within 5 and 40",
    ),
    "a logarithm of nothing": (
        searching(
            {"parameters": [{"name": "patience", "range": {"from": "0", "to": "9", "count": 3, "scale": "Log"}}]}
        ),
        "does not begin above 0, as scale Log must; write such a from",
    ),
    "whole numbers too close": (
        over(range={"from": "1", "to": "4", "count": 9}),
        "would be tried twice; write each value once",
    ),
    "a fraction of an Integer": (over(range={"from": "1", "to": "4", "step": "1.5"}), "window 2.5 is no whole number"),
    "one value twice": (over(values=["10", "20", "10.0"]), "window 10 would be tried twice"),
    "one parameter twice": (searching({"parameters": [WINDOWS, WINDOWS]}), "window stands there twice"),
    "a value beyond the bounds": (over(values=["41"]), "window 41 is not between 1 and 40"),
    "a number without values": (over(), "window is a number; write values or range"),
    "a parameter that is not there": (
        searching({"parameters": [{"name": "pace"}]}),
        "there is no parameter pace; write the name of one, such as window",
    ),
    "the baseline alone": (over(values=["40"]), "there is nothing to try beside the baseline's own setting"),
    "too many for a ladder": (
        searching(
            {"strategy": "Ladder", "parameters": [{"name": "window", "range": {"from": "1", "to": "21", "step": "1"}}]}
        ),
        "there are 21 settings to try beside the baseline's, and strategy Ladder takes 20",
    ),
    "two parameters of a ladder": (
        searching({"strategy": "Ladder", "parameters": [WINDOWS, {"name": "patience", "values": ["1"]}]}),
        "strategy Ladder takes 1, and these are window, patience; write one, or strategy Grid",
    ),
    "too many for any": (
        searching(
            {
                "parameters": [
                    {"name": "window", "range": {"from": "1", "to": "40", "step": "1"}},
                    {"name": "patience", "range": {"from": "0", "to": "9", "step": "1.5"}},
                ]
            }
        ),
        "there are 280 settings to try beside the baseline's, and strategy Grid takes 200; "
        "write fewer values, or larger steps.",
    ),
    "more settings than a route has backends": (
        over(values=[str(each) for each in range(1, 17)]) | {"rollout": {"steps": [{"weight": 80}]}},
        "strategy Grid leads requests to the baseline and to all 16 settings beside each other, and a rule of a route "
        "has room for 16 backends; write at most 15 settings, or judge them in shadow first",
    ),
    "more arms of a bandit than a route has backends": (
        searching(
            {"strategy": "Bandit", "parameters": [{"name": "patience", "range": {"from": "1", "to": "9", "count": 33}}]}
        ),
        "search: strategy Bandit leads requests to the baseline and to all 32 settings",
    ),
    "shares below a hundredth": (
        over(values=[str(each) for each in range(1, 9)]),
        "the 8 settings of the search share the weight of a step, so of 5 % each would get less than 1 %; write "
        "weights of 8 or more, or fewer settings",
    ),
    "steps of a grid": (
        over(values=["20"]) | {"rollout": {"steps": [{"weight": 5}, {"weight": 25}]}},
        "strategy Grid tries all settings in one step, whose weight they share; write one",
    ),
    "more than a ladder takes": (
        searching(
            {
                "strategy": "Ladder",
                "parameters": [{"name": "patience", "range": {"from": "0.1", "to": "9", "step": "0.1"}}],
            }
        ),
        "there are 89 settings to try beside the baseline's, and strategy Ladder takes 20; write fewer values, or "
        "larger steps, or strategy Bayesian, which tries one after the other on live requests",
    ),
    "a grid that would begin again": (
        searching({"repeatSeconds": 86_400}),
        "search.repeatSeconds: a search that tries all settings in one campaign does not begin again by itself",
    ),
    "candidates beside it": (
        {"search": {"strategy": "Grid", "parameters": [WINDOWS]}},
        "search and candidates: write one of the two",
    ),
    "a strategy beside the search's": (
        searching({}, rollout={"strategy": "ABTest", "steps": [{"weight": 20}]}),
        "rollout.strategy ABTest: search.strategy says how settings are tried; remove rollout.strategy",
    ),
    "a Bandit in shadow": (searching({"strategy": "Bandit"}, **SHADOW), "write Ladder or Grid, or judge nothing"),
    "cohorts": (
        searching({}, delivery={"mode": "HeaderCohort"}),
        "delivery.mode HeaderCohort has a cohort for each candidate; write candidates",
    ),
    "a night too short for looks to teach anything": (
        searching({"strategy": "Ladder", "budget": {"seconds": 2000}}, objective=BY_LOOKS),
        "search.budget.seconds: nothing is promoted before 128 looks have shown how much answers scatter, which take "
        "2,880 s with this search, and search.budget.seconds ends it after 2,000 s; write 2910 or more, or",
    ),
    "a deadline that ends each trial before": (
        searching(
            {"strategy": "Ladder"}, rollout={"steps": [{"weight": 5}], "deadlineSeconds": 2000}, objective=BY_LOOKS
        ),
        "rollout.deadlineSeconds: nothing is promoted before 128 looks",
    ),
    "more settings together than looks can teach within any deadline": (
        searching(
            {"parameters": [{"name": "window", "values": [str(each) for each in range(2, 14)]}]},
            rollout={"steps": [{"weight": 50}]},
            objective=BY_LOOKS,
        ),
        "rollout.deadlineSeconds ends it after 3,600 s; try fewer settings, or write exactMatch.dispersion",
    ),
}


@every_row("mistake", MISTAKES)
def test_a_search_that_cannot_be_made_is_refused_with_what_to_write(mistake: str) -> None:
    changes, sentence = MISTAKES[mistake]
    refusal = search_refusal(policy(changes))
    assert refusal is not None and refusal.reason == "SearchUnusable"
    assert sentence in refusal.message and refusal.message.endswith(".")


@pytest.mark.parametrize("changes", [searching({}), over(range={"from": "10", "to": "40", "count": 4}), {}])
def test_a_search_that_can_be_made_is_accepted(changes: dict[str, Any]) -> None:
    assert refusal_of_spec(policy(changes)) is None


BY_INJECTOR: dict[str, Any] = {
    "delivery": {
        "mode": "RequestBody",
        "requestBody": {"engine": "VLLM", "routeRef": {"name": "qa"}, "split": "Injector"},
    }
}
BY_SERVERS: dict[str, Any] = {"delivery": {"mode": "ConfigMap", "configMap": {"name": "settings"}}}


@pytest.mark.parametrize("delivery", [BY_INJECTOR, BY_SERVERS])
def test_where_no_route_has_a_backend_for_each_setting_only_the_weights_bound_their_number(
    delivery: dict[str, Any],
) -> None:
    written = over(values=[str(each) for each in range(1, 31)]) | {"rollout": {"steps": [{"weight": 80}]}}
    changes = {"delivery": {"gatewayHeader": None, **delivery["delivery"]}}
    assert search_refusal(policy({**written, **changes})) is None
    assert search_refusal(policy(written)) is not None


def test_in_shadow_no_weight_is_shared_by_settings() -> None:
    many = {"name": "patience", "range": {"from": "0.1", "to": "9", "count": 60}}
    assert refusal_of_spec(policy(searching({"parameters": [many]}, **SHADOW))) is None
    steps = {"steps": [{"weight": 5}, {"weight": 25}], "shadowSeconds": 600}
    assert refusal_of_spec(policy(searching({"parameters": [many]}, rollout=steps))) is None


def test_a_search_with_time_for_the_looks_that_teach_how_answers_scatter_is_taken() -> None:
    enough = searching({"strategy": "Ladder", "budget": {"seconds": 2880}}, objective=BY_LOOKS)
    assert search_refusal(policy(enough)) is None
    sessions = {"exactMatch": {"assumeIndependent": None, "longestSessionSeconds": 45}}
    shorter = searching({"strategy": "Ladder", "budget": {"seconds": 960}}, objective=sessions)
    assert search_refusal(policy(shorter)) is None, "64 looks are enough for such sessions"
