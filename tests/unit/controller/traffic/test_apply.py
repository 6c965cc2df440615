"""Whether an object in the cluster is as it should be: what the server adds is not held against it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.delivery.drift import _covers, matches_desired
from earlystop.delivery.gateway_header import render
from tests.unit.delivery.cluster import SHARE, exact, header, inputs, rule
from tests.unit.rollout.policies import examples

ALIAS, OVERLAY = render(inputs(rule(exact("/ask", headers=[header("x-model", "qa")]))), SHARE).objects

scalars = st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.none())
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
    max_leaves=8,
)


def as_stored(wanted: dict[str, Any]) -> dict[str, Any]:
    """As the API server gives it back: with defaults and a history."""
    stored = copy.deepcopy(wanted)
    stored["metadata"] |= {"uid": "u", "resourceVersion": "7", "managedFields": [{"manager": "x"}]}
    stored["metadata"]["labels"]["added"] = "by-a-webhook"
    if stored["kind"] == "Service":
        stored["spec"] |= {"clusterIP": "10.0.0.9", "sessionAffinity": "None", "ipFamilies": ["IPv4"]}
    stored["status"] = {"parents": []}
    return stored


@pytest.mark.slow
@examples
@given(documents)
def test_a_document_covers_itself(document: Any) -> None:
    assert _covers(document, copy.deepcopy(document))


@pytest.mark.slow
@examples
@given(st.dictionaries(st.text(max_size=2), documents, max_size=3), st.text(min_size=3), documents)
def test_a_field_that_was_added_is_covered_and_one_that_is_missing_is_not(
    document: dict[str, Any], name: str, value: Any
) -> None:
    assert _covers({**document, name: value}, document)
    assert not _covers(document, {**document, name: value})


@pytest.mark.slow
@examples
@given(st.lists(documents, max_size=3), documents)
def test_a_list_must_have_just_the_wanted_entries(document: list[Any], more: Any) -> None:
    assert not _covers([*document, more], document)
    assert not _covers(document, [*document, more])


def test_an_object_that_is_not_there_is_not_as_wanted() -> None:
    assert not matches_desired(None, OVERLAY)


@pytest.mark.parametrize("wanted", [ALIAS, OVERLAY], ids=["alias", "overlay"])
def test_what_the_server_adds_is_not_taken_for_a_foreign_edit(wanted: dict[str, Any]) -> None:
    assert matches_desired(as_stored(wanted), wanted)


def edited(wanted: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    stored = as_stored(wanted)
    node: Any = stored
    for key in path[:-1]:
        node = node[key]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return stored


FIRST = ("spec", "rules", 0)
EDITS: dict[str, tuple[dict[str, Any], tuple[str | int, ...], Any]] = {
    "a weight": (OVERLAY, (*FIRST, "backendRefs", 1, "weight"), 99),
    "a header's value": (OVERLAY, (*FIRST, "matches", 0, "headers", 0, "value"), "other"),
    "one more condition": (OVERLAY, (*FIRST, "matches", 0, "queryParams"), [header("a", "b")]),
    "one more filter": (OVERLAY, (*FIRST, "filters"), [{"type": "RequestMirror"}]),
    "a timeout": (OVERLAY, (*FIRST, "timeouts"), {"request": "1s"}),
    "a rule less": (OVERLAY, ("spec", "rules", 1), ...),
    "one more rule": (OVERLAY, ("spec", "rules"), [*OVERLAY["spec"]["rules"], {}]),
    "a gateway": (OVERLAY, ("spec", "parentRefs", 0, "name"), "other"),
    "a host": (OVERLAY, ("spec", "hostnames"), ["evil.example.com"]),
    "the owner": (OVERLAY, ("metadata", "ownerReferences"), []),
    "the overlay's label": (OVERLAY, ("metadata", "labels", "app.kubernetes.io/managed-by"), "me"),
    "the alias's selector": (ALIAS, ("spec", "selector", "app"), "other"),
    "the alias's port": (ALIAS, ("spec", "ports", 0, "targetPort"), 9),
    "one more port": (ALIAS, ("spec", "ports"), [*ALIAS["spec"]["ports"], {"port": 9}]),
    "the alias's type": (ALIAS, ("spec", "type"), "LoadBalancer"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_foreign_edit_of_what_matters_is_found(name: str) -> None:
    wanted, path, value = EDITS[name]
    assert not matches_desired(edited(wanted, path, value), wanted)
