"""A search that judges 200 settings beside each other, on made-up answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from numpy.random import default_rng

from earlystop.api.policy import PolicySpec
from earlystop.api.searches import MOST_SETTINGS
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import ACTING, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import expire, weights_in_force
from earlystop.simulation.search_traffic import shadow_answers
from earlystop.simulation.search_truth import TrueCurve, TrueSetting
from tests.turns import Turns

SPEC = PolicySpec.model_validate(
    {
        "targetRef": {"kind": "Deployment", "name": "qa-server"},
        "parameters": [
            {"name": "window", "type": "Integer", "minimum": "1", "maximum": "201", "stopsSooner": "WhenLower"}
        ],
        "baseline": {"values": [{"name": "window", "value": "201"}]},
        "search": {
            "strategy": "Grid",
            "parameters": [{"name": "window", "range": {"from": "1", "to": "200", "step": "1"}}],
        },
        "delivery": {"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}},
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
"""Bytes of an object that the API server stores at most."""


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
    state = weights_in_force(start_campaign(SPEC, "", state, now, CampaignInputs(uid="u", entropy="1")), now)
    totals = [Totals() for _ in NAMES]
    turns = Turns()
    while state.phase not in ACTING and turns.another():
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
