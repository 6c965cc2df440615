"""Before the first share the baseline alone shows how much its answers scatter, and evidence counts that much less."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Tally
from earlystop.evidence.engine import assess
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import plan_text
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from earlystop.rollout.words.summary import summary
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import SAVING, Server, answers, decided, observe

SPEC = policy({"rollout": {"learnSeconds": 60}})


def sessions(seed: int, looks: int, length: int, likeness: float) -> list[Totals]:
    """Looks of the baseline alone: sessions of that length whose answers share a rate."""
    rng, strength = np.random.default_rng(seed), 1 / likeness - 1
    found = []
    for _ in range(looks):
        rates = rng.beta(0.8 * strength, 0.2 * strength, 200 // length)
        match = int(rng.binomial(length, rates).sum())
        found.append(Totals(replace(answers(200), match=match, mismatch=200 - match)))
    return found


def taught(looks: list[Totals]) -> RolloutState:
    return observe(SPEC, started(SPEC), Server(), *looks)


def test_no_request_tries_the_candidate_while_the_baseline_is_watched() -> None:
    state = started(SPEC)
    assert [stage.weight for stage in state.pinned_plan.stages] == [0, 5, 25, 50]
    assert candidate_weight(state) == 0
    state = observe(SPEC, state, Server(), *sessions(1, 10, 5, 0.3))
    assert (state.phase, state.step, candidate_weight(state)) == (Phase.OBSERVING, 0, 0)
    assert state.looks == ()
    assert "watching the baseline alone" in summary(state) and "9 pairs of looks so far" in summary(state)


def test_the_first_share_waits_for_enough_looks_however_short_the_time() -> None:
    assert taught(sessions(2, 20, 5, 0.3)).step == 0
    state = taught(sessions(2, 21, 5, 0.3))
    assert (state.phase, state.step, candidate_weight(state)) == (Phase.APPLYING, 1, 5)


def test_the_first_share_waits_for_the_time_however_many_looks() -> None:
    spec = policy({"rollout": {"learnSeconds": 600}})
    state = observe(spec, started(spec), Server(), *sessions(3, 39, 5, 0.3))
    assert state.step == 0
    state = observe(spec, started(spec), Server(), *sessions(3, 40, 5, 0.3))
    assert state.step == 1


@pytest.mark.slow
def test_sticky_sessions_are_found_out_and_independent_answers_are_left_alone() -> None:
    # Design effect of sessions of 5 with an intraclass correlation of 0.3: 1 + 4 x 0.3 = 2.2.
    factors = [taught(sessions(seed, 21, 5, 0.3)).dispersion or 0.0 for seed in range(40)]
    # Each is a mean of 20 squared normals with neighbours' correlation: a standard error of about 0.4 x 2.2.
    assert np.mean(factors) == pytest.approx(2.2, abs=3 * 0.4 * 2.2 / np.sqrt(40))
    alone = [taught(sessions(seed, 21, 1, 0.3)).dispersion or 0.0 for seed in range(40)]
    assert 1.0 <= np.mean(alone) <= 1.0 + 0.16 + 3 * 0.4 / np.sqrt(40)


def test_the_factor_weakens_all_evidence_of_the_campaign_and_is_in_its_verdict() -> None:
    state = taught(sessions(4, 21, 5, 0.3))
    assert state.dispersion is not None and state.dispersion > 1.2
    assert state.evidence is not None and state.evidence.objective.dispersion == state.dispersion
    server = Server()
    plain = policy()
    without = decided(plain, started(plain), Server(), SAVING)
    with_factor = decided(SPEC, state, server, SAVING)
    assert with_factor.evidence is not None and without.evidence is not None
    assert assess(with_factor.evidence).log_e_max.promote < assess(without.evidence).log_e_max.promote
    record = json.loads(json.dumps(verdict_spec("qa", UID, with_factor)))
    assert record["dispersion"] == repr(state.dispersion)
    assert differences(record) == []
    assert differences({**record, "dispersion": "1.0"}) != []


def test_a_restart_forgets_nothing_of_what_was_learned() -> None:
    for looks in (0, 1, 7, 21):
        state = taught(sessions(5, looks, 5, 0.3))
        again, _ = from_status(json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(SPEC), state, ""))))
        assert again == state


def test_a_factor_that_the_policy_writes_is_never_undercut() -> None:
    spec = policy({"rollout": {"learnSeconds": 60}, "objective": {"exactMatch": {"dispersion": "50"}}})
    state = observe(spec, started(spec), Server(), *sessions(6, 21, 5, 0.3))
    assert state.dispersion == 50.0


def test_a_look_of_a_baseline_without_answers_teaches_nothing() -> None:
    silent = Totals(Tally(started=50, completed=50, tokens=500, tokens_squared=5000))
    state = taught([*sessions(7, 10, 5, 0.3), silent, silent, *sessions(8, 5, 5, 0.3)])
    assert state.step == 0 and state.scatter.pairs == 14


def test_what_was_learned_is_told_once() -> None:
    before, after = taught(sessions(9, 20, 5, 0.3)), taught(sessions(9, 21, 5, 0.3))
    (told,) = event_notes(before, after)
    assert told.reason == "DispersionLearned" and "times as much as independent ones" in told.message


def test_a_change_of_what_is_learned_from_is_a_new_plan_and_none_is_the_old_text() -> None:
    assert plan_text(policy()) == plan_text(policy({"rollout": {"learnSeconds": 0}}))
    assert len({plan_text(policy({"rollout": {"learnSeconds": seconds}})) for seconds in (0, 60, 90)}) == 3
