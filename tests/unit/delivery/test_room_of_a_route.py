"""A route has room for as many settings as a live search of all at once may have, and for no more."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.modes import MOST_BACKENDS
from earlystop.api.policy import PolicySpec
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import preflight
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.rollout.unsupported_search import search_refusal
from tests.unit.delivery.cluster import in_bodies, inputs, prefix, rule
from tests.unit.rollout.policies import policy

BY_HEADER: dict[str, Any] = {}
BY_BODY: dict[str, Any] = {
    "parameters": in_bodies(),
    "delivery": {
        "gatewayHeader": None,
        "mode": "RequestBody",
        "requestBody": {"routeRef": {"name": "qa"}, "engine": "VLLM"},
    },
}


def grid(changes: dict[str, Any], number: int) -> PolicySpec:
    windows = {"name": "window", "values": [str(each) for each in range(1, number + 1)]}
    search = {"strategy": "Grid", "parameters": [windows]}
    return policy({**changes, "candidates": None, "search": search, "rollout": {"steps": [{"weight": 64}]}})


def side_by_side(spec: PolicySpec) -> TrafficSplit:
    settings = spec.search_settings()
    percent = 64 // len(settings)
    baseline = VariantWeight("baseline", 100 - percent * len(settings), tuple(spec.baseline_settings().items()))
    tried = [VariantWeight(each.name, percent, each.values) for each in settings]
    return TrafficSplit("0123456789", 0, (baseline, *tried), token="t")


@pytest.mark.parametrize("changes", [BY_HEADER, BY_BODY], ids=["GatewayHeader", "RequestBody"])
@pytest.mark.parametrize("number", [MOST_BACKENDS - 1, MOST_BACKENDS])
def test_a_grid_is_accepted_just_where_its_overlay_fits(changes: dict[str, Any], number: int) -> None:
    spec = grid(changes, number)
    here, wanted = inputs(rule(prefix("/")), spec=spec), side_by_side(spec)
    refused = preflight(here, wanted)
    assert (refused is None) == (search_refusal(spec) is None) == (number < MOST_BACKENDS)
    if refused is None:
        assert len(mode_of(spec.delivery).render(here, wanted).objects) > number
    else:
        assert refused.reason == "OverlayTooLarge" and f"{MOST_BACKENDS + 1} backends in a rule" in refused.message
