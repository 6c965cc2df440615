"""A guard that would have nothing to compare is refused by name, with what to write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from earlystop.rollout.guard.unsupported import guard_refusal
from earlystop.rollout.unsupported import refusal_of_spec
from tests.unit.rollout.policies import policy
from tests.unit.rollout.searching import SEARCH
from tests.unit.rollout.several import TOGETHER

PAIRS = {"objective": {"exactMatch": {"evidence": "Pairs", "assumeIndependent": None}}}


WHEN_BUSY = {"load": "queue", "above": "40", "below": "10"}


def in_mode(mode: str) -> dict[str, Any]:
    return {"delivery": {"mode": mode, "gatewayHeader": None}}


REFUSED: dict[str, tuple[Mapping[str, Any], str]] = {
    "nothing is promoted": (in_mode("Shadow"), "delivery.mode Shadow moves no traffic"),
    "classes are promoted as a whole": ({"objective": {"perClass": True}}, "objective.perClass gives query classes"),
    "no Pod of the baseline is left": (in_mode("Workload"), "delivery.mode Workload promotes by changing the target"),
    "nobody can be held back": (in_mode("HeaderCohort"), "splits users by a header, not by weights"),
    "nobody asks golden questions": (
        {"guard": {"evidence": "Pairs"}},
        "so nobody asks them. Write exactMatch.evidence",
    ),
    "nobody scores live answers": ({**in_mode("RequestBody"), **PAIRS}, "delivery.mode RequestBody scores no live"),
    "nothing bolder is known": (
        {"guard": {"adjust": {"triesPerWeek": 1}}},
        'search: {strategy: Ladder, parameters: [{name: window, values: ["10"]}]}',
    ),
    "what was tried together is decided": (
        {**TOGETHER, "guard": {"adjust": {"triesPerWeek": 1}}},
        "each that is not promoted was shown to be harmful or to save no more",
    ),
    "all settings of a grid are tried together": (
        {
            "candidates": None,
            "search": {**SEARCH, "strategy": "Grid"},
            "rollout": {"steps": [{"weight": 60, "minimumSeconds": 60}]},
            "guard": {"adjust": {"triesPerWeek": 1}},
        },
        "a search of strategy Ladder or Bayesian that names the values",
    ),
    "one candidate has none to step back to": ({"guard": {"adjust": {}}}, "StepBack needs settings"),
    "trials have none to step back to": ({"candidates": None, "search": SEARCH, "guard": {"adjust": {}}}, "at a time"),
    "no setting is known to be more careful": (
        {
            **TOGETHER,
            "parameters": [{"name": "window", "type": "Integer", "minimum": "1", "maximum": "40"}],
            "baseline": {"values": [{"name": "window", "value": "40"}]},
            "guard": {"adjust": {}},
        },
        "no parameter says by stopsSooner",
    ),
    "one candidate serves whatever the load is": (
        {"guard": {"whenBusy": WHEN_BUSY}},
        "whenBusy needs settings that are proven together, and this policy tries one setting",
    ),
    "trials certify one setting at a time": (
        {"candidates": None, "search": SEARCH, "guard": {"whenBusy": WHEN_BUSY}},
        "whenBusy needs settings that are proven together, and search.strategy Ladder",
    ),
    "a search's best setting is not told apart": (
        {"candidates": None, "search": SEARCH, "metrics": {"preset": "Custom"}},
        "cannot tell the best setting of a search apart",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_guard_without_anything_to_compare_is_refused_with_what_to_write(why: str) -> None:
    changes, words = REFUSED[why]
    spec = policy({**changes, "guard": changes.get("guard", {})})
    refusal = guard_refusal(spec)
    assert refusal is not None and refusal.reason == "GuardUnusable"
    assert refusal.message.startswith("spec.guard: ") and words in refusal.message
    assert "Write" in refusal.message or "write" in refusal.message
    assert guard_refusal(policy({**changes, "guard": None})) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"guard": {}},
        {**PAIRS, "guard": {"evidence": "Pairs"}},
        {**PAIRS, "guard": {"evidence": "Pairs", "holdbackWeight": 5}},
        {"candidates": None, "search": SEARCH, "guard": {"adjust": {"triesPerWeek": 7}}},
        {**TOGETHER, "guard": {"adjust": {}, "whenBusy": WHEN_BUSY}},
    ],
)
def test_a_guard_that_has_something_to_compare_is_taken(changes: Mapping[str, Any]) -> None:
    assert guard_refusal(policy(changes)) is None


def test_the_policys_own_refusal_says_so_too() -> None:
    refusal = refusal_of_spec(policy({"guard": {"evidence": "Pairs"}}))
    assert refusal is not None and refusal.reason == "GuardUnusable"


def test_the_search_that_is_named_in_place_of_candidates_is_taken() -> None:
    tries = {"guard": {"adjust": {"triesPerWeek": 2}}}
    refusal = guard_refusal(policy({**TOGETHER, **tries}))
    assert refusal is not None
    (text,) = re.findall(r"in place of candidates (search: {.*]}), with", refusal.message)
    written = yaml.safe_load(text)
    assert [each["values"] for each in written["search"]["parameters"]] == [["10", "5", "1"]]
    assert refusal_of_spec(policy({"candidates": None, **written, **tries})) is None
