"""The file for routers holds the map that a verdict proves, and nothing else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.class_map import class_map
from earlystop.cli.main import app
from earlystop.rollout.search.verdict_chain import Link
from earlystop.rollout.verdict import digest_of, verdict_object
from tests.unit.rollout.classes import EASY_AND_HARD, IN_SHADOW, Truth, decided
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.record.chains import resealed
from tests.unit.rollout.several import BAD, GOOD

NOTHING_FOR_PROOFS: Truth = {"lookup": (GOOD, GOOD, GOOD), "proof": (BAD, BAD, BAD)}


@cache
def _written(*, proofs: bool) -> str:
    truth = EASY_AND_HARD if proofs else NOTHING_FOR_PROOFS
    return json.dumps(verdict_object("qa", "llm", UID, decided(IN_SHADOW, started(IN_SHADOW), truth)))


def verdict(*, proofs: bool = True) -> dict[str, Any]:
    """proofs: whether something is proven for them."""
    found: dict[str, Any] = json.loads(_written(proofs=proofs))
    return found


def test_each_class_has_the_values_that_are_proven_for_it_and_how_its_requests_are_told() -> None:
    found = class_map("qa", [verdict()])
    assert found is not None and found.baseline == {"window": "40", "patience": "2.5"}
    lookup, proof = found.classes
    assert (lookup.header, lookup.value, lookup.candidate, lookup.values["window"]) == (
        "x-query-class",
        "lookup",
        "w1",
        "1",
    )
    assert (proof.value, proof.candidate, proof.values["window"]) == ("proof", "w10", "10")


def test_a_class_without_proof_keeps_the_baseline_and_its_place_before_others() -> None:
    found = class_map("qa", [verdict(proofs=False)])
    assert found is not None and [each.name for each in found.classes] == ["lookup", "proof"]
    proof = found.classes[1]
    assert (proof.candidate, proof.values, proof.effect) == ("baseline", found.baseline, "")


def test_a_map_that_a_person_took_back_is_no_map() -> None:
    aborted = verdict()
    aborted["metadata"]["name"] += "-2"
    aborted["spec"] |= {"reason": "Aborted", "decision": "RollBack", "requestedBy": "alice"}
    assert class_map("qa", [verdict(), aborted]) is None


def test_a_verdict_that_was_changed_or_is_about_another_policy_proves_no_map() -> None:
    forged = verdict()
    forged["spec"]["classMap"][1]["candidate"] = "w1"
    assert class_map("qa", [forged]) is None and class_map("other", [verdict()]) is None


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_the_file_can_be_read_by_a_router(tmp_path: Path, form: str) -> None:
    path = tmp_path / "verdicts.yaml"
    path.write_text(yaml.safe_dump(verdict()))
    shown = CliRunner().invoke(app, ["class-map", "qa", "-f", str(path), "-o", form])
    assert shown.exit_code == 0, shown.output
    read = yaml.safe_load(shown.output)  # JSON is YAML
    assert [each["name"] for each in read["classes"]] == ["lookup", "proof"] and read["verdict"].startswith("qa-")
    assert (json.loads(shown.output) if form == "json" else read) == read


def test_where_nothing_is_proven_the_command_says_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.yaml"
    path.write_text(yaml.safe_dump(verdict()))
    shown = CliRunner().invoke(app, ["class-map", "other", "-f", str(path)], env={"COLUMNS": "300"})
    assert shown.exit_code == 1


def test_what_is_no_verdict_or_one_of_another_release_about_another_policy_stops_no_export() -> None:
    strange: list[dict[str, Any]] = [
        {},
        {"spec": None},
        {"metadata": {"name": "x"}, "spec": {"policy": "other", "looks": "none"}},
    ]
    assert class_map("qa", [*strange, verdict()]) == class_map("qa", [verdict()]) is not None


def test_a_verdict_that_stands_on_no_chain_proves_no_map() -> None:
    gone = "sha256:" + "0" * 64
    alone, forged = resealed(verdict(), previous=gone), verdict()
    assert class_map("qa", [alone]) is None
    uid = alone["spec"]["policyUid"]
    assert class_map("qa", [alone], [Link(uid, "qa-old", gone, "", True)]) is not None, "retention removed that one"
    forged["metadata"]["name"] += "-forged"
    assert class_map("qa", [verdict(), forged]) is None  # nobody knows which of two first ones the operator made


def test_a_later_campaign_that_ended_otherwise_is_told_beside_the_file(tmp_path: Path) -> None:
    first, later = verdict(), verdict()
    later["spec"] |= {"reason": "Harm", "decision": "RollBack", "at": "2100-01-01T00:00:00Z", "revision": "f" * 10}
    later["spec"]["previous"] = first["spec"]["digest"]
    later["spec"]["digest"] = digest_of(later["spec"])
    later["metadata"]["name"] = "qa-later"
    path = tmp_path / "verdicts.yaml"
    path.write_text(yaml.safe_dump_all([first, later]))
    shown = CliRunner().invoke(app, ["class-map", "qa", "-f", str(path)])
    assert shown.exit_code == 0, shown.output
    assert yaml.safe_load(shown.stdout)["verdict"] == first["metadata"]["name"]
    assert "ended with the verdict qa-later (RollBack, Harm)" in shown.stderr
    path.write_text(yaml.safe_dump(first))
    assert CliRunner().invoke(app, ["class-map", "qa", "-f", str(path)]).stderr == ""
