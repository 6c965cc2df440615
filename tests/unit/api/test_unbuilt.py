"""What is not built is refused by the API server, by the operator and in `kubectl explain`, from one table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.crds import definitions
from earlystop.api.modes import MODES, ModeTraits, built_modes
from earlystop.api.policy import PolicySpec
from earlystop.api.presets import usable_presets
from earlystop.api.schema import structural_schema
from earlystop.api.searches import SEARCHES
from earlystop.api.strategies import STRATEGIES
from earlystop.api.unbuilt import UnbuiltPart, refusing, unbuilt_parts

PARTS = {".".join(part.path): part for part in unbuilt_parts()}
(SPEC,) = (
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for crd in definitions().values()
    if crd["spec"]["names"]["kind"] == "EarlyStopPolicy"
)


def node_at(path: tuple[str, ...]) -> dict[str, Any]:
    node: dict[str, Any] = SPEC
    for name in path:
        node = node["properties"][name]
    return node


def descriptions(node: dict[str, Any]) -> Iterator[str]:
    yield from [node["description"]] if "description" in node else []
    for child in (*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])):
        yield from descriptions(child)


@pytest.mark.parametrize("path", PARTS)
def test_the_crd_carries_a_rule_for_each_part(path: str) -> None:
    assert PARTS[path].rule in node_at(PARTS[path].path)["x-kubernetes-validations"]


@pytest.mark.parametrize("path", PARTS)
def test_no_enum_and_no_description_offers_what_is_refused(path: str) -> None:
    part, node = PARTS[path], node_at(PARTS[path].path)
    assert "enum" not in node
    if part.built:
        assert f"takes {', '.join(part.built)}." in node["description"]
    else:
        assert all(text.startswith("Not built yet, and refused:") for text in descriptions(node))


@pytest.mark.parametrize("path", [path for path, part in PARTS.items() if part.built])
def test_every_value_of_the_kinds_is_built_or_refused(path: str) -> None:
    part = PARTS[path]
    node = structural_schema(PolicySpec)
    for name in part.path:
        node = node["properties"][name]
    assert set(part.built) <= set(node["enum"])
    for value in node["enum"]:
        spec: dict[str, Any] = {part.path[-1]: value}
        for name in reversed(part.path[:-1]):
            spec = {name: spec}
        assert (part.refuses(spec) is None) == (value in part.built)


def test_a_mode_is_taken_as_soon_as_its_row_names_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODES, "Workload", ModeTraits(module="earlystop.delivery.shadow", own_pods=True))
    parts = {part.path: part for part in unbuilt_parts()}
    assert parts["delivery", "mode"].refuses({"delivery": {"mode": "Workload"}}) is None
    assert parts["metrics", "preset"].refuses({"metrics": {"preset": "VLLM"}}) is None


def test_a_spec_without_the_field_asks_for_nothing() -> None:
    part = UnbuiltPart(path=("a", "b"), message="a.b is not built yet.")
    assert part.refuses({}) is None and part.refuses({"a": None}) is None and part.refuses({"a": {"c": 1}}) is None
    assert part.refuses({"a": {"b": {}}}) == "a.b is not built yet."


@pytest.mark.slow
def test_refusing_leaves_the_schema_that_it_was_given_alone() -> None:
    schema = structural_schema(PolicySpec)
    refusing(schema)
    assert schema == structural_schema(PolicySpec)


def test_the_readme_names_what_is_not_built_and_nothing_that_is() -> None:
    page = (Path(__file__).parents[3] / "README.md").read_text()
    section = page.split("## What it does not do yet\n")[1].split("\n## ")[0]
    missing = {path.split(".")[0] for path, part in PARTS.items() if "not built yet" in part.message}
    assert missing == set(re.findall(r"`spec\.(\w+)", section))
    built = {*SEARCHES, *STRATEGIES, *built_modes(), *usable_presets()}
    assert not built & set(re.findall(r"\w+", section))
