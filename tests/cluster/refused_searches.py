"""Mistakes in a search that the API server refuses, each with its words; the operator refuses others."""

from __future__ import annotations

from typing import Any

from tests.cluster.objects import REMOVED, Manifest, changed, policy

WINDOWS: dict[str, Any] = {"name": "window", "values": ["20", "10"]}
EFFORT: dict[str, Any] = {
    "name": "effort",
    "type": "Choice",
    "choices": ["high", "medium", "low"],
    "stopsSooner": "WhenHigher",
}


def searching(search: dict[str, Any], **spec: Any) -> Manifest:
    """The policy of the tests with a search by Grid over its window and an effort, instead of its candidate."""
    made = changed(policy(), "spec.candidates", REMOVED)
    made["spec"]["parameters"].append(EFFORT)
    made["spec"]["baseline"]["values"].append({"name": "effort", "value": "high"})
    made["spec"]["rollout"] = {"steps": [{"weight": 60}]}
    made["spec"]["search"] = {"strategy": "Grid", "parameters": [WINDOWS], **search}
    return {**made, "spec": {**made["spec"], **spec}}


def over(**written: Any) -> Manifest:
    return searching({"parameters": [{"name": "window", **written}]})


SHADOW = {
    "delivery": {"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}},
    "rollout": {"minimumSeconds": 60},
}
SEARCHES: dict[str, tuple[Manifest, str]] = {
    "a parameter that is not there": (
        searching({"parameters": [{"name": "patience", "values": ["1"]}]}),
        "search.parameters: there is no parameter patience; write the name of one, such as window",
    ),
    "values that the parameter does not take": (over(values=["20", "41"]), "window does not take one of the values"),
    "a fraction of an Integer": (over(values=["20.5"]), "window does not take one of the values"),
    "a choice that is not listed": (
        searching({"parameters": [{"name": "effort", "values": ["low", "none"]}]}),
        "effort does not take one of the values; write numbers from its minimum to its maximum, whole ones for type "
        "Integer, or some of its choices",
    ),
    "a number without values": (over(), "window is a number; write values or range"),
    "no values": (over(values=[]), "should have at least 1 items"),
    "values and a range": (
        over(values=["20"], range={"from": "1", "to": "20", "count": 3}),
        "window has both values and range; remove one",
    ),
    "a range of choices": (
        searching({"parameters": [{"name": "effort", "range": {"from": "1", "to": "3", "step": "1"}}]}),
        "effort is no number and has no range; write values",
    ),
    "a range beyond the bounds": (
        over(range={"from": "1", "to": "41", "step": "1"}),
        "the range is wider than what it takes; write from and to within its minimum",
    ),
    "a range of one number": (
        over(range={"from": "5", "to": "5.0", "step": "1"}),
        "range: from 5 is not below to 5.0; from is the smallest number that may be tried, and to the largest",
    ),
    "a range from the largest": (over(range={"from": "20", "to": "5", "step": "5"}), "from 20 is not below to 5"),
    "a step of nothing": (over(range={"from": "5", "to": "20", "step": "0"}), "a step of 0 never leads"),
    "a step back": (over(range={"from": "5", "to": "20", "step": "-5"}), "a step of -5 never leads"),
    "a factor of one": (
        over(range={"from": "5", "to": "20", "step": "1", "scale": "Log"}),
        "with scale Log a step is a factor, and 1 never leads from the smallest number to the largest; write one above",
    ),
    "a logarithm of nothing": (
        over(range={"from": "0", "to": "20", "count": 3, "scale": "Log"}),
        "scale Log has no place for 0; write a from above 0",
    ),
    "neither step nor count": (over(range={"from": "5", "to": "20"}), "range: write exactly one of step and count"),
    "a count of one": (over(range={"from": "5", "to": "20", "count": 1}), "should be greater than or equal to 2"),
    "four parameters": (
        searching({"parameters": [{**WINDOWS, "name": f"w{at}"} for at in range(4)]}),
        "must have at most 3 items",
    ),
    "a budget of nothing": (searching({"budget": {}}), "search.budget: write requests, seconds or both"),
    "steps of a grid": (
        searching({}, rollout={"steps": [{"weight": 5}, {"weight": 25}]}),
        "rollout.steps: strategy Grid tries all settings in one step, whose weight they share; write one",
    ),
    "a strategy beside the search's": (
        searching({}, rollout={"strategy": "ABTest", "steps": [{"weight": 20}]}),
        "rollout.strategy: search.strategy says how settings are tried; remove rollout.strategy",
    ),
    "shares in shadow": (
        searching({"strategy": "Bandit"}, **SHADOW),
        "search.strategy Bandit says who gets which requests, and in shadow every setting is judged on all of them; "
        "write Ladder or Grid",
    ),
    "a ladder of two parameters": (
        searching({"strategy": "Ladder", "parameters": [WINDOWS, {"name": "effort"}]}),
        "search.parameters: strategy Ladder takes one; write one, or strategy Grid, Bayesian or Bandit",
    ),
    "a strategy that is not known": (searching({"strategy": "Annealing"}), "search.strategy"),
}

RIGHT: dict[str, Manifest] = {
    "all choices of two parameters": searching({"parameters": [WINDOWS, {"name": "effort"}]}),
    "a range by factors": over(range={"from": "5", "to": "40", "step": "2", "scale": "Log"}),
    "every setting in shadow before the best one alone": searching(
        {}, rollout={"steps": [{"weight": 5}, {"weight": 25}], "shadowSeconds": 600}
    ),
    "every setting in shadow": searching({"budget": {"requests": 20_000}}, **SHADOW),
}
