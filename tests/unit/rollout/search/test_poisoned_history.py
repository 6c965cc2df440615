"""Whatever stands in a history, it certifies nothing, breaks nothing, and wastes a bounded number of trials."""

from __future__ import annotations

import copy
from functools import cache
from math import isfinite, log, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.rollout.search.bayesian import Bayesian
from earlystop.rollout.search.bayesian import level as bayesian_level
from earlystop.rollout.search.history import Subject, read_history
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.ladder import level as ladder_level
from earlystop.rollout.search.progress import spent_risk
from earlystop.rollout.search.trial import (
    Belief,
    Estimate,
    Proposal,
    Proposer,
    Setting,
    TrialEnd,
    TrialOutcome,
)
from earlystop.rollout.search.warm_start import WarmStart, warm_start
from earlystop.rollout.search.worth import NOISE, PRICE
from earlystop.rollout.stored.search_codec import belief_text, restore_belief
from earlystop.rollout.verdict import digest_of
from tests.turns import Turns
from tests.unit.rollout.policies import examples
from tests.unit.rollout.search.made_up import TERMS, rungs
from tests.unit.rollout.search.past_verdicts import WINDOW, Manifest, past_verdict, two_verdicts, window_policy

WINDOWS = ("20", "10", "5", "2", "1")
SETTINGS = tuple(Setting(f"window-{each}", (("window", each),), (at / 4,)) for at, each in enumerate(WINDOWS))
BASELINE = window_policy()
LADDER, BAYESIAN = Ladder(), Bayesian()


@cache
def sound() -> tuple[Manifest, ...]:
    """Verdicts that count: on four windows, two of them in one chain."""
    return (past_verdict("20", 0.0, 0.2), past_verdict("2", 0.3, 0.8, name="bold"), *two_verdicts())


def forged(number: int, change: dict[str, Any], *, signed: bool) -> Manifest:
    """A verdict of a policy of its own whose record was made up. signed: whether its digest belongs to it."""
    made = past_verdict("5", 0.0, 0.9, name=f"forged-{number}")
    made["spec"] |= change
    if signed:
        made["spec"]["digest"] = digest_of(made["spec"])
    return made


FORGERIES: tuple[dict[str, Any], ...] = (
    {"effect": "+99 [+98, +100]"},
    {"saving": "nan % [nan, nan]"},
    {"decision": "Promote", "reason": "HarmShown"},
    {"dispersion": "nan"},
    {"dispersion": "1e400"},
    {"at": "+99999-12-31T00:00:00Z"},
    {"at": ""},
    {"campaign": 10**400},
    {"candidate": "nobody"},
    {"policyUid": "another"},
    {"lookTable": ""},
    {"lookTable": "A" * 5000},
    {"plan": "NaN"},
    {"plan": '{"spec":' * 50},
    {"looks": [[1e308] * 40] * 3},
    {"looks": [["nan"] * 9]},
    {"others": [{"candidate": "x", "looks": None}]},
    {"search": {"strategy": "Ladder", "belief": "nan,nan,nan,nan"}},
    {"others": 7},
)
NO_VERDICTS: tuple[Any, ...] = (
    {},
    {"metadata": None, "spec": None},
    {"metadata": {"name": "x", "namespace": "llm"}, "spec": []},
    {"metadata": {"name": 5}, "spec": {"plan": None}},
    {"spec": {"plan": "{}", "reason": None, "at": 5}},
)
ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"parameters": [{**WINDOW, "type": "Decimal"}]},
    {"parameters": [{**WINDOW, "stopsSooner": "WhenHigher"}]},
    {"baseline": {"values": [{"name": "window", "value": "20"}]}},
)
POISON = st.one_of(
    st.builds(forged, st.integers(0, 3), st.sampled_from(FORGERIES), signed=st.booleans()),
    st.sampled_from(NO_VERDICTS).map(copy.deepcopy),
    st.sampled_from(ELSEWHERE).map(
        lambda changes: past_verdict("10", spec=window_policy("10", changes), name="elsewhere")
    ),
)


def learned(verdicts: list[Manifest]) -> WarmStart:
    """What a search among the windows starts with."""
    return warm_start(BASELINE, SETTINGS, read_history(Subject.of(BASELINE), verdicts))


@pytest.mark.slow
@settings(examples, max_examples=40)
@given(poison=st.lists(POISON, max_size=6), again=st.lists(st.integers(0, 3), max_size=3), data=st.data())
def test_forged_foreign_and_repeated_verdicts_in_any_order_teach_nothing_beyond_the_sound_ones(
    poison: list[Manifest], again: list[int], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations([*sound(), *(sound()[each] for each in again), *poison]))
    found, expected = learned(list(mixed)), learned(list(sound()))
    assert found.belief is not None and found.belief == expected.belief
    for each in (*found.belief.loss, *found.belief.saving):
        assert each is not None and isfinite(each.mean) and abs(each.mean) <= 1 and 0 < each.error < 10


