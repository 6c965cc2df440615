"""Policies as screens are drawn of them: in every state that is reached, and with statuses that were recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from earlystop.cli.screen.reading import remaining_of
from earlystop.cli.screen.view import Event
from earlystop.cli.screen.whole import picture
from earlystop.controller.cluster import Manifest
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.gates import GateAnswer, GateState, following
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.asking import Campaign
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED

GATED = "waiting for a gate"
GATE = {"name": "load-test", "timeoutSeconds": 7200, "jobRef": {"name": "load-test"}}
WITH_A_GATE = {"rollout": {"gates": [GATE], "steps": [{"weight": 50}], "deadlineSeconds": 3600}}
RECORDED = Path(__file__).parents[1] / "rollout" / "recorded"
NOTES = (
    (
        "StepAdvanced",
        "The step was left since a loss of 4 points of EM or more is refuted (1 in 5.4; 1 in 5 needed).",
    ),
    ("WeightsInForce", "25 % of requests go to window=10, by the answers to 24 probes. The next look is in 60 s."),
    ("CampaignStarted", "Campaign 1 tries window=10 against the baseline window=40."),
)


def policy_in(name: str, observations: Observations | None = None) -> Manifest:
    """A policy in a reached state, with the spec that its campaign is about. observations: of its objects and counts;
    none by default."""
    if name == GATED:
        return shown(waiting_for_a_gate(), observations, WITH_A_GATE)
    return shown(REACHED[name], observations)


def shown(
    state: RolloutState, observations: Observations | None = None, changes: Mapping[str, Any] | None = None
) -> Manifest:
    """A policy in a state, with the spec that its campaign is about."""
    made = manifest(state, changes=changes, observations=observations)
    if state.plan:
        made["spec"] = json.loads(state.pinned_plan.spec.model_dump_json(by_alias=True, exclude_none=True))
    return made


def waiting_for_a_gate() -> RolloutState:
    """A campaign whose promotion waits for a gate, which has not answered yet."""
    campaign = Campaign(WITH_A_GATE)
    state = campaign.until_it_waits()
    assert state.awaiting is not None
    news = {"load-test": GateAnswer("load-test", GateState.WAITING, state.awaiting.since, "The Job has not ended yet.")}
    asked = following(campaign.times.gates, state.gates, state.awaiting.since, news, state.awaiting.since + 5, 86_400)
    return replace(state, gates=asked)


def recorded(name: str) -> Manifest:
    """A policy with a status that was recorded; name: of its file, without the ending."""
    found = json.loads((RECORDED / f"{name}.json").read_text())
    metadata = {"name": "qa", "namespace": "llm", "uid": "u", "generation": 1, "resourceVersion": "1"}
    return {"metadata": metadata, "spec": found["spec"], "status": found["status"]}


def moment_of(policy: Manifest) -> int:
    """Five seconds after its latest look."""
    latest = policy.get("status", {}).get("lastLookAt")
    return (from_rfc3339(latest) if latest else NOW) + 5


def screen(policy: Manifest, width: int, height: int | None = None, *, forecast: bool = False) -> list[str]:
    """The lines of its screen, with events; forecast: whether with what is forecast, too."""
    now = moment_of(policy)
    events = tuple(Event(now - 40 * number, *note) for number, note in enumerate(NOTES, 1))
    left = remaining_of(policy, now) if forecast else None
    drawn = picture(policy, now, width, height=height, remaining=left, events=events)
    return text_of(drawn, width).splitlines()


def text_of(renderable: RenderableType, width: int) -> str:
    """What is written to a terminal of so many columns."""
    console = Console(width=width, file=StringIO(), record=True, highlight=False, markup=False, emoji=False)
    console.print(renderable)
    return console.export_text()
