"""Of each field of a policy it is decided whether an editor may weaken it where people are asked, and said why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.protections import PROTECTIONS

ROOT = Path(__file__).parents[3]
RULE = ROOT / "charts/earlystop/templates/approval-terms.yaml"
PAGE = ROOT / "operator/docs/approvals.md"
PROTECTED = frozenset(re.findall(r"\['spec\.([a-zA-Z.]+)'\]", RULE.read_text()))
UNPROTECTED: Mapping[str, str] = {
    "suspend": "a pause keeps everybody where they are",
    "targetRef": "what is tried: the campaign begins anew, and who approves is told of it",
    "candidates": "what is tried",
    "search": "what is tried; each promotion of it is asked for",
    "delivery": "how a setting reaches requests; the campaign begins anew",
    "metrics": "which of the admin's sources is read; the campaign begins anew",
    "objective.tokens": "what must be saved is no harm to anybody",
    "rollout.strategy": "the way to compare; harm is watched for in each",
    "rollout.lookSeconds": "how often counts are read; no risk depends on it",
    "rollout.settleSeconds": "a wait that goes on by itself until answers are in",
    "rollout.deadlineSeconds": "when a campaign ends; what follows then is protected",
    "guard.windowSeconds": "what is shown, and decides nothing",
    "guard.adjust": "serves a more careful setting that was proven, and nothing where people are asked",
    "guard.whenBusy": "serves a more careful setting that was proven",
    "hooks": "who is told; nothing waits for them",
    "savings": "how saved tokens are booked",
}
"""Fields that any editor may change, and why."""


def fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Each field of a spec that holds no others; a list is one field."""
    for name, child in schema.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        yield from fields(child, below) if child.get("properties") else [below]


def within(path: str, names: frozenset[str] | Mapping[str, str]) -> bool:
    """Whether a field is one of these, or a part of one."""
    return any(path == each or path.startswith(f"{each}.") for each in names)


def all_fields() -> list[str]:
    crd = yaml.safe_load((ROOT / "crds/earlystop.dev_earlystoppolicies.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return list(fields(spec))


@pytest.mark.slow
def test_of_every_field_it_is_decided_whether_an_editor_may_weaken_it() -> None:
    found = all_fields()
    undecided = [each for each in found if not within(each, PROTECTED) and not within(each, UNPROTECTED)]
    assert undecided == [], "say in approval-terms.yaml what weakens it, or here why anybody may"
    assert [each for each in UNPROTECTED if not any(within(name, {each: ""}) for name in found)] == []
    # The guard as a whole cannot be taken off, while parts of it that protect nobody may be changed.
    assert {each for each in UNPROTECTED if within(each, PROTECTED - {"guard"})} == set()


def test_each_field_that_is_protected_is_tried_on_a_real_api_server_and_documented() -> None:
    assert {each.field for each in PROTECTIONS} == PROTECTED
    page = PAGE.read_text()
    assert [each for each in sorted(PROTECTED) if f"`{each}`" not in page] == []
