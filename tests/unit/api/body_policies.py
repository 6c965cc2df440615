"""Policies whose parameters stand in bodies, for the tests."""

from __future__ import annotations

from typing import Any

BUDGET: dict[str, Any] = {
    "name": "budget",
    "type": "Integer",
    "minimum": "128",
    "maximum": "16384",
    "stopsSooner": "WhenLower",
    "body": {"knob": "ThinkingBudget"},
}
EFFORT: dict[str, Any] = {
    "name": "effort",
    "type": "Choice",
    "choices": ["low", "medium", "high"],
    "stopsSooner": "WhenLower",
    "body": {"knob": "ReasoningEffort"},
}
THINKING: dict[str, Any] = {"name": "thinking", "type": "Boolean", "body": {"knob": "Thinking"}}
WINDOW: dict[str, Any] = {
    "name": "window",
    "type": "Choice",
    "choices": ["small", "large"],
    "body": {"paths": [{"api": "ChatCompletions", "path": "vllm_xargs.window"}]},
}


def setting(name: str, value: str) -> dict[str, str]:
    """A value for a parameter, as a policy writes it."""
    return {"name": name, "value": value}


def body_spec(**changes: Any) -> dict[str, Any]:
    """A spec whose baseline leaves bodies alone."""
    return {
        "targetRef": {"kind": "Deployment", "name": "qwen"},
        "parameters": [BUDGET, EFFORT, THINKING, WINDOW],
        "baseline": {"values": []},
        "candidates": [{"name": "b512", "values": [setting("budget", "512")]}],
        "delivery": {"mode": "RequestBody", "requestBody": {"routeRef": {"name": "qwen"}, "engine": "VLLM"}},
        "rollout": {"steps": [{"weight": 5}, {"weight": 50}]},
        "metrics": {"sourceRef": {"name": "default"}},
        "objective": {"exactMatch": {"margin": "0.02", "evidence": "Pairs"}, "tokens": {"minimumSaving": "0.10"}},
    } | changes
