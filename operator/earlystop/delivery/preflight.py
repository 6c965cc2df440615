"""Why a policy's traffic cannot be delivered as it says: its target, what its mode asks for, and names in use."""

from __future__ import annotations

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.modes import mode_of
from earlystop.delivery.orphans import is_leftover
from earlystop.delivery.ownership import controller_of, is_part
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.split import TrafficSplit


def preflight(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """The first reason not to touch any traffic, or None. split: what shall be in force, or the most that ever may."""
    found = rendered_or_refusal(inputs, split)
    return found if isinstance(found, Refusal) else None


def rendered_or_refusal(inputs: ClusterInputs, split: TrafficSplit) -> Rendered | Refusal:
    """What the mode renders for a split that passes preflight, else the first reason why it does not."""
    mode = mode_of(inputs.spec.delivery)
    refusal = _target_refusal(inputs) or mode.check(inputs, split)
    if refusal is not None:
        return refusal
    rendered = mode.render(inputs, split)
    return _name_refusal(inputs, rendered) or rendered


def _target_refusal(inputs: ClusterInputs) -> Refusal | None:
    if inputs.deployment is None:
        name = inputs.spec.target_ref.name
        return Refusal(
            "TargetNotFound",
            f"There is no Deployment {name} in namespace {inputs.namespace}. Create it or correct spec.targetRef.name.",
        )
    return None


def _name_refusal(inputs: ClusterInputs, rendered: Rendered) -> Refusal | None:
    own = [each for each in rendered.objects if not is_part(each)]
    keys = [(manifest["kind"], str(manifest["metadata"]["name"])) for manifest in own]
    for key in keys:
        if keys.count(key) > 1:
            return Refusal(
                "NameTaken",
                f"Two variants would share {key[0]} {key[1]}. Write another name for a candidate.",
            )
        refusal = _taken_by_another(inputs, *key)
        if refusal is not None:
            return refusal
    return None


def _taken_by_another(inputs: ClusterInputs, kind: str, name: str) -> Refusal | None:
    existing = inputs.own(kind, name)
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
