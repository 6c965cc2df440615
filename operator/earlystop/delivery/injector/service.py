"""Mode RequestBody with `split: Injector` and no route: clients use a Service of the operator's, which leads to the
injector while a variant beside the baseline gets requests, and straight to the engine at any other time.

So nobody gets 503 where no injector is ready, and a rollback takes as long as a change of a Service's endpoints. A
connection that a client keeps open to an injector lives on; it gets the baseline once that injector has read the
weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.by_backend import summary as by_weights
from earlystop.delivery.injector import weights as injector_weights
from earlystop.delivery.injector.objects import Upstream, drawing_settings, injector_service, selector
from earlystop.delivery.injector.readiness import injector_unready
from earlystop.delivery.injector.upstream import injector_refusal, service_refusal
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.names import injector_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.overlay import selects
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.proof import Reports
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.routes.attached_policies import policies_cover_aliases
from earlystop.delivery.split import TrafficSplit


def objects_needed(inputs: ClusterInputs) -> Iterable[ObjectKey]:
    """The Service that leads to the engine, which the mode has to read."""
    return [ObjectKey("Service", inputs.namespace, _upstream(inputs).service)]


def owned_names(inputs: ClusterInputs, _: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own."""
    return injector_weights.owned(inputs)


def check(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no injector can stand before the Service, None when one can."""
    refused = injector_refusal(inputs) or injector_weights.shadow_refusal(split)
    if refused is not None:
        return refused
    name, port, _ = _upstream(inputs)
    service = inputs.services.get(name)
    if service is None:
        return _unfit(f"There is no Service {name} in namespace {inputs.namespace}", "Create it, or name another one")
    if not selects(service, inputs.deployment):
        target = inputs.spec.target_ref.name
        return _unfit(f"Service {name} does not select the Pods of Deployment {target}", "Name one that does")
    if _port(service, port) is None:
        return _unfit(f"Service {name} has no port {port}", "Name a port of it")
    return service_refusal(service, port) or policies_cover_aliases(inputs, [(name, injector_name(inputs.policy))])


def _unfit(what: str, advice: str) -> Refusal:
    return Refusal("UpstreamUnfit", f"{what}, and an injector needs it for requestBody.serviceRef. {advice}.")


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The weights and the injector first, then the Service that clients use."""
    deployment, *beside = injector_weights.processes(inputs, _upstream(inputs))
    prerequisites = (injector_weights.weights(inputs, split), deployment, *beside)
    service = _to_injector(inputs)
    if not split.gives_others:
        service = {**service, "spec": _to_engine(inputs, inputs.services[_upstream(inputs).service])}
    told = ""
    if _own_service(inputs) is not None:
        told = f"Clients are served by Service {service['metadata']['name']}, which goes with this policy."
    unready = injector_unready(inputs, deployment, led=serves_users(inputs))
    return Rendered((*prerequisites, service), service, unready, left_to_do=told)


def serves_users(inputs: ClusterInputs) -> bool:
    """Whether the Service is found, and leads to the injector."""
    found = _own_service(inputs)
    return found is not None and found["spec"].get("selector") == selector(inputs)


def probe_only(_: ClusterInputs, __: TrafficSplit) -> None:
    """No request can be told from a client's on its way to a Service, so nothing is asked before users."""


def retrial(_: ClusterInputs, __: TrafficSplit) -> None:
    """Nothing: as before users, no request can be told from a client's, so none is tried after they were taken off."""


def has_split(_: Manifest, __: Delivery, ___: TrafficSplit) -> bool:
    """No object of a watched kind is the mode's."""
    return True


def baseline_only(inputs: ClusterInputs) -> list[Manifest]:
    """The Service that is found, leading to the engine, and the weights with the baseline for everybody, for clients
    that keep a connection to an injector.

    Where the Service before the engine is gone, or selects no Pods any more, there is nothing to lead to.
    """
    found, users = _own_service(inputs), inputs.services.get(_upstream(inputs).service)
    if found is None:
        return []
    weights = injector_weights.on_baseline(inputs)
    if users is None or not (users.get("spec") or {}).get("selector"):
        return weights
    return [{"kind": "Service", **found, "spec": {**found["spec"], **_to_engine(inputs, users)}}, *weights]


def detached(inputs: ClusterInputs) -> list[Manifest]:
    """What `baseline_only` gives, which is the way without an injector."""
    return baseline_only(inputs)


def proof(inputs: ClusterInputs, split: TrafficSplit, _: Rendered) -> Reports:
    """The split is proven by what each of the injector's Pods says of itself."""
    return injector_weights.proof(inputs, split)


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    return by_weights(split)


def _upstream(inputs: ClusterInputs) -> Upstream:
    named = drawing_settings(inputs).service_ref
    assert named is not None  # the CRD demands one of it and a route
    return Upstream(named.name, named.port)


def _own_service(inputs: ClusterInputs) -> Manifest | None:
    return inputs.own("Service", injector_name(inputs.policy))


def _to_injector(inputs: ClusterInputs) -> Manifest:
    """Clients know its name, so it goes with the policy at once: else they would be led to Pods that are let go."""
    service = injector_service(inputs, _upstream(inputs))
    return {**service, "metadata": owned_metadata(inputs, injector_name(inputs.policy))}


def _to_engine(inputs: ClusterInputs, users: Manifest) -> dict[str, Any]:
    """The spec of the same Service with the Pods, and their port, of the user's Service before the engine."""
    spec, number = _to_injector(inputs)["spec"], _upstream(inputs).port
    (port,) = spec["ports"]
    behind = (_port(users, number) or {}).get("targetPort", number)
    return {**spec, "selector": dict(users["spec"]["selector"]), "ports": [{**port, "targetPort": behind}]}


def _port(service: Manifest, number: int) -> dict[str, Any] | None:
    ports = (service.get("spec") or {}).get("ports") or []
    return next((each for each in ports if each.get("port") == number), None)
