"""Query classes with settings of their own that cannot work are refused, with a sentence that says what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from earlystop.cli.files.offline_check import problems_of

EXAMPLE = Path(__file__).parents[3] / "manifests" / "examples" / "class-map.yaml"
LOOKUP = {"name": "lookup", "margin": "0.02", "match": {"header": "x-query-class", "value": "lookup"}}
PROOF = {"name": "proof", "margin": "0.02", "match": {"header": "x-query-class", "value": "proof"}}
LIVE = {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}, "headerPrefix": "x-stop-"}}
STEPS = {"steps": [{"weight": 10}], "strategy": "ABTest"}


def _with_match(**match: str) -> dict[str, Any]:
    return {"objective": {"queryClasses": [{**LOOKUP, "match": {**LOOKUP["match"], **match}}, PROOF]}}  # type: ignore[dict-item]


def _search(strategy: str, *values: str) -> dict[str, Any]:
    return {"strategy": strategy, "parameters": [{"name": "window", "values": list(values)}]}


def _example(changes: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    for part, fields in changes.items():
        written["spec"][part] = {**written["spec"][part], **fields} if part in ("objective", "baseline") else fields
    written["spec"] = {part: fields for part, fields in written["spec"].items() if fields is not None}
    return written


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"objective": {"queryClasses": []}}, "perClass gives each query class a setting of its own; write queryClasses"),
    ({"objective": {"queryClasses": [{"name": "a", "margin": "0.02"}]}}, "write queryClasses, each with match"),
    ({"objective": {"perClass": False}}, "queryClasses: match leads requests of a class to its setting"),
    ({"objective": {"requireEach": True}}, "requireEach asks for one candidate that is proven in every class"),
    (_with_match(value="proof"), "two classes have the same match"),
    (_with_match(header="X-QUERY-CLASS", value="proof"), "two classes have the same match"),
    (_with_match(header="Host"), "match.header Host belongs to the connection or the body"),
    (_with_match(header="X-Early-Stop-Variant"), "is one of the headers that the overlay sets itself"),
    (
        {**_with_match(header="x-stop-class"), "delivery": LIVE, "rollout": STEPS},
        "begins with the policy's headerPrefix",
    ),
    ({"delivery": LIVE, "rollout": {**STEPS, "strategy": "Canary"}}, "leads no query class to a setting of its own"),
    ({"delivery": LIVE, "rollout": {**STEPS, "shadowSeconds": 60}}, "remove rollout.shadowSeconds"),
    (
        {"delivery": {"mode": "ConfigMap", "configMap": {"name": "es", "key": "s"}}, "rollout": STEPS},
        "leads no query class to a setting of its own; write delivery.mode Shadow",
    ),
    (
        {
            "delivery": {"mode": "RequestBody", "requestBody": {"engine": "VLLM", "routeRef": {"name": "qwen"}}},
            "rollout": STEPS,
        },
        "there a setting for each class cannot be had, and one for each effort can (operator/docs/effort-map.md)",
    ),
    ({"candidates": [{"name": "a", "values": [{"name": "window", "value": "9"}]}]}, "write at least two"),
    (
        {
            "candidates": [{"name": f"w{n}", "values": [{"name": "window", "value": str(n)}]} for n in range(1, 11)],
            "objective": {
                "queryClasses": [
                    {"name": f"c{n}", "margin": "0.02", "match": {"header": "x-query-class", "value": str(n)}}
                    for n in range(5)
                ]
            },
        },
        "there is room for 48 of them",
    ),
    (
        {"candidates": None, "search": _search("Ladder", "10", "5")},
        "only settings that are judged beside each other can be chosen among for each class; write strategy Grid",
    ),
    (
        {
            "candidates": None,
            "search": _search("Grid", "10", "5"),
            "delivery": LIVE,
            "rollout": {"steps": [{"weight": 9}]},
        },
        "write strategy Grid and mode Shadow, or candidates instead of search",
    ),
    ({"candidates": None, "search": _search("Grid", "10")}, "the search has just one; let it try at least two"),
    (
        {"candidates": None, "search": _search("Grid", *map(str, range(1, 26)))},
        "there is room for 48 of them; write at most 24 settings, or fewer classes",
    ),
    (
        {"baseline": {"pinned": {"values": [{"name": "window", "value": "40"}]}}},
        "objective.perClass proves settings for each class",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_cannot_work_is_refused_with_what_to_write(changes: dict[str, Any], sentence: str) -> None:
    problems = problems_of(_example(changes))
    assert any(sentence in each for each in problems), problems


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"delivery": LIVE, "rollout": STEPS},
        {"candidates": None, "search": _search("Grid", *map(str, range(1, 25)))},
    ],
    ids=["Shadow", "ABTest", "Grid"],
)
def test_what_can_work_is_taken(changes: dict[str, Any]) -> None:
    assert problems_of(_example(changes)) == []
