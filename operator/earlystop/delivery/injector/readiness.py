"""Whether an injector's Pods are ready for the requests that an overlay leads to them."""

from __future__ import annotations

from earlystop.api.plurals import counted
from earlystop.delivery.drift import matches_desired
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.refused_pods import refused_pods
from earlystop.delivery.rendered import Unready


def injector_unready(inputs: ClusterInputs, desired: Manifest, *, led: bool) -> Unready | None:
    """What the injector lacks, None where users may be led through it.

    desired: its Deployment as it shall be. led: whether users are led through it.

    Before that every Pod has the settings of the Deployment as it is, and two are ready, or all if there is but one.
    While users are led through it, one ready Pod serves them.
    """
    name, wanted = desired["metadata"]["name"], int(desired["spec"]["replicas"])
    observed = inputs.own("Deployment", name)
    status = (observed or {}).get("status") or {}
    ready = int(status.get("readyReplicas") or 0)
    needed = 1 if led else min(2, wanted)
    if ready >= needed and observed is not None and _is_rolled_out(observed, desired):
        return None
    missing = "is not there yet" if observed is None else f"has {ready} ready of {counted(wanted, 'Pod')}"
    change = "" if ready < needed else ", and some of them are not as they shall be yet"
    way = "by your own route" if inputs.spec.delivery.route_ref is not None else "straight to the engine"
    where = "" if led and ready else f" All requests go {way} until then."
    help_ = refused_pods(name, status) or (
        "Where that stays so, look at its Pods: they are ready once they reach the Service of the engine."
    )
    message = f"The injector, Deployment {name}, {missing}{change}.{where} {help_}"
    return Unready("InjectorNotReady", message, serves_nobody=ready == 0, needs_help=True, leads_all=True)


def _is_rolled_out(observed: Manifest, desired: Manifest) -> bool:
    """Whether every Pod was made of the Deployment as it shall be."""
    status, metadata = observed.get("status") or {}, observed["metadata"]
    seen = int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0)
    only_new = int(status.get("updatedReplicas") or 0) == int(status.get("replicas") or 0)
    return seen and only_new and matches_desired(observed, desired)
