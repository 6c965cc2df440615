"""Deliveries that give each cohort of users its variant."""

from __future__ import annotations

COHORTS = {
    "header": "x-cohort",
    "routeRef": {"name": "qa"},
    "cohorts": [{"values": ["a"], "variant": "baseline"}, {"values": ["b"], "variant": "w10"}],
}
BY_HEADER = {"mode": "HeaderCohort", "gatewayHeader": None, "headerCohort": COHORTS}

IN_BODIES = {
    "mode": "RequestBody",
    "gatewayHeader": None,
    "requestBody": {
        "engine": "VLLM",
        "routeRef": {"name": "qa"},
        "cohort": {name: COHORTS[name] for name in ("header", "cohorts")},
    },
}
