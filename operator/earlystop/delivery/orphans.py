"""What a deleted policy leaves behind, and how it goes: handed to garbage collection, never deleted by the operator.

An alias Service outlives its policy on purpose (`gateway_header` says why), and so does an injector's Deployment, to
which aliases lead. An overlay does when its policy was deleted with `--cascade=orphan`. Each is handed over by naming
the policy that is gone as its only owner. An alias of a policy that lives goes in the same way where it can never
mirror its Service again: its owner is a policy that never was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from earlystop.api.wire import API_VERSION, MANAGED_BY_LABEL, MANAGER, POLICY_LABEL, POLICY_UID_LABEL
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.ownership import controller_of

OWNER = "EarlyStopPolicy"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The nil UUID of RFC 9562, which no object has."""


def is_leftover(manifest: Manifest) -> bool:
    """Whether an object was the operator's and belongs to no policy any more, so that another one may take it."""
    return bool(policy_of(manifest)) and controller_of(manifest) is None


def policy_of(manifest: Manifest) -> str:
    """UID of the policy that an object of the operator was made for, "" when it was not made by the operator.

    Anybody may write labels on their own objects. One that lacks any of the three that the operator writes, or has an
    empty one, was not made by it.
    """
    labels = manifest["metadata"].get("labels") or {}
    complete = labels.get(MANAGED_BY_LABEL) == MANAGER and labels.get(POLICY_LABEL)
    return str(labels.get(POLICY_UID_LABEL, "")) if complete else ""


def made_by_operator(manifest: Manifest) -> bool:
    """Whether an object with the operator's labels is not one that somebody else makes of such an object, with copies
    of its labels: as Envoy AI Gateway makes an HTTPRoute of each AIGatewayRoute."""
    owner = controller_of(manifest)
    return owner is None or owner.get("kind", OWNER) == OWNER


def orphaned_overlays(overlays: Iterable[Manifest], living: Collection[str]) -> list[Manifest]:
    """Overlays that route requests although the policy with that UID is gone. living: UIDs of all policies."""
    return [each for each in overlays if policy_of(each) and policy_of(each) not in living]


def unused_aliases(
    services: Iterable[Manifest], overlays: Iterable[Manifest], living: Collection[str]
) -> list[Manifest]:
    """Alias Services of policies that are gone, to which no overlay leads."""
    used = _backends(overlays)
    return [
        each
        for each in services
        if policy_of(each)
        and policy_of(each) not in living
        and (each["metadata"]["namespace"], each["metadata"]["name"]) not in used
    ]


def _backends(routes: Iterable[Manifest]) -> set[tuple[str, str]]:
    return {
        (route["metadata"]["namespace"], backend["name"])
        for route in routes
        for rule in route["spec"].get("rules") or []
        for backend in rule.get("backendRefs") or []
    }


def field_manager(uid: str) -> str:
    """The name under which the operator writes fields of users' objects for the policy with this UID."""
    return f"{MANAGER}-{uid}"


def unserved(objects: Iterable[Manifest], overlays: Iterable[Manifest], living: Collection[str]) -> list[Manifest]:
    """Of policies that are gone, of which no overlay is left either: Deployments of injectors and of candidates, and
    what a gateway has of the operator's."""
    served = {policy_of(each) for each in overlays}
    return [each for each in objects if (uid := policy_of(each)) and uid not in living and uid not in served]


def led_to(overlays: Iterable[Manifest]) -> set[tuple[str, str]]:
    """Namespaces and names of the Services to which overlays lead that are attached to a Gateway."""
    return _backends(each for each in overlays if each["spec"].get("parentRefs"))


def let_go(manifest: Manifest, owner_uid: str = "") -> Manifest:
    """The object with a policy that is gone as its only owner: garbage collection then removes it. owner_uid: of that
    policy, "" for the one that the object was made for."""
    owner = {
        "apiVersion": API_VERSION,
        "kind": OWNER,
        "name": manifest["metadata"]["labels"][POLICY_LABEL],
        "uid": owner_uid or policy_of(manifest),
    }
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [owner]}}
