"""A policy in service, to which anything happens: what must hold does at every write and after each reconciliation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulations.service_events import EVENTS, OUTSIDE, PROPOSED
from tests.simulations.service_life import DAY, Life
from tests.turns import Turns
from tests.unit.controller.busy_world import WHEN_BUSY
from tests.unit.controller.hooks.receiver import receiving

SOON = {
    "steps": [{"weight": 10, "minimumSeconds": 60}, {"weight": 50}],
    "lookSeconds": 60,
    "settleSeconds": 30,
    "deadlineSeconds": 7200,
}
TOGETHER: dict[str, Any] = {
    "candidates": [{"name": f"w{window}", "values": [{"name": "window", "value": window}]} for window in ("10", "5")],
    "rollout": {**SOON, "strategy": "ABTest", "steps": [{"weight": 30, "minimumSeconds": 60}]},
}
POLICIES: dict[str, dict[str, Any]] = {
    "one setting": {
        "rollout": SOON,
        "guard": {"holdbackWeight": 10},
        "certificate": {"onChange": "Revalidate"},
    },
    "two that follow alarms and the load": {
        **TOGETHER,
        "guard": {"holdbackWeight": 10, "adjust": {}, "whenBusy": WHEN_BUSY},
    },
    "asked for": {
        "rollout": SOON,
        "guard": {"holdbackWeight": 10},
        "approval": {"mode": "BeforePromotion"},
        "certificate": {"onChange": "RollBack"},
    },
    "searched": {
        "candidates": None,
        "search": {
            "strategy": "Ladder",
            "parameters": [{"name": "window", "values": ["20", "10", "5"]}],
            "horizonRequests": 50_000_000,
        },
        "rollout": {**SOON, "steps": [{"weight": 50, "minimumSeconds": 0}]},
        "guard": {"holdbackWeight": 10, "adjust": {"triesPerWeek": 7}},
    },
    "proposed": {
        "candidates": None,
        "search": {
            "strategy": "External",
            "parameters": [{"name": "window", "values": ["20", "10", "5"]}],
            "horizonRequests": 50_000_000,
        },
        "rollout": {**SOON, "steps": [{"weight": 50, "minimumSeconds": 0}]},
        "guard": {"holdbackWeight": 10},
    },
    "golden questions": {
        "rollout": SOON,
        "objective": {"exactMatch": {"margin": "0.05", "evidence": "Pairs"}},
        "guard": {"evidence": "Pairs", "holdbackWeight": 10},
        "certificate": {"onChange": "Revalidate"},
    },
    "golden questions for all": {
        "rollout": SOON,
        "objective": {"exactMatch": {"margin": "0.05", "evidence": "Pairs"}},
        "guard": {"evidence": "Pairs"},
    },
    "hooks and gates": {
        "rollout": {
            **SOON,
            "gates": [
                {"name": "ci", "before": "Step", "targetRef": {"name": "receiver"}},
                {"name": "evaluation", "jobRef": {"name": "retrain"}, "timeoutSeconds": 3600},
            ],
        },
        "hooks": [
            {"name": "chat", "targetRef": {"name": "receiver"}},
            {"name": "retrain", "jobRef": {"name": "retrain"}, "on": ["Alarm", "Lapsed", "RepeatedFailure"]},
        ],
        "guard": {"holdbackWeight": 10},
        "certificate": {"onChange": "Revalidate"},
    },
    "classes and votes": {
        **TOGETHER,
        "objective": {
            "exactMatch": {"margin": "0.05"},
            "queryClasses": [{"name": "easy", "margin": "0.06"}, {"name": "hard", "margin": "0.08"}],
            "guardrails": [{"name": "thumbs", "kind": "NegativeFeedback", "maximumRatio": "1.5"}],
        },
        "guard": {"holdbackWeight": 10, "adjust": {}},
    },
}
PAIRS_A_SECOND = 5.0
BESIDES = {"hooks and gates": OUTSIDE, "classes and votes": OUTSIDE, "proposed": PROPOSED}
CLASSES = {"classes and votes": {"easy": 0.5, "hard": 0.3, "other": 0.2}}


MOST_EVENTS_A_DAY = 200


LIVES = (
    *(("one setting", 2), ("two that follow alarms and the load", 2), ("asked for", 1), ("searched", 3)),
    *(("hooks and gates", 2), ("classes and votes", 2)),
    *(("proposed", 2), ("golden questions", 1), ("golden questions for all", 2)),
)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seed"), LIVES)
async def test_whatever_happens_in_service_all_promises_are_kept(kind: str, seed: int) -> None:
    days = 0.5
    life = await lived(kind, seed, days)
    assert life.status["campaign"] > 1 and life.verdicts(), "hardly anything happened"
    assert sum(life.dying.told.values()) <= days * MOST_EVENTS_A_DAY, life.dying.told
    assert life.outside is None or (life.outside.taken and life.outside.opened), "nobody outside was told or asked"


async def lived(kind: str, seed: int, days: float) -> Life:
    """The life of a policy after so many days."""
    life = Life(seed, POLICIES[kind])
    life.service.classes = CLASSES.get(kind, life.service.classes)
    life.service.pairs = PAIRS_A_SECOND if kind.startswith("golden questions") else 0.0
    events = (*EVENTS, *BESIDES.get(kind, ()))
    async with life.open(), receiving() as receiver:
        if kind == "hooks and gates":
            life.connect(receiver)
        until = life.now + days * DAY
        turns = Turns()
        while life.now < until and turns.another():
            event = life.random.choice(events)
            life.happened.append(f"{life.now:.0f} {event.__name__}")
            event(life)
            await life.live(life.random.choice((60, 600, 3600, 14_400)))
    return life
