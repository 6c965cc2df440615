"""A burst of failures that hits the candidate breaks no guardrail; harm that is there from the first look on does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import candidate_bursts, engine, guardrails
from earlystop.evidence.candidate_bursts import OUTAGES, CandidateBursts, Outage, Spell
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Guardrail, GuardrailKind, Objective, guardrail_claim
from earlystop.evidence.scatter import MOST_FACTOR
from earlystop.evidence.version import CURRENT, NINTH, TENTH
from tests.unit.every_row import every_row

RAIL = guardrail_claim("failures")
OBJECTIVE = Objective(
    0.02,
    0.0,
    0.05,
    0.05,
    source=DispersionSource.LOOKS,
    guardrails=(Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),),
)


def answered(requests: int, failed: int) -> Tally:
    """Requests of a variant in a look, of which so many failed."""
    return Tally(started=requests, completed=requests - failed, failed=failed)


def looks_until_harm(
    objective: Objective, rates: list[float], weight: int = 50, seed: int = 1, hundreds: float = 10
) -> int | None:
    """After how many looks of so many hundreds of requests the guardrail breaks, of which 1 % fail in the baseline;
    rates: of the candidate's failures, look by look."""
    rng, state = np.random.default_rng(seed), engine.begin(objective)
    for number, rate in enumerate(rates, start=1):
        arms = ((int(hundreds * (100 - weight)), 0.01), (int(hundreds * weight), rate))
        baseline, candidate = (answered(requests, int(rng.binomial(requests, part))) for requests, part in arms)
        state = engine.update(state, Look(15 * number, 0, weight, baseline, candidate))
        if RAIL in state.assessment.harms:
            return number
    return None


def shown(looks: list[tuple[int, int]], longest: int = 32, engine_version: int = CURRENT) -> CandidateBursts:
    """After looks of 100 requests in each variant; looks: events of baseline and candidate."""
    known = candidate_bursts.start(longest, engine_version)
    for baseline, candidate in looks:
        known = candidate_bursts.observe(known, Spell(candidate, 100, 100), baseline)
    return known


@pytest.mark.slow
@pytest.mark.parametrize("begins", [6, 20, 60])
def test_one_burst_breaks_no_guardrail_though_it_broke_it_under_version_9(begins: int) -> None:
    burst = [0.01] * begins + [0.25] * 20 + [0.01] * 20
    assert looks_until_harm(replace(OBJECTIVE, engine=NINTH), burst) is not None
    assert looks_until_harm(OBJECTIVE, burst) is None


@pytest.mark.parametrize("rate", [0.04, 0.1, 0.5])
@pytest.mark.parametrize("weight", [20, 50])
def test_harm_from_the_first_look_on_is_found_as_soon_as_it_was(rate: float, weight: int) -> None:
    found = [looks_until_harm(replace(OBJECTIVE, engine=each), [rate] * 120, weight) for each in (NINTH, CURRENT)]
    before, now = found
    assert before is not None and now is not None and before <= now <= before + 3


def test_harm_that_begins_later_is_held_for_as_long_as_a_burst_may_last() -> None:
    late = looks_until_harm(OBJECTIVE, [0.01] * 40 + [0.25] * 80)
    assert late is not None and 40 + 20 < late < 40 + 60


@every_row(("rate", "looks"), [(1.0, 6), (0.75, 6), (0.6, 12), (0.5, 12)])
def test_an_outage_of_the_candidate_alone_is_no_burst_and_is_held_for_a_few_looks(rate: float, looks: int) -> None:
    for quiet in (10, 40):
        found = looks_until_harm(OBJECTIVE, [0.01] * quiet + [rate] * 30)
        assert found is not None and found <= quiet + looks + 2


@every_row(("rate", "hundreds"), [(1.0, 0.2), (0.75, 0.2), (0.5, 0.4)])
def test_an_outage_of_few_requests_is_found_nearly_as_soon_as_under_version_9(rate: float, hundreds: float) -> None:
    rates = [0.01] * 50 + [rate] * 60
    for seed in range(3):
        before, now = (
            looks_until_harm(replace(OBJECTIVE, engine=each), rates, seed=seed, hundreds=hundreds)
            for each in (NINTH, CURRENT)
        )
        assert before is not None and now is not None and now <= before + 12


@every_row(("rate", "fails", "answers"), [(1.0, 4, 1), (1.0, 5, 2), (0.5, 5, 1), (0.5, 8, 2)])
def test_a_candidate_that_crashes_again_and_again_is_taken_back_though_it_answers_for_a_look_between(
    rate: float, fails: int, answers: int
) -> None:
    rates = [0.01] * 30 + [*[rate] * fails, *[0.01] * answers] * 10
    for hundreds in (2, 20):
        found = looks_until_harm(OBJECTIVE, rates, hundreds=hundreds)
        assert found is not None and found <= 30 + 26


def test_a_look_that_is_none_of_an_outage_takes_two_back_and_one_burst_is_still_none() -> None:
    failing, quiet = (1, 80), (1, 1)
    assert shown([*[quiet] * 20, *[failing] * 5, quiet, *[failing] * 2]).has_outage is False
    assert shown([*[quiet] * 20, *[failing] * 5, quiet, *[failing] * 3]).has_outage
    assert not shown([*[quiet] * 20, *[failing] * 5, quiet, *[failing] * 3], engine_version=TENTH).has_outage
    assert not shown([*[quiet] * 20, *[failing] * 40, quiet]).has_outage
    assert not shown([*[quiet] * 20, *[(1, 20)] * 32, *[quiet] * 20]).has_outage


