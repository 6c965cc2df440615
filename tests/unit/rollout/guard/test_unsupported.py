"""A guard that would have nothing to compare is refused by name, with what to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

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
    "nothing bolder is known": ({"guard": {"adjust": {"triesPerWeek": 1}}}, "adjust.triesPerWeek lets a search begin"),
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
