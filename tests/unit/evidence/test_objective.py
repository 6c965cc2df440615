"""The objective: what it refuses, and how it shares the risk of a false rollback among its claims."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evidence import engine
from earlystop.evidence.objective import (
    FLOOR,
    Basis,
    ClassMargin,
    Guardrail,
    GuardrailKind,
    Objective,
    certificate_claim,
    class_claim,
    guardrail_claim,
)
from tests.unit.evidence.simulate import examples

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.06)
FAILURES = Guardrail("errors", GuardrailKind.FAILURE_RATE, 1.5)
VOTES = Guardrail("votes", GuardrailKind.NEGATIVE_FEEDBACK, 2.0)
HARD, EASY = ClassMargin("hard", 0.05), ClassMargin("easy", 0.01)


def test_exact_match_alone_has_all_of_the_risk_of_harm() -> None:
    assert OBJECTIVE.harm_risks == (0.06, {})


@pytest.mark.parametrize(
    ("claims", "names"),
    [
        ({"floor": 0.8}, ["floor"]),
        ({"guardrails": (VOTES, FAILURES)}, ["guardrail/votes", "guardrail/errors"]),
        ({"classes": (HARD, EASY)}, ["class/hard", "class/easy"]),
        (
            {"classes": (HARD,), "guardrails": (FAILURES,), "floor": 0.8},
            ["floor", "guardrail/errors", "class/hard"],
        ),
    ],
)
def test_exact_match_keeps_half_of_the_risk_and_all_other_harms_share_the_rest_evenly(
    claims: dict[str, Any], names: list[str]
) -> None:
    risks = replace(OBJECTIVE, **claims).harm_risks
    assert risks.exact_match == 0.03
    assert list(map(str, risks.guardrails)) == names
    assert list(risks.guardrails.values()) == [pytest.approx(0.03 / len(names))] * len(names)


@pytest.mark.slow
@examples
@given(
    st.floats(1e-6, 0.5),
    st.none() | st.floats(0.01, 0.99),
    st.integers(0, 8),
    st.integers(0, 10),
    st.booleans(),
)
def test_no_set_of_claims_spends_more_than_the_risk_of_harm(
    risk: float, floor: float | None, guardrails: int, classes: int, require_each: bool
) -> None:
    objective = replace(
        OBJECTIVE,
        risk_harm=risk,
        floor=floor,
        guardrails=tuple(replace(FAILURES, name=f"rate-{k}") for k in range(guardrails)),
        classes=tuple(ClassMargin(f"class-{k}", 0.05) for k in range(classes)),
        require_each=require_each,
    )
    shares = [objective.harm_risks.exact_match, *objective.harm_risks.guardrails.values()]
    assert math.fsum(shares) == pytest.approx(risk, rel=1e-12) and min(shares) > 0
    assert len(shares) == 1 + (floor is not None) + guardrails + classes


def test_a_proof_of_each_class_costs_no_risk_of_harm() -> None:
    classes = replace(OBJECTIVE, classes=(HARD, EASY))
    assert replace(classes, require_each=True).harm_risks == classes.harm_risks


def test_claims_of_different_kinds_never_share_a_name() -> None:
    same = "errors"
    names = {FLOOR, engine.EXACT_MATCH, guardrail_claim(same), class_claim(same), certificate_claim(same)}
    assert len(names) == 5
    objective = replace(OBJECTIVE, guardrails=(FAILURES,), classes=(ClassMargin(same, 0.05),))
    assert set(objective.harm_risks.guardrails) == {guardrail_claim(same), class_claim(same)}


@pytest.mark.parametrize(
    "twice", [{"guardrails": (FAILURES, FAILURES)}, {"classes": (HARD, replace(HARD, margin=0.1))}]
)
def test_a_claim_that_is_named_twice_is_refused_before_any_evidence_is_read(twice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="name one twice; write each once"):
        engine.assess(engine.begin(replace(OBJECTIVE, **twice)))


@pytest.mark.parametrize("require_each", [False, True])
def test_classes_are_refused_where_exact_match_is_read_from_pairs(require_each: bool) -> None:
    with pytest.raises(ValueError, match="leave them out where Exact Match is read from pairs"):
        replace(OBJECTIVE, classes=(HARD,), basis=Basis.PAIRS, require_each=require_each)
    assert replace(OBJECTIVE, basis=Basis.PAIRS, guardrails=(VOTES,), floor=0.8).harm_risks.exact_match == 0.03


@pytest.mark.parametrize(
    ("outside", "message"),
    [
        ({"floor": 0.0}, r"floor is 0\.0; write"),
        ({"floor": 1.0}, r"floor is 1\.0; write"),
        ({"floor": math.nan}, "floor is nan; write"),
        ({"guardrails": (replace(FAILURES, maximum_ratio=-1.0),)}, "has the ratio -1.0; write one above 1"),
        ({"guardrails": (replace(FAILURES, maximum_ratio=math.nan),)}, "has the ratio nan; write one above 1"),
        ({"classes": (replace(HARD, margin=0.0),)}, "query class .hard. has the margin 0.0"),
        ({"classes": (HARD, replace(EASY, margin=1.0))}, "query class .easy. has the margin 1.0"),
        ({"longest_answer": 0}, "is 0; write"),
        ({"dispersion": math.nan}, "dispersion is nan; write"),
        ({"dispersion": 0.5}, r"dispersion is 0\.5; write"),
    ],
)
def test_no_evidence_is_gathered_for_an_objective_outside_its_domain(outside: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.begin(replace(OBJECTIVE, **outside))
