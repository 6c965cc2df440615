"""Errors on the traffic that people have, at the border: the quick version of `make bench-street`, with fixed seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from earlystop.api.counts import Pairs
from earlystop.evidence.bets import Side
from earlystop.evidence.scatter import KNOWN_LOOKS
from earlystop.evidence.version import THIRD
from earlystop.rollout import look_taken
from earlystop.rollout.golden_questions import questions_needed
from earlystop.rollout.late_answers import Backlog
from earlystop.rollout.state import RolloutState, Verdict
from tests.bench import (
    street,
    street_bursts,
    street_cohorts,
    street_delays,
    street_floor,
    street_golden,
    street_mixes,
    street_retries,
    street_sessions,
    street_strange,
    street_users,
    street_walks,
    verdict_streams,
)
from tests.bench.dispersion_paths import Divided, claims
from tests.bench.street import SEED
from tests.bench.street_cells import Row, rows_of

RUNS = 500
USERS = (
    "200 users a cohort, likeness 0.1",
    "1,000 users a cohort, likeness 0.3",
    "2,000 users a cohort, likeness 0.3, who join one after another",
    "12 users a cohort, likeness 0.3",
)

WOBBLES_AROUND_THE_FLOOR = "floor, a level that wobbles by 2 points for both, learned"
SWINGS_AROUND_THE_FLOOR = "floor, a level that wobbles by 5 points for both, learned"

BURSTS_OF_AGENTS = "coding agents that arrive in bursts, likeness 0.3, looks of 150 s"
BATCHES = "batches of alike calls on one connection, over 5 looks"
GROWS_BUSY = "single requests for 128 looks, then ten times as many in groups of 10 within a look"
AGENTS = "one group in 200 asks 300 times over 19 looks, likeness 0.3"
ONE_CLIENT = "one client with all of the loss, 20 looks at a time"

SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "the mix of query classes moves": lambda: rows_of(street.mix_cells(SEED), RUNS),
    "a candidate is tried again": lambda: rows_of(street.retry_cells(SEED + 1, (1, 3, 10)), RUNS),
    "a candidate is judged in shadow first": lambda: rows_of([street.shadow_cell(SEED + 2)], RUNS),
    "lengths of answers are no independent draws": lambda: rows_of(street.token_cells(SEED + 4), 60),
    "the same users are in every look": lambda: rows_of(street.user_cells(SEED + 5, USERS), 40),
    "answers come in sessions": lambda: rows_of(street.session_cells(SEED + 7, street_sessions.QUICK), 100),
    "candidates in long sessions share a risk": lambda: rows_of(
        [each for each in street.shared_risk_cells(SEED + 21, street_sessions.LONGEST[1:2]) if each.kind[0] == "8"], 100
    ),
    "the policy declares how long sessions last": lambda: rows_of(
        street.session_cells(SEED + 7, street_sessions.QUICK_DECLARED), 100
    ),
    "cohorts had the same setting first": lambda: rows_of(street.cohort_cells(SEED + 7, street_cohorts.QUICK[:1]), 30),
    "rates wobble": lambda: rows_of(street.wobble_cells(SEED + 8), 60),
    "failures and votes come in bursts": lambda: rows_of(street.burst_cells(SEED + 9, (5,)), 12),
    "wrong answers are slow": lambda: rows_of(street.delay_cells(SEED + 5, street_delays.QUICK), 40),
    "requests come in bursts": lambda: rows_of(street.delay_cells(SEED + 5, street_delays.BURSTS[:1]), 12),
    "golden questions are asked": lambda: rows_of(street.golden_cells(SEED + 5, (50, 200, 1000)), 150),
    "promotions follow each other": lambda: rows_of(street.chain_cells(SEED + 6, looks=50), 40),
    "wrong answers vanish": lambda: rows_of(street.hidden_cells(SEED + 5, 0.25), 25),
    "as much is missing in both variants": lambda: rows_of(street.missing_cells(SEED + 6, 0.05), 25),
    "traffic follows laws that nobody had in mind": lambda: rows_of(
        street.strange_cells(SEED + 16, street_strange.QUICK), 12
    ),
    "traffic follows laws that were published": lambda: rows_of(
        street.recorded_cells(SEED + 22, (BURSTS_OF_AGENTS, ONE_CLIENT)), 60
    ),
    "alike calls come in batches": lambda: rows_of(street.client_cells(SEED + 23, (BATCHES,)), 60),
    "quiet traffic grows busy, and agents ask hundreds of times": lambda: rows_of(
        street.group_cells(SEED + 25, (GROWS_BUSY, AGENTS)), 100
    ),
    "questions are asked again, of a variant that is drawn anew": lambda: rows_of(
        street.retried_cells(SEED + 17, street_retries.Retried.DRAWN, (0.5,)), 200
    ),
    "the level of both variants moves around the floor": lambda: rows_of(
        street.floor_cells(SEED + 19, (WOBBLES_AROUND_THE_FLOOR,)), 20
    ),
    "an interval is shown": lambda: rows_of(street.interval_cells(SEED + 3), 200),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_no_error_is_more_frequent_than_the_risk_when(section: str) -> None:
    assert [row for row in SECTIONS[section]() if not row.holds] == []


@pytest.mark.parametrize("name", verdict_streams.OBJECTIVES)
def test_no_interval_contradicts_its_verdict_with_the_objective(name: str) -> None:
    problems, decided = verdict_streams.contradictions(verdict_streams.OBJECTIVES[name], 40, SEED)
    assert problems == []
    assert decided >= 5


def test_answers_of_users_who_come_back_would_not_pass_as_independent_ones() -> None:
    crowd = street_users.CROWDS["200 users a cohort, likeness 0.1"]
    assert min(street_users.errors(crowd, 30, SEED, by_users=False)) > 0.15


def test_sessions_would_not_pass_as_independent_answers() -> None:
    kind = street_sessions.Sessions(10, 1, 0.3)
    counts = street_sessions.streams(np.random.default_rng(SEED), kind, 60)
    ones = np.ones((60, street_sessions.LOOKS))
    alone = Divided(ones, ones.astype(bool), np.full_like(ones, 1e9))
    found = claims(counts, alone, street_sessions.MARGIN, street_sessions.RISK)
    assert min((found[side] > 0).mean() for side in Side) > 0.15


def test_users_who_keep_a_variant_and_ask_seldom_are_not_judged_early_by_their_split() -> None:
    found = street_sessions.decided(street_sessions.STICKY, 60, SEED)
    learned = 4 * KNOWN_LOOKS
    assert not ((found[Side.PROMOTE] > 0) & (found[Side.PROMOTE] < learned)).any()
    assert ((found[Side.HARM] > 0) & (found[Side.HARM] < learned)).mean() <= 0.05


def test_a_wobble_that_both_variants_share_costs_hardly_anything() -> None:
    assert street_bursts.wobble_factor(1000, 0.9, 30, SEED) < 2


def test_a_stake_that_follows_the_mix_of_its_look_would_not_pass() -> None:
    # What version 1 of the engine did: nearly each of these is promoted though the loss is the margin.
    assert max(street_mixes.mix_errors(kind, 100, SEED, own_mix=True)[0] for kind in street_mixes.MIXES) > 0.5


def test_a_level_that_both_variants_share_would_not_pass_as_what_they_differ_by() -> None:
    # What version 3 of the engine did for the floor.
    _, below = street_floor.errors(SWINGS_AROUND_THE_FLOOR, 20, SEED + 19, THIRD)
    assert below > 0.3


def test_a_wait_of_a_minute_would_not_pass_where_wrong_answers_are_slow() -> None:
    # What a policy without settleSeconds waited before requests in flight were asked.
    (kind,) = street_delays.QUICK
    assert street_delays.errors(kind, 25, SEED, street_delays.FORMER)[1] > 0.25


def test_a_step_that_is_interrupted_while_it_settles_misses_no_slow_answers_and_would_without_waiting_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The baseline is the slower one, so its wrong answers would be missing, and the candidate would look worse. Looks
    # that wait for a backlog would miss fewer of them: this is about the wait of the step alone.
    monkeypatch.setattr(look_taken, "backlog_of", lambda *_: Backlog.STEADY)
    assert abs(street_delays.first_bias(street_delays.PAUSED, 6, SEED, waits_again=True)) < 0.005
    assert street_delays.first_bias(street_delays.PAUSED, 6, SEED, waits_again=False) < -0.005


def test_questions_that_are_drawn_again_and_again_would_not_pass() -> None:
    # What the evaluator did for every policy: it proves what the file loses, and calls it the population's.
    promoted, rolled_back, _ = street_golden.golden_errors(200, 20, SEED, repeat=True)
    assert promoted > 0.2 and rolled_back > 0.1


def test_promotions_without_a_pinned_baseline_would_not_pass() -> None:
    lost, _ = street_golden.chain_errors(street_golden.CHAINS[0], 20, SEED, pinned=False)
    assert lost > 0.8


def test_as_many_questions_as_are_said_to_be_needed_decide_nine_of_ten_campaigns_without_a_loss() -> None:
    needed = questions_needed(street_golden.MARGIN, 0.05, street_golden.DISCORDANCE)
    spec = street_golden.policy_of({"about": "Population", "number": needed})
    rng, promoted = np.random.default_rng(SEED), 0

    def serve(_: RolloutState) -> Pairs:
        return street_golden.drawn_pairs(rng, 50, 0.0)

    for _ in range(100):
        ended = street_golden.campaign(spec, RolloutState(), serve, needed // 50)
        promoted += ended is not None and ended.is_a(Verdict.PROMOTE)
    assert 80 <= promoted <= 98


def test_a_mix_that_moves_with_the_ramp_promotes_nothing_that_loses_over_all_requests() -> None:
    found = street_walks.ended(street_walks.OVER_REQUESTS, 8, SEED)
    assert not any(each.is_wrong(each.lost) or each.is_wrong(each.lost_by_weight) for each in found)
    # Once easy questions have been asked for long enough, all requests together lose less than the margin.
    assert any(each.verdict is Verdict.PROMOTE for each in found)


def test_a_mix_that_moves_with_the_ramp_and_that_nobody_names_is_judged_by_what_each_step_says() -> None:
    found = street_walks.ended(street_walks.UNNAMED, 12, SEED)
    wrong = [each for each in found if each.is_wrong(each.lost_by_weight)]
    assert len(wrong) <= 2
    # An hour of hard questions at 1 % says little beside easy ones at 50 %, though as many users asked them.
    assert sum(each.verdict is Verdict.PROMOTE and each.is_wrong(each.lost) for each in found) >= 9


def test_a_class_that_loses_nothing_is_not_named_as_harmed_for_unscored_answers_of_another() -> None:
    assert street_strange.harmed_classes(((0.0, 0.0), (0.0, 0.3)), 10, SEED) <= 0.1


def test_that_as_many_are_missing_hides_which_ones_where_they_are_left_out() -> None:
    worst = next(kind for kind in street_strange.BEYOND if kind.startswith("5%"))
    promoted, _ = street_strange.errors(worst, 10, SEED)
    assert promoted > 0.7


def test_questions_that_are_asked_again_of_the_other_variant_make_it_look_worse() -> None:
    # Each variant is handed what the other could not answer.
    stream = street_retries.streams(np.random.default_rng(SEED), 40, street_retries.Retried.OTHER, 0.8)
    shown = stream.x_c.sum() / stream.n_c.sum() - stream.x_b.sum() / stream.n_b.sum()
    assert -street_retries.MARGIN < shown < -0.75 * street_retries.MARGIN