@pytest.mark.slow
@settings(examples, max_examples=20)
@given(lies=st.lists(st.tuples(st.sampled_from(WINDOWS), st.sampled_from([0.0, 0.4]), st.sampled_from([0.3, 0.9]))))
def test_a_history_of_other_bounds_and_of_traffic_unlike_ours_is_believed_within_bounds_alone(
    lies: list[tuple[str, float, float]],
) -> None:
    other = {"parameters": [{**WINDOW, "minimum": "1", "maximum": "400"}]}
    verdicts = [
        past_verdict(window, loss, saving, name=f"other-{at}", spec=window_policy(window, other))
        for at, (window, loss, saving) in enumerate(lies[:4])
    ]
    belief = learned(verdicts).belief
    assert (belief is None) == (not verdicts)
    for each in () if belief is None else (*belief.loss, *belief.saving):
        assert each is not None and abs(each.mean) <= 1 and 1e-4 < each.error < 10


LIE = st.builds(Estimate, st.sampled_from([-1.0, 0.0, 0.02, 1.0]) | st.floats(-1, 1), st.floats(1e-9, 1e9)) | st.none()
LOSS = st.sampled_from([0.0, 0.004, 0.01, 0.015, 0.019, 0.021, 0.03, 0.05, 0.1])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[float], list[float], Belief]:
    """What rungs truly lose and save, in no order at all, and what a history claims of them."""
    count = draw(st.integers(1, 10))
    exact = (
        st.lists(LOSS, min_size=count, max_size=count),
        st.lists(st.floats(-0.2, 0.7), min_size=count, max_size=count),
    )
    claimed = st.lists(LIE, min_size=count, max_size=count)
    return draw(exact[0]), draw(exact[1]), Belief(tuple(draw(claimed)), tuple(draw(claimed)))


def outcome(tried: Proposal, loss: float, saving: float) -> TrialOutcome:
    """What a trial comes to that has as many requests as the inverse square of the distance to the margin asks for."""
    gap, most = TERMS.margin - loss, 2 * tried.requests
    needed = max(TERMS.per_look, round(2 * NOISE * (log(1 / tried.risk) + PRICE) / gap**2))
    proven = TrialEnd.CERTIFIED if gap > 0 and saving > TERMS.minimum_saving else TrialEnd.HARMFUL
    is_open = needed > most or (gap > 0 and proven is TrialEnd.HARMFUL)
    end, requests = (TrialEnd.INCONCLUSIVE, most) if is_open else (proven, needed)
    error = sqrt(NOISE / requests)
    return TrialOutcome(tried.setting, end, tried.risk, Estimate(loss, error), Estimate(saving, 0.01), requests)


def played(
    proposer: Proposer, losses: list[float], savings: list[float], belief: Belief | None
) -> tuple[TrialOutcome, ...]:
    """All trials of a search."""
    outcomes: list[TrialOutcome] = []
    turns = Turns()
    while turns.another():
        tried = proposer.propose(rungs(len(losses)), outcomes, TERMS, belief, 1)
        if tried is None:
            break
        outcomes.append(outcome(tried, losses[tried.setting], savings[tried.setting]))
    return tuple(outcomes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("proposer", "level"), [(LADDER, "ladder"), (BAYESIAN, "bayesian")], ids=["Ladder", "Bayesian"]
)
@settings(examples)
@given(world=worlds())
def test_no_history_lowers_what_a_trial_must_show_nor_adds_trials_beyond_those_that_may_fail_and_those_that_certify(
    proposer: Proposer, level: str, world: tuple[list[float], list[float], Belief]
) -> None:
    losses, savings, belief = world
    warm = played(proposer, losses, savings, belief)
    rows = zip(losses, savings, strict=True)
    holding = sum(loss < TERMS.margin and saving > TERMS.minimum_saving for loss, saving in rows)
    assert len(warm) <= TERMS.failure_budget + holding
    assert len({each.setting for each in warm}) == len(warm)
    failures = 0
    for each in warm:
        at = (
            ladder_level(TERMS.risk, TERMS.failure_budget, failures)
            if level == "ladder"
            else bayesian_level(TERMS.risk, failures)
        )
        assert each.risk == at
        failures += each.end is not TrialEnd.CERTIFIED
    assert failures <= TERMS.failure_budget
    assert spent_risk(warm, certified_are_free=True) <= TERMS.risk * (1 + 1e-9)


@pytest.mark.slow
@given(world=worlds())
@settings(examples)
def test_a_proposal_from_a_belief_that_was_stored_is_that_from_the_belief_as_it_is_read_again(
    world: tuple[list[float], list[float], Belief],
) -> None:
    _, _, belief = world
    count = len(belief.loss)
    stored = restore_belief(belief_text(belief), count)
    again = restore_belief(belief_text(stored), count)
    assert stored == again
    for proposer in (LADDER, BAYESIAN):
        assert proposer.propose(rungs(count), (), TERMS, stored, 1) == proposer.propose(
            rungs(count), (), TERMS, again, 7
        )


@pytest.mark.parametrize(
    "text",
    [
        "nan,1,0,1",
        "inf,1,0,1",
        "1e400,1,0,1",
        "0,0,0,1",
        "0,-1,0,1",
        "0,1,0,nan",
        "0,1",
        "",
        "x,1,0,1",
        "0,1,0,1;0,1,0,1",
    ],
)
def test_a_stored_belief_that_is_no_estimate_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        restore_belief(text, 1)
