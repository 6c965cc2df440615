"""Guardrails: which events each counts, and that each is the plain process of its own claim."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import TALLY_FIELDS, Look, Tally, UserScatter
from earlystop.evidence import engine, floor, guardrails, rate_ratio, scatter
from earlystop.evidence.arm_scatter import ArmScatter, EventScatter
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.discount import Discount
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import USER_FREEDOM, Divisors, divisors
from earlystop.evidence.guardrails import Guardrails
from earlystop.evidence.objective import Basis, Guardrail, GuardrailKind, Objective
from earlystop.evidence.rate_ratio import Events
from earlystop.evidence.scatter import Scatter
from earlystop.evidence.user_factors import SeenUsers
from tests.unit.evidence.simulate import examples

FAILURES = Guardrail("errors", GuardrailKind.FAILURE_RATE, 1.5)
VOTES = Guardrail("votes", GuardrailKind.NEGATIVE_FEEDBACK, 2.0)
NONE = Objective(margin=0.02, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05)
ALL = replace(NONE, floor=0.8, guardrails=(VOTES, FAILURES))
USUAL = Tally(started=110, completed=100, failed=3, match=80, mismatch=15, unscored=5, feedback_up=9, feedback_down=4)

tallies = st.builds(Tally, *[st.integers(0, 300) | st.integers(0, 2**63)] * len(TALLY_FIELDS))
small_tallies = st.builds(Tally, *[st.integers(0, 500)] * len(TALLY_FIELDS))


def divided(objective: Objective) -> Divisors:
    return divisors(objective, engine.begin(objective).witnesses)


def after(objective: Objective, *looks: tuple[Tally, Tally]) -> Guardrails:
    state = guardrails.start(objective)
    for at, (baseline, candidate) in enumerate(looks):
        look = Look(at, 0, 50, baseline, candidate)
        state = guardrails.update(state, objective, look, look, divided(objective))
    return state


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(tallies, tallies), max_size=4))
def test_a_failure_rate_counts_failed_requests_among_those_that_ended(looks: list[tuple[Tally, Tally]]) -> None:
    expected = rate_ratio.start(1.5)
    for baseline, candidate in looks:
        in_b, in_c = (Events(arm.completed + arm.failed, arm.failed) for arm in (baseline, candidate))
        expected = rate_ratio.update(expected, in_b, in_c)
    assert after(replace(NONE, guardrails=(FAILURES,)), *looks) == Guardrails(None, (expected,))


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(tallies, tallies), max_size=4))
def test_negative_feedback_counts_votes_among_completed_requests_and_never_more_votes_than_requests(
    looks: list[tuple[Tally, Tally]],
) -> None:
    expected = rate_ratio.start(2.0)
    for baseline, candidate in looks:
        in_b, in_c = (Events(arm.completed, min(arm.completed, arm.feedback_down)) for arm in (baseline, candidate))
        expected = rate_ratio.update(expected, in_b, in_c)
    assert after(replace(NONE, guardrails=(VOTES,)), *looks) == Guardrails(None, (expected,))


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(small_tallies, small_tallies), max_size=4), st.floats(1, 3))
def test_the_floor_is_about_the_candidates_scored_answers_and_no_others(
    looks: list[tuple[Tally, Tally]], dispersion: float
) -> None:
    expected = floor.start(0.8, Side.HARM)
    for _, candidate in looks:
        expected = floor.update(expected, Answers(candidate.match + candidate.mismatch, candidate.match), dispersion)
    assert after(replace(NONE, floor=0.8, dispersion=dispersion), *looks) == Guardrails(expected, ())


@pytest.mark.parametrize("factors", [(2.0, 9.0, 3.0, 5.0), (8.0, 1.0, 3.0, 5.0)])
@pytest.mark.parametrize("kind", GuardrailKind)
def test_gains_are_divided_by_the_factor_of_their_events_or_by_the_largest_where_nobody_counts_these_by_users(
    kind: GuardrailKind, factors: tuple[float, ...]
) -> None:
    measured = {GuardrailKind.FAILURE_RATE: 3.0, GuardrailKind.NEGATIVE_FEEDBACK: 5.0}
    objective = replace(NONE, guardrails=(Guardrail("rail", kind, 1.5),), source=DispersionSource.USERS)
    users = UserScatter._make([*(round(1000 * each) for each in factors), 500, 500])
    calm = EventScatter(scatter=reduce(lambda seen, _: scatter.observe(seen, 0.0, 1.0), range(20), Scatter()))
    seen = replace(engine.begin(objective), users=SeenUsers(users, 1000), arms=ArmScatter(events=(calm,)))
    (found,) = divisors(objective, seen.witnesses).guardrails
    freedom = min(USER_FREEDOM, calm.scatter.freedom())
    assert found == Discount(measured.get(kind, max(factors)), is_learned=True, freedom=freedom)


def test_each_process_goes_by_the_name_of_its_claim_the_floor_first() -> None:
    state = after(ALL, (USUAL, USUAL))
    assert state.floor is not None
    assert [(str(claim), process) for claim, process in guardrails.processes(state, ALL)] == [
        ("floor", state.floor),
        ("guardrail/votes", state.rates[0]),
        ("guardrail/errors", state.rates[1]),
    ]
    assert [process.maximum_ratio for process in state.rates] == [2.0, 1.5]


def test_an_objective_without_guardrails_has_no_such_claim() -> None:
    state = after(NONE, (USUAL, USUAL))
    assert state == Guardrails(None, ()) and list(guardrails.processes(state, NONE)) == []


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ({"match": 40, "mismatch": 55}, "floor"),
        ({"feedback_down": 30}, "guardrail/votes"),
        ({"failed": 40}, "guardrail/errors"),
    ],
)
def test_a_bad_event_moves_its_own_claim_towards_harm_and_no_other(changed: dict[str, int], moved: str) -> None:
    usual = dict(guardrails.processes(after(ALL, (USUAL, USUAL)), ALL))
    worse = dict(guardrails.processes(after(ALL, (USUAL, replace(USUAL, **changed))), ALL))
    for claim, process in worse.items():
        assert (process.log_e > usual[claim].log_e) is (str(claim) == moved), claim
        assert (process == usual[claim]) is (str(claim) != moved), claim


def test_votes_for_answers_users_like_and_answers_that_nobody_scored_say_nothing() -> None:
    praised = replace(USUAL, feedback_up=90, unscored=90, started=500)
    assert after(ALL, (USUAL, praised)) == after(ALL, (USUAL, USUAL))


def test_a_flood_of_late_votes_is_no_worse_than_a_vote_against_every_answer() -> None:
    flooded, full = replace(USUAL, feedback_down=10_000), replace(USUAL, feedback_down=100)
    assert after(ALL, (USUAL, flooded)) == after(ALL, (USUAL, full))


def test_an_arm_without_requests_leaves_the_rates_as_they_were_and_the_floor_still_learns() -> None:
    before = after(ALL, (USUAL, USUAL))
    for silent in ((USUAL, Tally()), (Tally(), USUAL)):
        assert after(ALL, (USUAL, USUAL), silent).rates == before.rates
    assert after(ALL, (USUAL, USUAL), (USUAL, Tally())).floor == before.floor
    assert after(ALL, (USUAL, USUAL), (Tally(), USUAL)).floor != before.floor


def test_on_pairs_the_floor_is_about_the_questions_that_both_answered() -> None:
    paired = replace(USUAL, match=0, mismatch=0, pairs_both=70, pairs_candidate_only=5, pairs_neither=25)
    state = after(replace(ALL, basis=Basis.PAIRS), (USUAL, paired))
    assert state.floor is not None and state.floor.answers == Answers(100, 75)


def test_sticky_sessions_weaken_the_guardrails_too() -> None:
    bad = replace(USUAL, failed=40, feedback_down=40)
    plain, sticky = after(ALL, (USUAL, bad)), after(replace(ALL, dispersion=2.2), (USUAL, bad))
    for one, other in zip(plain.rates, sticky.rates, strict=True):
        assert 0 < other.log_e < one.log_e


@pytest.mark.parametrize("scored", [10**13, 10**17, 2**63])
def test_a_floor_of_any_number_of_answers_has_finite_evidence(scored: int) -> None:
    for match in (scored, scored * 19 // 20, scored // 2, 0):
        for side in Side:
            assert math.isfinite(floor.log_e(Answers(scored, match), 0.95, side))


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (GuardrailKind.UNSCORED_RATE, {"unscored": 30}),
        (GuardrailKind.EMPTY_RATE, {"empty": 30}),
        (GuardrailKind.CUT_RATE, {"cut": 30}),
    ],
)
def test_answers_that_are_unscored_empty_or_cut_off_have_guardrails_of_their_own(
    kind: GuardrailKind, bad: dict[str, int]
) -> None:
    objective = Objective(0.1, 0.0, 0.05, 0.05, guardrails=(Guardrail("rail", kind, 1.5),))
    few = replace(USUAL, unscored=1, empty=1, cut=1)
    assert after(objective, *[(few, replace(few, **bad))] * 10).rates[0].log_e_max > 10
    assert after(objective, *[(few, few)] * 10).rates[0].log_e_max < 1