@every_row("outage", OUTAGES)
def test_an_outage_of_both_variants_is_none_of_the_candidate(outage: Outage) -> None:
    quiet, failed = [(1, 1)] * 20, int(100 * outage.part) + 1
    assert shown([*quiet, *[(5, failed)] * outage.looks]).excess == 0.0
    assert shown([*quiet, *[(failed, failed)] * outage.looks]).excess > 200
    assert shown([*quiet, *[(5, failed)] * (outage.looks - 1)]).excess > 200
    assert shown([*quiet, *[(5, failed)] * (outage.looks - 1), (1, 1)]).excess > 200


def test_looks_without_a_failure_are_no_outage_however_few_requests_they_have() -> None:
    known = candidate_bursts.start(32)
    for _ in range(40):
        known = candidate_bursts.observe(known, Spell(0, 1, 1), 0)
    assert not known.has_outage


def test_a_burst_is_what_a_spell_has_beyond_twice_the_rate_of_the_other_looks() -> None:
    known = shown([*[(2, 2)] * 16, *[(2, 30)] * 8, *[(2, 2)] * 8])
    assert known.largest == Spell(240, 800, 800)
    assert known.excess == pytest.approx(240 - 2 * (48 + 1) / 2400 * 800)
    assert shown([(2, 2)] * 40).excess == 0.0


def test_a_guardrail_whose_events_came_in_one_burst_is_told_and_no_other() -> None:
    process = guardrails.start(OBJECTIVE)
    (rate,) = process.rates
    for looks, told in (([*[(2, 2)] * 20, *[(2, 40)] * 8], {"failures"}), ([(2, 6)] * 40, set())):
        found = replace(process, rates=(replace(rate, bursts=shown(looks)),))
        assert guardrails.rest_on_a_burst(found, OBJECTIVE) == told


def test_events_of_one_size_scatter_as_independent_ones_and_bursts_by_their_size() -> None:
    assert shown([(2, 2)] * 40).factor == 1.0
    assert 20 < shown([(0, 0), (0, 0), (0, 0), (0, 60)] * 10).factor < 80


def test_a_policy_that_states_how_events_scatter_is_believed_about_bursts_too() -> None:
    for objective in (replace(OBJECTIVE, source=DispersionSource.ASSUMED), replace(OBJECTIVE, engine=NINTH)):
        assert guardrails.start(objective).rates[0].bursts is None
    begun = guardrails.start(replace(OBJECTIVE, known_looks=16)).rates[0].bursts
    assert begun is not None and begun.looks == 16 and begun.scatter.scales[-1].size == 16


def test_no_more_than_the_looks_that_a_burst_may_last_are_kept() -> None:
    assert len(shown([(1, 1)] * 100).latest) == 32 * 24


@every_row("begins", [(20, 60, 62, 110, 112), (6, 50, 95, 120)])
def test_a_few_large_bursts_of_one_size_break_no_guardrail_though_they_broke_it_under_version_10(
    begins: tuple[int, ...],
) -> None:
    rates = [0.01] * 150
    for begin in begins:
        rates[begin : begin + 20] = [each + 0.1 for each in rates[begin : begin + 20]]
    assert looks_until_harm(replace(OBJECTIVE, engine=TENTH), rates, hundreds=20) is not None
    assert looks_until_harm(OBJECTIVE, rates, hundreds=20) is None


@every_row(("rate", "hundreds"), [(0.1, 1.0), (0.2, 1.0), (0.1, 2.0)])
def test_harm_that_begins_late_at_few_requests_is_found_soon_after_a_burst_would_have_ended(
    rate: float, hundreds: float
) -> None:
    found = looks_until_harm(OBJECTIVE, [0.01] * 50 + [rate] * 200, hundreds=hundreds)
    before = looks_until_harm(replace(OBJECTIVE, engine=TENTH), [0.01] * 50 + [rate] * 200, hundreds=hundreds)
    assert found is not None and 50 + 32 < found < 50 + 80
    assert before is not None and before > found + 50


def test_one_rise_of_the_level_is_no_scatter_once_no_burst_would_be_there_any_more() -> None:
    quiet, harmed = [(2, 2)] * 60, [(2, 10)] * 100
    assert shown([*quiet, *harmed]).factor == 1.0
    assert shown([*quiet, *harmed[:40]]).factor > 20
    assert shown([*quiet, *harmed], engine_version=TENTH).factor > 20
    assert shown([*quiet, *harmed[:20], *quiet, *quiet]).factor > 10


def test_an_outage_that_outlasts_every_burst_needs_a_smaller_part() -> None:
    quiet, failing = [(1, 1)] * 20, [(1, 16)] * 33
    assert shown([*quiet, *failing]).has_outage and not shown([*quiet, *failing[:-1]]).has_outage
    assert not shown([*quiet, *failing], engine_version=TENTH).has_outage
    assert shown([*quiet, *failing], longest=8).has_outage and not shown([*quiet, *failing], longest=64).has_outage
    assert not shown([*quiet, *[(6, 16)] * 33]).has_outage


def test_under_version_10_a_factor_has_a_largest_value() -> None:
    looks = [Spell(each, 1000, 1000) for each in ([0] * 40 + [100] * 20) * 3]
    for engine_version, is_capped in ((TENTH, True), (CURRENT, False)):
        known = candidate_bursts.start(32, engine_version)
        for look in looks:
            known = candidate_bursts.observe(known, look, 1)
        assert (known.factor <= MOST_FACTOR) is is_capped
