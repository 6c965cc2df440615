"""Token saving: when it bets, what it claims, and that a saving at the edge is rarely claimed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from earlystop.evidence import intervals, normal_mixture, tokens
from earlystop.evidence.tokens import Lengths, TokenProcess
from earlystop.evidence.version import CURRENT, EIGHTH, FIRST
from tests.unit.evidence.simulate import RISK, first_saving_claim, lengths


def equal_lengths(answers: int, each: int) -> Lengths:
    return Lengths(answers, answers * each, answers * each * each)


def test_twice_the_saving_asked_for_is_claimed_within_three_thousand_requests_on_average() -> None:
    rng = np.random.default_rng(13)
    needed = np.array([first_saving_claim(rng, 0.20, 60, 200, (50,)) or math.inf for _ in range(100)])
    assert needed.mean() <= 3000 + 3 * needed.std() / math.sqrt(len(needed))


def test_no_bet_is_made_before_both_arms_have_a_hundred_past_answers() -> None:
    process = tokens.start(0.10)
    for look in range(5):  # 25 answers a look: the fifth bet would still see 100 past answers only after look 4
        assert process.scale is None and process.log_e == 0.0
        process = tokens.update(process, equal_lengths(400, 600), equal_lengths(25, 300), 6)
        assert process.past_candidate.completed == 25 * (look + 1)
    assert process.scale == pytest.approx(60) and process.log_e > 0


def test_a_block_stays_open_until_both_arms_have_twenty_answers() -> None:
    process = tokens.update(tokens.start(0.10), equal_lengths(500, 600), equal_lengths(19, 300), 5)
    assert process.past_baseline.completed == 0 and process.block_candidate.completed == 19
    process = tokens.update(process, equal_lengths(10, 600), equal_lengths(1, 300), 5)
    assert process.past_baseline.completed == 510 and process.block_candidate == tokens.NOTHING


def test_an_open_block_is_never_bet_on_after_the_weight_has_changed() -> None:
    process = tokens.start(0.10)
    for _ in range(5):
        process = tokens.update(process, equal_lengths(400, 600), equal_lengths(100, 300), 20)
    opened = tokens.update(process, equal_lengths(40, 600), equal_lengths(10, 300), 20)
    changed = tokens.update(opened, equal_lengths(10, 600), equal_lengths(10, 300), 50)
    assert changed.log_e == process.log_e
    assert changed.past_candidate.completed == 510 and changed.block_candidate.completed == 10


@pytest.mark.parametrize("engine", [EIGHTH, CURRENT])
def test_the_variance_of_one_arm_in_a_look_never_strengthens_its_own_bet(engine: int) -> None:
    process = tokens.start(0.10, engine)
    for _ in range(3):
        process = tokens.update(process, Lengths(100, 60_000, 50_000_000), Lengths(100, 50_000, 40_000_000), 50)
    calm = tokens.update(process, Lengths(100, 60_000, 36_000_000), Lengths(100, 50_000, 25_000_000), 50)
    wild = tokens.update(process, Lengths(100, 60_000, 36_000_000), Lengths(100, 50_000, 800_000_000), 50)
    assert calm.log_e >= wild.log_e if engine == CURRENT else calm.log_e == wild.log_e


def with_one_huge(many: Lengths, tokens_of_it: int) -> Lengths:
    return many + Lengths(0, tokens_of_it - 600, tokens_of_it**2 - 600**2)


@pytest.mark.parametrize(("engine", "is_shown"), [(EIGHTH, True), (CURRENT, False)])
def test_no_saving_is_shown_by_one_huge_answer_of_the_baseline(engine: int, is_shown: bool) -> None:
    process, usual = tokens.start(0.10, engine), Lengths(100, 60_000, 50_000_000)
    for look in range(30):
        baseline = with_one_huge(usual, 90_000) if look == 20 else usual
        process = tokens.update(process, baseline, Lengths(100, 54_000, 40_500_000), 50)
        if look == 20:
            assert process.rests_on_few is not is_shown
    assert (process.log_e_max >= -math.log(RISK)) is is_shown


def test_a_saving_that_rests_on_huge_answers_which_the_candidate_may_still_give_is_shown_later() -> None:
    looks = {EIGHTH: 0, CURRENT: 0}
    for engine in looks:
        process, usual = tokens.start(0.10, engine), Lengths(100, 60_000, 50_000_000)
        while process.log_e_max < -math.log(RISK):
            candidate = Lengths(100, 42_000, 30_000_000)
            candidate = with_one_huge(candidate, 20_000) if looks[engine] == 5 else candidate
            process = tokens.update(process, usual, candidate, 50)
            looks[engine] += 1
    assert 6 < looks[EIGHTH] < looks[CURRENT] < 100


@pytest.mark.parametrize(("engine", "is_shown"), [(EIGHTH, True), (CURRENT, False)])
def test_a_small_arm_that_lacks_by_chance_the_endless_answers_of_both_shows_no_saving(
    engine: int, is_shown: bool
) -> None:
    process = tokens.start(0.10, engine)
    for look in range(100):  # one in 950 of the baseline's is endless, so the candidate lacks one on average
        usual = Lengths(190, 114_000, 95_000_000)
        baseline = with_one_huge(usual, 131_072) if look % 5 == 2 else usual
        process = tokens.update(process, baseline, Lengths(10, 5_400, 4_050_000), 5)
    assert (process.log_e_max >= -math.log(RISK)) is is_shown


def test_lengths_without_a_heavy_tail_lose_nothing_by_it() -> None:
    rng = np.random.default_rng(11)
    looks = [(lengths(rng, 100, 600), lengths(rng, 100, 450)) for _ in range(30)]
    found = []
    for engine in (EIGHTH, CURRENT):
        process = tokens.start(0.10, engine)
        for baseline, candidate in looks:
            process = tokens.update(process, baseline, candidate, 50)
        found.append(process.log_e)
    assert found[0] == found[1] > 0


def test_lengths_of_both_arms_that_spread_out_at_once_weaken_their_own_bet_but_not_in_version_1() -> None:
    wide = Lengths(100, 600_000, 5_000_000_000), Lengths(100, 500_000, 4_000_000_000)
    gains = {}
    for engine in (FIRST, EIGHTH, CURRENT):
        process = tokens.start(0.10, engine)
        for _ in range(12):
            process = tokens.update(process, Lengths(100, 60_000, 50_000_000), Lengths(100, 50_000, 40_000_000), 50)
        gains[engine] = tokens.update(process, *wide, 50).log_e - process.log_e
    assert 0 < gains[EIGHTH] < gains[FIRST] / 4 and gains[CURRENT] < gains[EIGHTH]


def test_blocks_that_scatter_more_than_their_answers_say_weaken_the_evidence_and_widen_the_interval() -> None:
    calm, restless = tokens.start(0.10), tokens.start(0.10)
    for look in range(20):
        swing = 4000 if look % 2 else -4000
        calm = tokens.update(calm, Lengths(100, 60_000, 50_000_000), Lengths(100, 50_000, 40_000_000), 50)
        restless = tokens.update(
            restless, Lengths(100, 60_000 + swing, 50_000_000), Lengths(100, 50_000 - swing, 40_000_000), 50
        )
    assert calm.dispersion == 1.0 and restless.dispersion > 1.5
    assert 0 < restless.log_e < calm.log_e
    plain, wide = intervals.saving(restless), intervals.saving(restless, dispersion=restless.dispersion)
    assert plain.low is not None and wide.low is not None and wide.low < plain.low


def test_the_e_value_equals_the_formula_computed_by_hand_in_numpy() -> None:
    rng = np.random.default_rng(14)
    looks = [(lengths(rng, 150, 600), lengths(rng, 50, 400)) for _ in range(12)]
    process = tokens.start(0.10, FIRST)
    difference, information = 0.0, 0.0
    for index, (baseline, candidate) in enumerate(looks):
        if index >= 2:  # two looks of 50 candidate's answers are the hundred that must be known
            past = np.array([[(x.completed, x.tokens, x.tokens_squared) for x in pair] for pair in looks[:index]])
            n, total, squares = past.sum(axis=0).T.astype(float)
            variance = (squares - total**2 / n) / (n - 1)
            noise = 0.9**2 * variance[0] / 150 + variance[1] / 50
            difference += (0.9 * baseline.tokens / 150 - candidate.tokens / 50) / noise
            information += 1 / noise
            if index == 2:
                scale = 0.1 * total[0] / n[0]
        process = tokens.update(process, baseline, candidate, 25)
    assert process.log_e == pytest.approx(normal_mixture.log_e(difference, information, scale), rel=1e-9)
    assert process.log_e > 0


def test_answers_of_one_length_divide_by_no_zero_and_say_only_what_the_floor_allows() -> None:
    def after(looks: int, candidate: int, each: int = 600) -> TokenProcess:
        process = tokens.start(0.10)
        for _ in range(looks):
            process = tokens.update(process, equal_lengths(100, each), equal_lengths(100, candidate), 50)
        return process

    assert equal_lengths(100, 600).variance == 60.0**2  # a tenth of the mean
    assert equal_lengths(100, 3).variance == 1.0  # one token
    assert after(1, 300).log_e == 0.0
    assert after(3, 300).log_e > -math.log(RISK)
    assert after(40, 541).log_e < 0 and math.isfinite(after(40, 0, each=0).log_e)


def test_the_variance_of_integers_is_exact_where_floats_would_cancel() -> None:
    huge = 10**9
    sample = [huge, huge + 4] * 50
    found = Lengths(100, sum(sample), sum(x * x for x in sample))
    surplus = found.completed * found.tokens_squared - found.tokens**2
    assert surplus == 100 * 100 * 4  # 4 = the squared deviation of each answer from the mean


@pytest.mark.parametrize("saving", [-0.1, 1.0, float("nan")])
def test_a_saving_outside_its_domain_is_refused_with_what_to_write(saving: float) -> None:
    with pytest.raises(ValueError, match=r"minimum saving is .* as in 0\.10"):
        tokens.start(saving)
