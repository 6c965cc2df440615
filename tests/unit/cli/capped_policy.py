"""A policy that tries a cap of a stock engine's answers."""

from __future__ import annotations

from typing import Any

CAP = {"name": "cap", "type": "Integer", "minimum": "1", "maximum": "8192", "stopsSooner": "WhenLower"}


def manifest(longest: object, baseline: object = "4096") -> dict[str, Any]:
    """longest: what tokens.longestAnswer says. baseline: its cap. None leaves out either."""
    tokens = {"minimumSaving": "0.1"} if longest is None else {"minimumSaving": "0.1", "longestAnswer": longest}
    injector = {"engine": "VLLM", "routeRef": {"name": "qwen"}, "injector": {"replicas": 2}}
    return {
        "spec": {
            "targetRef": {"kind": "Deployment", "name": "qwen"},
            "parameters": [{**CAP, "body": {"knob": "AnswerCap"}}],
            "baseline": {"values": [] if baseline is None else [{"name": "cap", "value": baseline}]},
            "candidates": [{"name": "cap1024", "values": [{"name": "cap", "value": "1024"}]}],
            "delivery": {"mode": "RequestBody", "requestBody": injector},
            "rollout": {"steps": [{"weight": 5}]},
            "metrics": {"sourceRef": {"name": "default"}},
            "objective": {"exactMatch": {"margin": "0.02", "evidence": "Pairs"}, "tokens": tokens},
        }
    }
