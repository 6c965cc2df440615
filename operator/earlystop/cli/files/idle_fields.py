"""Fields of a policy that can do nothing beside others of it, which an API server takes all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from earlystop.api.modes import MODES

ASKS_ALWAYS = ("BeforePromotion", "Always")
"""Modes of `spec.approval` in which each promotion waits for people."""

ALL_AT_ONCE = ("Grid", "Bandit")
"""Strategies of `spec.search` that try all settings in one campaign."""


def idle_notes(manifest: dict[str, Any]) -> Iterator[str]:
    """A sentence for each field that does nothing beside others; none where the parts are of another form."""
    spec = _part(manifest, "spec")
    yield from _approval_notes(_part(spec, "approval"))
    yield from _rollout_notes(spec)
    yield from _search_notes(spec)
    yield from _guard_notes(spec)
    yield from _delivery_notes(spec)


def _delivery_notes(spec: dict[str, Any]) -> Iterator[str]:
    """Paths that stand for no others."""
    paths = _part(spec, "delivery").get("paths")
    for path in paths if isinstance(paths, list) else []:
        if isinstance(path, str) and "*" in path:
            yield (
                f"spec.delivery.paths: {path} is that one path, whose star stands for nothing else; write each path "
                "of the server, as /v1/chat/completions, or remove it."
            )


def _approval_notes(approval: dict[str, Any]) -> Iterator[str]:
    """What nobody who is asked for nothing needs."""
    if approval.get("mode", "Never") != "Never":
        return
    for name in ("expiresSeconds", "notByAuthor"):
        if approval.get(name):
            yield (
                f"spec.approval.{name}: it does nothing with approval.mode Never; write mode: BeforePromotion, or "
                f"remove {name}."
            )


def _rollout_notes(spec: dict[str, Any]) -> Iterator[str]:
    rollout, exact = _part(spec, "rollout"), _part(_part(spec, "objective"), "exactMatch")
    if rollout.get("learnSeconds") and exact.get("assumeIndependent") is True:
        yield (
            "spec.rollout.learnSeconds: exactMatch.assumeIndependent takes answers as independent, so nothing that is "
            "learned is used and the rollout only takes longer; remove one of the two."
        )
    questions = _part(exact, "questions")
    if questions.get("number") is not None and questions.get("about", "File") == "File":
        yield (
            "spec.objective.exactMatch.questions.number: a verdict about the file does not depend on how many "
            "questions there are; write about: Population, or remove number."
        )
    generated = _part(spec, "savings").get("shadows") == "Generated"
    mode = _part(spec, "delivery").get("mode")
    in_shadow = isinstance(mode, str) and mode in MODES and not MODES[mode].moves_traffic
    if generated and not in_shadow and not rollout.get("shadowSeconds"):
        yield (
            "spec.savings.shadows: this policy has no shadows, whose tokens it could book; write rollout.shadowSeconds "
            "or delivery.mode Shadow, or remove it."
        )


def _search_notes(spec: dict[str, Any]) -> Iterator[str]:
    search = _part(spec, "search")
    if not search:
        return
    if "failureBudget" in search and search.get("strategy") in ALL_AT_ONCE:
        yield (
            f"spec.search.failureBudget: {search['strategy']} tries all settings in one campaign, in which any number "
            "may fail; remove it."
        )
    if _part(spec, "rollout").get("onInconclusive") == "Hold" and search.get("strategy") not in ALL_AT_ONCE:
        yield (
            "spec.rollout.onInconclusive: a search goes on after a trial without a verdict, so Hold holds nothing; "
            "remove it."
        )


def _guard_notes(spec: dict[str, Any]) -> Iterator[str]:
    """Fields of the guard that consent makes idle."""
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
