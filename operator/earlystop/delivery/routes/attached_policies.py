"""Policies of others that hang on the user's route, on one of its rules, or on its Service.

An overlay is another route, and an alias another Service: what protects the user's objects by their name would not
protect these. So each such policy must name the overlay and the aliases as well, or the early-stop policy is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.injector.inner_route import leads_to_pool
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import inner_route_name, overlay_name
from earlystop.delivery.overlay import target_rules
from earlystop.delivery.routes.carried_metadata import carried_labels
from earlystop.delivery.routes.served_hosts import GATEWAY_API, service_place

SELECTORS = ("targetSelector", "targetSelectors")
REFERENCES = ("targetRef", "targetRefs", "targetReference")


def policies_cover_overlay(inputs: ClusterInputs) -> Refusal | None:
    """A refusal that names a policy which holds for the user's route, and not for all of the overlay."""
    unreadable = _unreadable(inputs)
    if unreadable is not None:
        return unreadable
    assert inputs.route is not None  # checked before
    name, own = inputs.route_name, [overlay_name(inputs.policy)]
    # By the inner route, whoever knows its mark comes to the same servers.
    own += [inner_route_name(inputs.policy)] if leads_to_pool(inputs) else []
    labels = inputs.route["metadata"].get("labels") or {}
    for policy in inputs.neighbours.policies:
        references = list(_references(policy, GATEWAY_API, "HTTPRoute", inputs.namespace))
        named = any(each["name"] == name and _is_overlaid(each.get("sectionName"), inputs) for each in references)
        whole = {each["name"] for each in references if "sectionName" not in each}
        covered = whole >= set(own)
        if named and not covered:
            missing = [each for each in own if each not in whole]
            return _hangs_on(policy, f"HTTPRoute {name}", _name_also(GATEWAY_API, "HTTPRoute", missing))
        selectors = _selecting(policy, GATEWAY_API, "HTTPRoute", labels)
        if not covered and any(not _selects(each, carried_labels(labels)) for each in selectors):
            advice = "Select it by a label that the overlay carries, too, which those of deployment tools are not."
            return _hangs_on(policy, f"HTTPRoute {name}", advice)
    return None


def policies_cover_aliases(inputs: ClusterInputs, aliases: Sequence[tuple[str, str]]) -> Refusal | None:
    """A refusal that names a policy which holds for a Service of the user's, and not for each of its aliases.

    aliases: names of a Service and of an alias of it.
    """
    for service in dict.fromkeys(service for service, _ in aliases if service in inputs.services):
        doubles = [alias for each, alias in aliases if each == service]
        labels = inputs.services[service]["metadata"].get("labels") or {}
        led = _led_by_mesh(inputs, service, doubles)
        if led is not None:
            return led
        for policy in inputs.neighbours.policies:
            named = {each["name"] for each in _references(policy, "", "Service", inputs.namespace)}
            missing = [alias for alias in doubles if alias not in named]
            if service in named and missing:
                return _hangs_on(policy, f"Service {service}", _name_also("", "Service", missing))
            if missing and any(_selecting(policy, "", "Service", labels)):
                return _hangs_on(policy, f"Service {service}", _name_also("", "Service", missing))
            if _is_for_host(policy, service, inputs.namespace):
                advice = "Write its host as a wildcard that takes in the aliases, or use delivery.mode Shadow."
                return _hangs_on(policy, f"Service {service}", advice)
    return None


def _led_by_mesh(inputs: ClusterInputs, service: str, doubles: Sequence[str]) -> Refusal | None:
    """A refusal that names another route whose parent is a Service of the user's, and not each of its aliases."""
    own = {inputs.route_name, overlay_name(inputs.policy)}
    wanted = {service_place(inputs.namespace, alias) for alias in doubles}
    for route in inputs.neighbours.mesh_routes:
        kind, namespace, name = route.key
        places = {host.place for host in route.hosts}
        if service_place(inputs.namespace, service) not in places or wanted <= places:
            continue
        if kind == "HTTPRoute" and namespace == inputs.namespace and name in own:
            continue
        return Refusal(
            "RouteHasPolicies",
            f"{kind} {namespace}/{name} leads requests to Service {service} within a mesh, and would not hold for "
            f"requests that the overlay leads to {' and '.join(doubles)}. Write {' and '.join(doubles)} into its "
            "parentRefs as well, or move what it does into the route of the policy.",
        )
    return None


def outline(policy: Manifest) -> Manifest:
    """What has to be known of a policy: its kind, its name, and what it names or selects.

    Kinds of others may let anything be written. What is of another type than it should be names nothing, and narrows
    down nothing that a selector selects.
    """
    metadata, spec = policy["metadata"], policy.get("spec")
    written = spec if isinstance(spec, dict) else {}
    named = {key: [_reference(each) for each in _dicts(written[key])] for key in REFERENCES if key in written}
    selected = {key: [_selector(each) for each in _dicts(written[key])] for key in SELECTORS if key in written}
    return {
        "kind": str(policy.get("kind") or "Policy"),
        "metadata": {key: metadata[key] for key in ("namespace", "name") if key in metadata},
        "spec": {**named, **selected, **_texts(written, ("host",))},
    }


