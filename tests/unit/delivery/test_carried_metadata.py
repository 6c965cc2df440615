"""What others read on the user's route and Service is on the overlay and aliases; no tool takes these for its own."""

from __future__ import annotations

import pytest

from earlystop.api.wire import CARRIED_ANNOTATION
from earlystop.delivery.alias_service import mirror_digest
from earlystop.delivery.drift import matches_desired
from earlystop.delivery.gateway_header import render
from earlystop.delivery.golden_rules import is_golden
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.routes.carried_metadata import (
    CARRIED_BY_ALIASES,
    NOT_CARRIED,
    aliased_annotations,
    carried_annotations,
    carried_labels,
    carries_the_same,
    updated_metadata,
)
from tests.unit.delivery.cluster import SHARE, header, inputs, overlay_in, prefix, route, rule, service, split
from tests.unit.every_row import every_row

READ_BY_GATEWAYS = {
    "external-dns.alpha.kubernetes.io/target": "lb.example.com",
    "external-dns.alpha.kubernetes.io/controller": "none",
    "konghq.com/plugins": "key-auth",
    "cert-manager.io/cluster-issuer": "letsencrypt",
    "example.com/owner": "team-a",
}
OF_TOOLS = {
    "argocd.argoproj.io/tracking-id": "qa:gateway.networking.k8s.io/HTTPRoute:llm/qa",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "helm.toolkit.fluxcd.io/name": "qa",
    "meta.helm.sh/release-name": "qa",
    "helm.sh/hook": "post-install",
    "objectset.rio.cattle.io/hash": "0123",
    "kapp.k14s.io/app": "1",
    "app.kubernetes.io/instance": "qa",
    "app.kubernetes.io/managed-by": "Helm",
    "applyset.kubernetes.io/part-of": "x",
    "earlystop.dev/policy": "forged",
    "gethomepage.dev/enabled": "true",
}


def annotated(**parts: dict[str, str]) -> ClusterInputs:
    users = route(rule(prefix("/v1"), name="chat"))
    users["metadata"] |= parts
    return inputs(route=users)


def overlay(here: ClusterInputs) -> Manifest:
    return overlay_in(render(here, SHARE))


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_what_gateways_and_dns_read_on_the_route_is_on_the_overlay_and_what_tools_own_is_not(field: str) -> None:
    found = overlay(annotated(**{field: READ_BY_GATEWAYS | OF_TOOLS}))["metadata"]
    own = overlay(annotated())["metadata"]
    assert found[field].items() >= READ_BY_GATEWAYS.items()
    assert set(found[field]) - set(own.get(field, {})) - {CARRIED_ANNOTATION} == set(READ_BY_GATEWAYS)
    assert found["labels"].items() >= own["labels"].items()


@every_row("key", NOT_CARRIED)
def test_no_row_of_the_table_lets_its_keys_through(key: str) -> None:
    written = [key] if "/" in key else [key, f"{key}/x", f"sub.{key}/x"]
    assert carried_labels(dict.fromkeys(written[-2:], "x")) == {}
    assert NOT_CARRIED[key]


@pytest.mark.parametrize("key", ["my-argoproj.io/x", "team", "argoproj.io.example.com/x", "app.kubernetes.io/name"])
def test_keys_that_only_look_alike_are_carried(key: str) -> None:
    assert carried_labels({key: "x"}) == carried_annotations({key: "x"}) == {key: "x"}


def test_a_route_without_labels_and_annotations_gives_an_overlay_as_before() -> None:
    assert "annotations" not in overlay(inputs())["metadata"]


def test_an_alias_has_what_gateways_read_on_the_service_and_nothing_by_which_it_is_scraped_or_published() -> None:
    users = service()
    kept = {each if "/" in each else f"{each}/x": "1" for each in CARRIED_BY_ALIASES}
    left = {
        "prometheus.io/scrape": "true",
        "external-dns.alpha.kubernetes.io/hostname": "qa.example.com",
        "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
        "cloud.google.com/neg-status": "{}",
        "ingress.kubernetes.io/force-ssl-redirect": "true",
    }
    users["metadata"]["annotations"] = kept | left
    alias = render(inputs(services={"qa": users}), SHARE).objects[0]
    assert alias["metadata"]["annotations"] == kept | {CARRIED_ANNOTATION: ",".join(sorted(kept))}
    assert "prometheus" not in alias["metadata"]["labels"]
    assert aliased_annotations(left) == {}


def test_an_alias_is_led_by_the_meshs_own_proxy_as_the_users_service_is() -> None:
    """Policies of a waypoint hold for Services with its label: an alias without it would be led past them."""
    users = service()
    by_mesh = {
        "istio.io/use-waypoint": "guard",
        "istio.io/use-waypoint-namespace": "edge",
        "istio.io/ingress-use-waypoint": "true",
        "kuma.io/mesh": "default",
    }
    users["metadata"]["labels"] |= {**by_mesh, "istio.io/rev": "1-24"}
    alias = render(inputs(services={"qa": users}), SHARE).objects[0]
    labels = alias["metadata"]["labels"]
    assert {key: labels.get(key) for key in by_mesh} == by_mesh
    assert not {"istio.io/rev", "prometheus"} & labels.keys()
    assert mirror_digest(users) == mirror_digest(alias) != mirror_digest(service())
    without = render(inputs(services={"qa": service()}), SHARE).objects[0]
    assert not matches_desired(alias, without) and not matches_desired(without, alias)
    assert not by_mesh.keys() & updated_metadata(alias["metadata"], without["metadata"])["labels"].keys()


def test_an_annotation_that_the_user_takes_off_goes_from_the_overlay_and_what_others_added_stays() -> None:
    carried = {"konghq.com/plugins": "key-auth", "example.com/a": "1"}
    before = overlay(annotated(annotations=carried, labels={"auth": "jwt"}))
    before["metadata"]["annotations"]["added.example.com/by"] = "somebody"
    after = overlay(annotated(annotations={"example.com/a": "1"}))
    assert not matches_desired(before, after)
    merged = updated_metadata(before["metadata"], after["metadata"])
    left = {"added.example.com/by": "somebody"}
    assert merged["annotations"] == {**left, "example.com/a": "1", CARRIED_ANNOTATION: "example.com/a"}
    assert "auth" not in merged["labels"] and carries_the_same(merged, after["metadata"])
    nothing = updated_metadata(merged, overlay(annotated())["metadata"])
    assert nothing["annotations"] == left


def test_a_rules_name_is_on_the_overlays_rule_for_its_users_and_on_no_other() -> None:
    two = [rule(prefix("/a"), name="first"), rule(prefix("/b"), name="second")]
    names = [each.get("name") for each in overlay(inputs(*two))["spec"]["rules"]]
    assert sorted(filter(None, names)) == ["first", "second"]
    last = overlay(annotated())["spec"]["rules"][-1]
    assert last["name"] == "chat" and last["matches"][0]["path"]["value"] == "/v1/chat/completions"
    assert len(last["matches"][0].get("headers", [])) == 0


def test_a_golden_header_brings_no_request_past_what_another_rule_does_with_it() -> None:
    paid = rule(prefix("/v1", headers=[header("x-paid", "1")]), timeouts={"request": "9s"})
    rules = overlay_in(render(inputs(rule(prefix("/v1")), paid), split(20, 30)))["spec"]["rules"]
    golden = [is_golden(each) for each in rules]
    assert golden == sorted(golden) and any(golden)
