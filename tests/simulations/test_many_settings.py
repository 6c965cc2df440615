"""A search that judges 200 settings beside each other: its status and its verdict have room, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from numpy.random import default_rng

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.api.searches import MOST_SETTINGS
from earlystop.api.wire import PACKED_LIMIT
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, pack
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import ACTING, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import expire, weights_in_force
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.simulation.search_traffic import shadow_answers
from earlystop.simulation.search_truth import TrueCurve, TrueSetting

SPEC = PolicySpec.model_validate(
    {
        "targetRef": {"kind": "Deployment", "name": "qa-server"},
        "parameters": [{"name": "window", "type": "Integer", "minimum": "1", "stopsSooner": "WhenLower"}],
        "baseline": {"values": [{"name": "window", "value": "201"}]},
        "search": {
            "strategy": "Grid",
            "parameters": [{"name": "window", "range": {"from": "1", "to": "200", "step": "1"}}],
        },
        "delivery": {"mode": "Shadow", "gatewayHeader": {"routeRef": {"name": "qa"}}},
        "rollout": {"lookSeconds": 15, "settleSeconds": 0, "deadlineSeconds": 2_592_000},
        "metrics": {"sourceRef": {"name": "default"}},
        "objective": {
            "exactMatch": {"margin": "0.02", "assumeIndependent": True},
            "tokens": {"minimumSaving": "0.05"},
        },
    }
)
NAMES = [each.name for each in SPEC.search_settings()]
TIMES = LiveTimes.of(SPEC)
ETCD_LIMIT = 1_572_864


def a_curve(most_lost: float) -> TrueCurve:
    """From nothing lost to so much, and from 5 to 55 % saved, so that many settings are close to the margin."""
    steps = [number / MOST_SETTINGS for number in range(MOST_SETTINGS)]
    settings = [
        TrueSetting(name, most_lost * step**3, 0.05 + step / 2) for name, step in zip(NAMES, steps, strict=True)
    ]
    return TrueCurve(0.85, 600, tuple(settings))


def looks_of(
    curve: TrueCurve, rate: float, times: LiveTimes = TIMES, *, dies_after_each: bool = False
) -> Iterator[RolloutState]:
    """The state after each look until a decision. dies_after_each: whether the operator goes on from the status that it
    stored after each look, and from nothing else."""
    random, state, now = default_rng(1), RolloutState(), 1
    state = weights_in_force(start_campaign(SPEC, "u", "", "", state, now, entropy="1"), now)
    totals = [Totals() for _ in NAMES]
    while state.phase not in ACTING:
        at = next_look(times, state)
        assert at is not None
        baseline, candidates = shadow_answers(curve, range(len(NAMES)), int(rate * (at - now)), random)
        totals = [
            replace(each, baseline=each.baseline + baseline, candidate=each.candidate + more)
            for each, more in zip(totals, candidates, strict=True)
        ]
        state, now = expire(times, take_look(times, state, at, *totals), at), at
        if dies_after_each:
            state, _ = from_status(json.loads(json.dumps(to_status("qa", "u", times, state, ""))))
        yield state


def series_of_processes(number: int) -> str:
    tally = Tally(999_999, 999_990, 9, 850_000, 149_990, 0, 600_000_000, 400_000_000_000)
    keys = [SeriesKey(0, name, "default", f"{each:08x}-4a1d") for name in NAMES for each in range(number)]
    return pack(Ledger(dict.fromkeys(keys, tally)))


@pytest.mark.slow
def test_200_settings_on_one_stream_have_room_until_one_is_chosen_and_their_verdict_can_be_recomputed() -> None:
    ledger, states = series_of_processes(6), list(looks_of(a_curve(0.06), rate=5))
    for state in (states[4], states[-1]):
        status = to_status("qa", "u", TIMES, state, ledger)
        restored, _ = from_status(json.loads(json.dumps(status)))
        assert restored.comparisons == state.comparisons
        assert len(status["internal"]["looks"]) + len(ledger) <= PACKED_LIMIT
    last = states[-1]
    assert last.decision is not None and last.decision.reason == "MostProvenSaving"
    assert max(len(each.looks) for each in last.comparisons) >= 40, "looks of a day and more at 15 s have room"
    verdict = verdict_spec("qa", "u", last)
    assert len(json.dumps(verdict)) < ETCD_LIMIT * 3 / 4
    assert differences(verdict) == []


@pytest.mark.slow
def test_a_search_of_which_every_one_of_200_settings_harms_ends_in_a_verdict() -> None:
    *_, last = looks_of(replace(a_curve(0.0), settings=tuple(TrueSetting(each, 0.4, 0.5) for each in NAMES)), rate=5)
    assert last.decision is not None and last.decision.reason == "EveryCandidateDropped"
    assert len(last.decision.message) <= 1024 and "and 160 more" in last.decision.message
    assert differences(verdict_spec("qa", "u", last)) == []


@pytest.mark.slow
def test_an_operator_that_dies_after_each_look_at_200_settings_comes_to_the_same_end() -> None:
    short = replace(TIMES, deadline_seconds=400)
    (*_, whole), (*_, resumed) = (looks_of(a_curve(0.2), 20, short, dies_after_each=dies) for dies in (False, True))
    assert whole.decision is not None and any(each.dropped for each in whole.comparisons)
    assert any(each.certified_at is not None for each in whole.comparisons)
    assert verdict_spec("qa", "u", resumed) == verdict_spec("qa", "u", whole)
