"""Why a mode with a route cannot be used as the policy says: small checks in a row, the first violation wins."""

from __future__ import annotations

from collections.abc import Callable

from earlystop.api.conditions import Refusal
from earlystop.delivery.attachment import route_has_a_gateway, route_is_accepted, route_is_the_users
from earlystop.delivery.gateway_limits import excess
from earlystop.delivery.gateways import unfit_for_overlays
from earlystop.delivery.inputs import ClusterInputs, Manifest, TrafficSplit, controller_of
from earlystop.delivery.modes import mode_of
from earlystop.delivery.orphans import is_leftover
from earlystop.delivery.route_checks import (
    overlay_can_win,
    route_exists,
    route_reaches_target,
    rules_can_be_overlaid,
)


def preflight(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """The first reason not to touch any traffic, or None. share: what shall be in force, or the most that ever may."""
    for check in CHECKS:
        refusal = check(inputs)
        if refusal is not None:
            return refusal
    mode = mode_of(inputs.spec.delivery)
    refusal = mode.unfit(inputs, split)
    if refusal is not None:
        return refusal
    wanted = mode.render(inputs, split)
    return _too_large(inputs, wanted) or _names_taken(inputs, wanted)


def _target_exists(inputs: ClusterInputs) -> Refusal | None:
    if inputs.deployment is None:
        name = inputs.spec.target_ref.name
        return Refusal(
            "TargetNotFound",
            f"There is no Deployment {name} in namespace {inputs.namespace}. Create it or correct spec.targetRef.name.",
        )
    return None


CHECKS: tuple[Callable[[ClusterInputs], Refusal | None], ...] = (
    _target_exists,
    route_exists,
    route_has_a_gateway,
    route_is_the_users,
    route_is_accepted,
    route_reaches_target,
    rules_can_be_overlaid,
    overlay_can_win,
    unfit_for_overlays,
)


def _too_large(inputs: ClusterInputs, wanted: list[Manifest]) -> Refusal | None:
    for manifest in wanted:
        too_much = excess(manifest["spec"]["rules"]) if manifest["kind"] == "HTTPRoute" else None
        if too_much is not None:
            return Refusal(
                "OverlayTooLarge",
                f"The overlay of HTTPRoute {inputs.route_name} would need {too_much}. Write fewer rules and matches "
                "that lead to the target, fewer candidates, or fewer cohort values.",
            )
    return None


def _names_taken(inputs: ClusterInputs, wanted: list[Manifest]) -> Refusal | None:
    keys = [(manifest["kind"], str(manifest["metadata"]["name"])) for manifest in wanted]
    for key in keys:
        if keys.count(key) > 1:
            return Refusal(
                "NameTaken",
                f"Two variants would share {key[0]} {key[1]}. Write another name for a candidate.",
            )
        refusal = _taken(inputs, *key)
        if refusal is not None:
            return refusal
    return None


def _taken(inputs: ClusterInputs, kind: str, name: str) -> Refusal | None:
    existing = inputs.owned.get((kind, name))
    if existing is None or is_leftover(existing):
        return None
    owner = controller_of(existing)
    if owner is None:
        return Refusal("NameTaken", f"{kind} {name} exists and was made by someone else. Remove or rename it.")
    if owner.get("uid") == inputs.uid:
        return None
    if owner["kind"] == "EarlyStopPolicy":
        return Refusal(
            "NameTaken",
            f"{kind} {name} belongs to EarlyStopPolicy {owner['name']}. It goes when that policy is gone; "
            "this one is then taken up by itself.",
        )
    return Refusal(
        "NameTaken", f"{kind} {name} exists and belongs to {owner['kind']} {owner['name']}. Remove or rename it."
    )
