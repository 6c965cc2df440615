"""Fields of a policy that can do nothing beside others of it, which an API server takes all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ASKS_ALWAYS = ("BeforePromotion", "Always")
"""Modes of `spec.approval` in which each promotion waits for people."""


def idle_notes(manifest: dict[str, Any]) -> Iterator[str]:
    """A sentence for each field of the guard that consent makes idle; none where the parts are of another form."""
    spec = _part(manifest, "spec")
    asks, guard = _who_asks(spec), _part(spec, "guard")
    if not asks:
        return
    if isinstance(guard.get("whenBusy"), dict):
        yield (
            f"spec.guard.whenBusy: the load changes nothing, since {asks} must agree to each setting before it serves; "
            "remove whenBusy, or what asks."
        )
    adjust = guard.get("adjust")
    if isinstance(adjust, dict):
        yield (
            f"spec.guard.adjust: no more careful setting follows an alarm, since {asks} would have to agree first; the "
            "baseline serves then, until somebody retries the policy."
        )


def _who_asks(spec: dict[str, Any]) -> str:
    """Who must agree to each promotion, as the subject of a sentence; "" for nobody."""
    if _part(spec, "approval").get("mode") in ASKS_ALWAYS:
        return "people (spec.approval)"
    gates = _part(spec, "rollout").get("gates")
    held = isinstance(gates, list) and any(
        isinstance(gate, dict) and gate.get("before", "Promotion") == "Promotion" for gate in gates
    )
    return "gates (rollout.gates)" if held else ""


def _part(of: dict[str, Any], name: str) -> dict[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}
