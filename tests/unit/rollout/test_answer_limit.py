"""Where each variant has a cap of its answers, the longest possible one is known, and the saving is tested exactly."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.cli.plan_remarks import COUNTED_UNTIL_THE_VERDICT, forecast_remarks
from earlystop.evidence import engine
from earlystop.evidence.version import NINTH
from earlystop.rollout.answer_limit import AnswerLimit, answer_limit
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.plan_objective import objective_of
from tests.unit.every_row import every_row
from tests.unit.rollout.capped import capped
from tests.unit.rollout.policies import policy

UNKNOWN = AnswerLimit(None, is_derived=False)
FORECAST: dict[str, float | str] = {
    **{f"{each}_{what}": 1.0 for each in COUNTED_UNTIL_THE_VERDICT for what in ("mean", "ninety")},
    "share": 1.0,
    "fixed_sample": 1.0,
    "requests_to_deadline": 1.0,
}


def with_choices(baseline: str, candidate: str) -> dict[str, Any]:
    """What differs of a policy whose variants have a cap, and set how many choices an answer has."""
    changes, samples = capped(), {"name": "samples", "type": "Integer", "minimum": "1", "maximum": "16"}
    changes["parameters"].append(samples | {"stopsSooner": "WhenLower", "body": {"knob": "Samples"}})
    changes["baseline"]["values"].append({"name": "samples", "value": baseline})
    changes["candidates"][0]["values"].append({"name": "samples", "value": candidate})
    return changes


LIMITS = {
    "the larger of both caps": (capped(), AnswerLimit(4096, is_derived=True)),
    "a candidate's, where it is the larger one": (capped("512"), AnswerLimit(1024, is_derived=True)),
    "a cap that is always written": (capped(apply="Always"), AnswerLimit(4096, is_derived=True)),
    "a baseline without a cap": (capped(None), UNKNOWN),
    "a cap that a client may pass": (capped(apply="IfAbsent"), UNKNOWN),
    "a cap that only raises": (capped(apply="IfSmaller"), UNKNOWN),
    "a cap of some bodies": (capped(where={"path": "reasoning_effort", "value": "low"}), UNKNOWN),
    "what the policy says counts": (
        capped(tokens={"longestAnswer": 8000}),
        AnswerLimit(8000, is_derived=False),
    ),
    "a mode that writes into no bodies": (
        {key: value for key, value in capped().items() if key != "delivery"},
        UNKNOWN,
    ),
    "choices that a variant sets": (with_choices(baseline="1", candidate="8"), AnswerLimit(8 * 1024, is_derived=True)),
    "choices that are fewer": (with_choices(baseline="4", candidate="2"), AnswerLimit(4 * 4096, is_derived=True)),
    "no cap at all": ({}, UNKNOWN),
    "another knob": (capped(knob="ThinkingBudget"), UNKNOWN),
}


@every_row(("kind", "row"), LIMITS.items())
def test_the_longest_answer_is_the_largest_cap_where_each_variant_has_one(
    kind: str, row: tuple[dict[str, Any], AnswerLimit]
) -> None:
    changes, limit = row
    assert answer_limit(policy(changes)) == limit, kind


def test_a_campaign_that_an_earlier_version_began_reads_no_caps() -> None:
    spec = policy(capped())
    assert objective_of(spec, NINTH).longest_answer is None
    assert parse_plan(plan_text(spec, engine=NINTH)).objective.longest_answer is None
    found = parse_plan(plan_text(spec)).objective
    assert (found.longest_answer, found.limit_is_derived) == (4096, True)


@pytest.mark.parametrize("number", [2, 3])
def test_the_largest_cap_of_several_candidates_counts(number: int) -> None:
    caps = ("256", "5000", "600")[:number]
    assert answer_limit(policy(capped(candidates=caps) | {"rollout": {"strategy": "ABTest"}})).tokens == 5000


def test_counts_that_pass_a_derived_limit_end_the_exact_test_and_no_more() -> None:
    objective = objective_of(policy(capped()))
    usual = Tally(started=100, completed=100, match=90, mismatch=10, tokens=60_000, tokens_squared=50_000_000)
    # One answer of three choices, each with the cap to itself, has 12,000 tokens.
    long = Tally(
        started=101, completed=101, match=91, mismatch=10, tokens=72_000, tokens_squared=50_000_000 + 12_000**2 * 2
    )
    state = engine.update(engine.begin(objective), Look(15, 0, 50, usual, usual))
    assert state.exact_tokens is not None and not state.passes_limit
    passed = engine.update(state, Look(30, 0, 50, usual, long))
    assert passed.exact_tokens is None and passed.passes_limit
    assert engine.update(passed, Look(45, 0, 50, usual, usual)).exact_tokens is None


def test_plan_says_that_caps_make_the_test_exact() -> None:
    said = " ".join(forecast_remarks(policy(capped()), FORECAST))
    assert "No answer has more than 4,096 tokens, the largest cap of the variants (AnswerCap)" in said
    assert "AnswerCap" not in " ".join(forecast_remarks(policy(capped(None)), FORECAST))
