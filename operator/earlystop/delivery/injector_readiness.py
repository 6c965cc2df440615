"""Whether an injector's Pods are ready for the requests that an overlay leads to them."""

from __future__ import annotations

from earlystop.delivery.drift import matches_desired
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.rendered import Shortage
from earlystop.delivery.route_mode import serves_users


def injector_shortage(inputs: ClusterInputs, desired: Manifest) -> Shortage | None:
    """What the injector lacks, None where users may be led through it. desired: its Deployment as it shall be.

    Before that every Pod has the settings of the Deployment as it is, and two are ready, or all if there is but one.
    While users are led through it, one ready Pod serves them.
    """
    name, wanted = desired["metadata"]["name"], int(desired["spec"]["replicas"])
    observed = inputs.own("Deployment", name)
    status = (observed or {}).get("status") or {}
    ready, led = int(status.get("readyReplicas") or 0), serves_users(inputs)
    needed = 1 if led else min(2, wanted)
    if ready >= needed and observed is not None and _is_rolled_out(observed, desired):
        return None
    missing = "is not there yet" if observed is None else f"has {ready} ready of {wanted} Pods"
    change = "" if ready < needed else ", and some of them are not as they shall be yet"
    where = "" if led and ready else " All requests go by your own route until then."
    message = (
        f"The injector, Deployment {name}, {missing}{change}.{where} Where that stays so, look at its Pods: they are "
        "ready once they reach the Service of the engine."
    )
    return Shortage("InjectorNotReady", message, serves_as_before=ready > 0)


def _is_rolled_out(observed: Manifest, desired: Manifest) -> bool:
    """Whether every Pod was made of the Deployment as it shall be."""
    status, metadata = observed.get("status") or {}, observed["metadata"]
    seen = int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0)
    only_new = int(status.get("updatedReplicas") or 0) == int(status.get("replicas") or 0)
    return seen and only_new and matches_desired(observed, desired)
