"""What differs of a policy whose parameter is a cap of answers."""

from __future__ import annotations

from typing import Any


def capped(
    baseline: str | None = "4096", candidates: tuple[str, ...] = ("1024",), tokens: Any = None, **body: Any
) -> dict[str, Any]:
    """What differs of a policy whose parameter is a cap; None: the baseline leaves bodies alone."""
    cap = {"name": "cap", "type": "Integer", "minimum": "1", "maximum": "9999", "stopsSooner": "WhenLower"}
    return {
        "parameters": [cap | {"body": {"knob": "AnswerCap", **body}}],
        "baseline": {"values": [] if baseline is None else [{"name": "cap", "value": baseline}]},
        "candidates": [{"name": f"c{each}", "values": [{"name": "cap", "value": each}]} for each in candidates],
        "delivery": {
            "mode": "RequestBody",
            "gatewayHeader": None,
            "requestBody": {"routeRef": {"name": "qa"}, "engine": "VLLM"},
        },
        "objective": {"tokens": {"minimumSaving": "0.1"} | (tokens or {})},
    }
