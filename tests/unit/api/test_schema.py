"""The CRDs are structural, bounded, and carry what a typed kind cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from earlystop.api.conditions import ConditionType
from earlystop.api.crds import definitions
from earlystop.api.policy import PolicySpec
from earlystop.api.schema import KEPT, structural_schema
from earlystop.api.values import Value
from tests.unit.rollout.policies import written

ALLOWED = {*KEPT, "properties", "items", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
DEFINITIONS = list(definitions().values())
ROOTS = [crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in DEFINITIONS]


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")


ALL = [
    (crd["spec"]["names"]["kind"] + path, node)
    for crd, root in zip(DEFINITIONS, ROOTS, strict=True)
    for path, node in nodes(root)
]


def test_every_field_has_one_type_and_nothing_that_a_structural_schema_forbids() -> None:
    for path, node in ALL:
        assert isinstance(node["type"], str), path
        assert node.keys() <= ALLOWED, path


def test_every_list_and_every_text_has_a_bound() -> None:
    for path, node in ALL:
        if path.count(".") < 2:
            continue
        if node["type"] == "array":
            assert "maxItems" in node, path
        if node["type"] == "string":
            assert {"maxLength", "enum", "format"} & node.keys(), path


def test_nothing_below_a_list_has_a_default() -> None:
    """A client compares a list with the one in its file as a whole: an item that the API server filled in differs."""
    assert [path for path, node in ALL if "[]" in path and "default" in node] == []


def test_what_the_schema_leaves_out_below_a_list_is_supplied_by_the_model() -> None:
    assert (
        PolicySpec.model_validate(written({"rollout": {"steps": [{"weight": 5}]}})).rollout.steps[0].minimum_seconds
        == 0
    )


def test_no_rule_reads_an_optional_field_of_a_list_item_without_asking_for_it() -> None:
    """What has no default may be absent, and CEL fails where it is read then."""
    items = [(path, node) for path, node in ALL if path.endswith("[]")]
    for path, node in items:
        items_of = path.split(".")[-1].removesuffix("[]")
        ranging = re.compile(rf"\b{re.escape(items_of)}\.(?:all|exists|exists_one|map|filter)\((\w+),")
        for name in node.get("properties", {}).keys() - set(node.get("required", [])):
            for holder in (each for where, each in ALL if path.startswith(where)):
                for rule in holder.get("x-kubernetes-validations", []):
                    reading = set(re.findall(rf"(?<![.\w])(?!self\b)(\w+)\.{name}\b", rule["rule"]))
                    reading &= set(ranging.findall(rule["rule"]))
                    assert reading <= set(re.findall(rf"has\((\w+)\.{name}\)", rule["rule"])), (path, name, rule)


def test_every_list_that_is_merged_by_keys_may_be_left_out_or_is_never_empty() -> None:
    """A server-side apply that empties such a list takes it out, with its parent where nothing else is in that."""
    missing = [
        path
        for path, node in ALL
        for name in set(node.get("required", [])) & node.get("properties", {}).keys()
        if (child := node["properties"][name]).get("x-kubernetes-list-type") == "map" and not child.get("minItems")
    ]
    assert missing == []


def test_no_field_is_a_float() -> None:
    assert {node["type"] for _, node in ALL} == {"object", "array", "string", "integer", "boolean"}


def test_every_field_that_people_meet_is_described() -> None:
    bare = [path for path, node in ALL if path.count(".") >= 2 and path[-2:] != "[]" and "description" not in node]
    assert bare == []


def test_fields_are_written_in_camel_case() -> None:
    for _, node in ALL:
        for name in node.get("properties", {}):
            assert name[0].islower() and "_" not in name and name.isalnum()


def test_every_kind_has_a_short_name_of_its_own() -> None:
    shorts = [name for crd in DEFINITIONS for name in crd["spec"]["names"]["shortNames"]]
    assert len(shorts) == len(set(shorts)) == len(DEFINITIONS)


def test_a_policy_is_not_ready_before_the_operator_has_seen_it() -> None:
    (policy,) = (
        root for crd, root in zip(DEFINITIONS, ROOTS, strict=True) if crd["spec"]["names"]["kind"] == "EarlyStopPolicy"
    )
    (condition,) = policy["properties"]["status"]["default"]["conditions"]
    assert (condition["type"], condition["status"]) == (ConditionType.READY, "Unknown")


def test_a_verdict_carries_the_rule_that_forbids_to_change_it() -> None:
    (verdict,) = (
        root for crd, root in zip(DEFINITIONS, ROOTS, strict=True) if crd["spec"]["names"]["kind"] == "EarlyStopVerdict"
    )
    assert any(rule["rule"] == "self == oldSelf" for rule in verdict["properties"]["spec"]["x-kubernetes-validations"])


class Unbounded(Value):
    text: str


class Endless(Value):
    numbers: tuple[int, ...]


class Torn(Value):
    either: Annotated[str, Field(max_length=3)] | int


@pytest.mark.parametrize(("kind", "told"), [(Unbounded, "maxLength"), (Endless, "maxItems")])
def test_a_kind_without_bounds_is_refused_with_the_field_that_lacks_one(kind: type[Value], told: str) -> None:
    with pytest.raises(ValueError, match=f"{kind.__name__}.*{told}"):
        structural_schema(kind)


def test_a_field_of_two_types_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        structural_schema(Torn)