def _reference(written: dict[str, Any]) -> dict[str, Any]:
    return _texts(written, ("group", "kind", "namespace", "name", "sectionName"))


def _selector(written: dict[str, Any]) -> dict[str, Any]:
    labels, expressions = written.get("matchLabels"), _dicts(written.get("matchExpressions"))
    return {
        **_texts(written, ("group", "kind", "namespace")),
        "matchLabels": _texts(labels, labels) if isinstance(labels, dict) else {},
        "matchExpressions": [
            {**_texts(each, ("key", "operator")), "values": [one for one in _list(each.get("values")) if _is_text(one)]}
            for each in expressions
            if _is_text(each.get("key")) and _is_text(each.get("operator"))
        ],
    }


def _texts(written: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: written[name] for name in names if _is_text(written.get(name))}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]


def namespaces_concerned(policy: Manifest) -> frozenset[str]:
    """Namespaces whose objects a policy may attach to: its own, and those that it names."""
    named = [str(each["namespace"]) for each in _entries(policy, (*REFERENCES, *SELECTORS)) if each.get("namespace")]
    host = str((policy.get("spec") or {}).get("host", "")).split(".")
    return frozenset(filter(None, (policy["metadata"].get("namespace", ""), *named, *host[1:2])))


def _unreadable(inputs: ClusterInputs) -> Refusal | None:
    if not inputs.neighbours.unreadable:
        return None
    kinds = ", ".join(inputs.neighbours.unreadable)
    return Refusal(
        "PoliciesUnreadable",
        f"The operator may not list {kinds}, so it cannot tell whether an object of such a kind protects HTTPRoute "
        f"{inputs.route_name}. Ask the cluster's admin to add it to the chart's extraPolicyKinds.",
    )


def _is_overlaid(section: str | None, inputs: ClusterInputs) -> bool:
    """Whether a reference to a rule of the user's route, or to all of it, concerns requests that an overlay takes. A
    name that no rule has may be meant otherwise, and counts."""
    assert inputs.route is not None  # checked before
    names = [rule.get("name") for rule in inputs.route["spec"].get("rules", [])]
    return section not in names or section in [each.rule.get("name") for each in target_rules(inputs)]


def _references(policy: Manifest, group: str, kind: str, namespace: str) -> Iterator[dict[str, Any]]:
    """What a policy names of this kind in a namespace."""
    for reference in _entries(policy, REFERENCES):
        # The older kinds need not say the group, nor Kubernetes' own name "core".
        same_kind = reference.get("kind") == kind and reference.get("group", group).replace("core", "") == group
        where = reference.get("namespace") or policy["metadata"].get("namespace", namespace)
        if same_kind and where == namespace and "name" in reference:
            yield reference


def _selecting(policy: Manifest, group: str, kind: str, labels: dict[str, str]) -> list[dict[str, Any]]:
    """The selectors of a policy that select an object of this kind with these labels."""
    return [
        each
        for each in _entries(policy, SELECTORS)
        if each.get("kind", kind) == kind and each.get("group", group) == group and _selects(each, labels)
    ]


def _entries(policy: Manifest, fields: Iterable[str]) -> Iterator[dict[str, Any]]:
    for field in fields:
        yield from _dicts((policy.get("spec") or {}).get(field))


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector of Kubernetes selects an object with these labels."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(each, labels) for each in selector.get("matchExpressions") or []
    )


def _meets(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return True  # an operator that is not known: the selector may select


def _is_for_host(policy: Manifest, service: str, namespace: str) -> bool:
    """Whether a policy of Istio's is for the host of a Service. A wildcard is for its aliases' hosts as well."""
    host = str((policy.get("spec") or {}).get("host", ""))
    short = [service] if policy["metadata"].get("namespace", namespace) == namespace else []
    qualified = f"{service}.{namespace}"
    return host.rstrip(".") in (*short, qualified, f"{qualified}.svc") or host.startswith(f"{qualified}.svc.")


def _hangs_on(policy: Manifest, target: str, advice: str) -> Refusal:
    metadata = policy["metadata"]
    name = f"{policy.get('kind', 'Policy')} {metadata.get('namespace', '')}/{metadata['name']}"
    return Refusal(
        "RouteHasPolicies",
        f"{name} holds for {target}, and would not hold for requests that the overlay takes. {advice}",
    )


def _name_also(group: str, kind: str, names: Sequence[str]) -> str:
    written = ", ".join(f"{{group: {group or repr('')}, kind: {kind}, name: {name}}}" for name in names)
    return f"Write {written} into its targetRefs as well, without sectionName, or attach it to the Gateway."
