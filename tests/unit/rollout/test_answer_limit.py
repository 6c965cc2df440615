"""Where each variant has a cap of its answers, the longest possible one is known, and the saving is tested exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.cli.plan_remarks import COUNTED_UNTIL_THE_VERDICT, forecast_remarks
from earlystop.evidence import engine
from earlystop.evidence.version import NINTH
from earlystop.rollout.answer_limit import NO_LIMIT, AnswerLimit, LimitSource, answer_limit
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.plan_objective import objective_of
from earlystop.rollout.state import RolloutState
from tests.unit.every_row import every_row
from tests.unit.rollout.capped import capped
from tests.unit.rollout.policies import NOW, UID, policy

UNKNOWN = NO_LIMIT
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
    "the larger of both caps": (capped(), AnswerLimit(4096, LimitSource.CAPS)),
    "a candidate's, where it is the larger one": (capped("512"), AnswerLimit(1024, LimitSource.CAPS)),
    "a cap that is always written": (capped(apply="Always"), AnswerLimit(4096, LimitSource.CAPS)),
    "a baseline without a cap": (capped(None), UNKNOWN),
    "a cap that a client may pass": (capped(apply="IfAbsent"), UNKNOWN),
    "a cap that only raises": (capped(apply="IfSmaller"), UNKNOWN),
    "a cap of some bodies": (capped(where={"path": "reasoning_effort", "value": "low"}), UNKNOWN),
    "what the policy says counts": (
        capped(tokens={"longestAnswer": 8000}),
        AnswerLimit(8000, LimitSource.POLICY),
    ),
    "a mode that writes into no bodies": (
        {key: value for key, value in capped().items() if key != "delivery"},
        UNKNOWN,
    ),
    "choices that a variant sets": (with_choices(baseline="1", candidate="8"), AnswerLimit(8 * 1024, LimitSource.CAPS)),
    "choices that are fewer": (with_choices(baseline="4", candidate="2"), AnswerLimit(4 * 4096, LimitSource.CAPS)),
    "no cap at all": ({}, UNKNOWN),
    "another knob": (capped(knob="ThinkingBudget"), UNKNOWN),
}


@every_row(("kind", "row"), LIMITS.items())
def test_the_longest_answer_is_the_largest_cap_where_each_variant_has_one(
    kind: str, row: tuple[dict[str, Any], AnswerLimit]
) -> None:
    changes, limit = row
    assert answer_limit(policy(changes)) == limit, kind


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, AnswerLimit(2048, LimitSource.SERVERS)),
        (capped(None), AnswerLimit(2048, LimitSource.SERVERS)),
        (capped(), AnswerLimit(2048, LimitSource.SERVERS)),
        (capped("512"), AnswerLimit(1024, LimitSource.CAPS)),
        (capped(tokens={"longestAnswer": 8000}), AnswerLimit(8000, LimitSource.POLICY)),
        (with_choices(baseline="1", candidate="8"), AnswerLimit(8 * 1024, LimitSource.CAPS)),
        (with_choices(baseline="4", candidate="2"), AnswerLimit(4 * 2048, LimitSource.SERVERS)),
    ],
)
def test_the_smaller_of_caps_and_what_servers_give_counts_after_the_policys_own_word(
    changes: dict[str, Any], limit: AnswerLimit
) -> None:
    assert answer_limit(policy(changes), of_servers=2048) == limit
    assert answer_limit(policy(changes), NINTH, 2048).tokens in (None, 8000)


def test_a_plan_keeps_what_its_source_said_and_no_edit_of_that_begins_another() -> None:
    inputs = CampaignInputs(uid=UID, entropy="", longest_answer=32768)
    begun = start_campaign(policy(), "", RolloutState(), NOW, inputs)
    found = begun.pinned_plan.objective
    assert (found.longest_answer, found.limit_is_derived) == (32768, True)
    assert parse_plan(begun.pinned_plan.text) == begun.pinned_plan
    edited = replace(inputs, longest_answer=512)
    assert start_campaign(policy(), "", begun, NOW + 60, edited) is begun
    assert start_campaign(policy(), "again", begun, NOW + 60, edited).pinned_plan.longest_answer == 512
    assert "longestAnswer" not in plan_text(policy())


@pytest.mark.parametrize("written", [0, -1, 1.5, "4096", True, [1]])
def test_a_plan_whose_source_said_no_number_of_tokens_is_refused(written: object) -> None:
    text = json.dumps({**json.loads(plan_text(policy())), "longestAnswer": written})
    with pytest.raises(ValueError, match="whole number of output tokens"):
        parse_plan(text)


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


def test_plan_says_that_endless_answers_may_be_found_too_late_where_no_looks_are_waited_for() -> None:
    stated = {"objective": {"exactMatch": {"assumeIndependent": True}}}
    limited = {"objective": {"exactMatch": {"assumeIndependent": True}, "tokens": {"longestAnswer": 4096}}}
    learned = {"objective": {"exactMatch": {"assumeIndependent": False}}}
    for changes, is_said in ((stated, True), (limited, False), (learned, False)):
        assert ("endless answer" in " ".join(forecast_remarks(policy(changes), FORECAST))) is is_said
