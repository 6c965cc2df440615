"""`validate` notes which evaluators several candidates need: without them such a campaign would never have evidence."""

from __future__ import annotations

from typing import Any

from earlystop.cli.files.evaluators import evaluator_notes
from tests.unit.api.body_policies import body_spec, setting

SIDE_BY_SIDE = {"strategy": "ABTest", "steps": [{"weight": 10}]}


def notes(*budgets: str, **changes: Any) -> list[str]:
    candidates = [{"name": f"b{each}", "values": [setting("budget", each)]} for each in budgets]
    return list(evaluator_notes({"spec": body_spec(candidates=candidates, **changes)}))


def test_candidates_side_by_side_are_named_with_the_option_of_each_ones_evaluator() -> None:
    (note,) = notes("512", "256", rollout=SIDE_BY_SIDE)
    assert "with --candidate-name=b512, --candidate-name=b256 (" in note and "run one for each" in note
    (note,) = notes("512", "256", "1024", "2048", rollout=SIDE_BY_SIDE)
    assert note.count("--candidate-name") == 3 and "and so on" in note


def test_nothing_is_noted_where_one_evaluator_or_none_is_enough() -> None:
    assert notes("512") == []
    answers = {"exactMatch": {"margin": "0.02"}, "tokens": {"minimumSaving": "0.10"}}
    assert notes("512", "256", rollout=SIDE_BY_SIDE, objective=answers) == []
    assert list(evaluator_notes({"spec": 3})) == list(evaluator_notes({})) == []
