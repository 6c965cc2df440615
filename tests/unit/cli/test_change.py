"""`diff` changes in a policy's file what a promotion has changed, and nothing else of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.change import certified_values, changed, dumped, why_nothing
from earlystop.cli.failure import CommandFailure
from earlystop.cli.main import app
from tests.unit.cli.api_server import api_with

Manifest = dict[str, Any]
EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"
TWO = (EXAMPLES / "ab-test.yaml").read_text()
ONE = (EXAMPLES / "policy.yaml").read_text()
TEN = {"window": "10"}


def name_in(text: str) -> str:
    found = [each for each in yaml.safe_load_all(text) if each and each["kind"] == "EarlyStopPolicy"]
    return str(found[0]["metadata"]["name"])


def lines_of(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went, and lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [each for each in old if each not in new], [each for each in new if each not in old]


def test_the_baseline_becomes_what_was_proven_and_the_candidate_that_was_goes() -> None:
    after, notes = changed(TWO, name_in(TWO), TEN)
    spec = next(each for each in yaml.safe_load_all(after) if each["kind"] == "EarlyStopPolicy")["spec"]
    assert spec["baseline"]["values"] == [{"name": "window", "value": "10"}]
    assert "w10" not in {each["name"] for each in spec["candidates"]} and notes == []
    gone, new = lines_of(TWO, after)
    assert new == [] or new == ['        value: "10"'], new
    assert all("#" not in each for each in gone), "comments stay"


def test_of_a_single_candidate_the_next_one_is_asked_for() -> None:
    after, notes = changed(ONE, "qa", TEN)
    assert "write the next one to try" in notes[0] and "a candidate equals the baseline" in notes[1]
    assert sum(one != other for one, other in zip(ONE.splitlines(), after.splitlines(), strict=True)) == 1


def test_the_change_made_once_is_not_made_again() -> None:
    after, _ = changed(TWO, name_in(TWO), TEN)
    assert changed(after, name_in(TWO), TEN) == (after, [])
    spelled = TWO.replace('value: "40"', 'value: "40.0"')
    assert changed(spelled, name_in(TWO), {"window": "40"}) == (spelled, [])


@pytest.mark.parametrize(
    "values", ["values: []", "values: [{name: low, value: '3'}]", "values:\n    - {name: low, value: '3'}"]
)
def test_a_parameter_that_the_baseline_left_to_clients_is_added_in_the_way_the_list_is_written(values: str) -> None:
    text = (
        "# first\nkind: EarlyStopPolicy\nmetadata: {name: qa}\nspec:\n  baseline:\n    "
        + values
        + " # kept\n  # after\n  suspend: false\n"
    )
    wanted = {"low": "3", "high": "9"} if "low" in values else {"high": "9"}
    after, _ = changed(text, "qa", wanted)
    spec = yaml.safe_load(after)["spec"]
    assert {each["name"]: each["value"] for each in spec["baseline"]["values"]} == wanted
    assert all(each in after for each in ("# first", "# kept", "# after")) and spec["suspend"] is False


def test_another_document_of_the_file_stays_as_it_is() -> None:
    text = f"# one\nkind: ConfigMap\nmetadata: {{name: qa}}\n---\n{TWO}"
    after, _ = changed(text, name_in(TWO), TEN)
    assert after.startswith("# one\nkind: ConfigMap\nmetadata: {name: qa}\n---\n")


@pytest.mark.parametrize("metadata", ["", "metadata:\n", "metadata: qa\n", "metadata: {namespace: llm}\n"])
def test_a_policy_of_the_file_that_has_no_name_yet_stays_as_it_is(metadata: str) -> None:
    other = f"kind: EarlyStopPolicy\n{metadata}---\n"
    after, _ = changed(other + ONE, "qa", TEN)
    assert after == other + changed(ONE, "qa", TEN)[0]


def test_a_candidate_that_takes_over_the_new_baseline_is_told() -> None:
    text = TWO.replace("- name: w5\n", "- name: other\n      values: []\n    - name: w5\n")
    _, notes = changed(text, name_in(TWO), TEN)
    assert notes, "what the API server refuses is told"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('value: "40"', 'value: &shared "40"\n  suspend: *shared'),
        ("    values:\n      - name: window", "    values: &list\n      - name: other"),
        ("kind: EarlyStopPolicy", "kind: Other"),
    ],
)
def test_a_file_that_cannot_be_changed_in_place_is_refused_in_a_sentence(old: str, new: str) -> None:
    text = ONE.replace(old, new, 1)
    assert text != ONE
    with pytest.raises(CommandFailure, match=r"by hand|The file holds no EarlyStopPolicy"):
        changed(text, "qa", TEN)


def live(**status: Any) -> Manifest:
    manifest: Manifest = next(each for each in yaml.safe_load_all(TWO) if each["kind"] == "EarlyStopPolicy")
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": "llm"}, "status": status}


@pytest.mark.slow
def test_without_a_file_the_policy_of_the_cluster_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = live(
        phase="Promoted", certified={"values": [{"name": "window", "value": "10"}], "at": "2030-01-01T00:00:00Z"}
    )
    name = policy["metadata"]["name"]
    with api_with([policy], tmp_path, monkeypatch):
        shown = CliRunner().invoke(app, ["diff", name, "-n", "llm"])
        path = tmp_path / "policy.yaml"
        path.write_text(TWO)
        of_file = CliRunner().invoke(app, ["diff", name, "-n", "llm", "-f", str(path)])
    for found in (shown, of_file):
        assert found.exit_code == 0, found.output
        assert "--- a/" in found.output and "\n-" in found.output and "w10" in found.output
    assert f"+++ b{path}" in of_file.output  # as Git names an absolute path


def test_what_is_not_proven_is_not_committed() -> None:
    assert certified_values(live(phase="Observing")) is None
    assert "Observing" in why_nothing(live(phase="Observing"))
    by_person = live(phase="Promoted", decision={"reason": "PromotedByPerson"})
    assert certified_values(by_person) is None and "proves nothing" in why_nothing(by_person)
    assert yaml.safe_load(dumped(live()))["spec"] == live()["spec"]


def test_after_a_rollback_it_is_not_said_that_nothing_was_proven() -> None:
    said = why_nothing(live(phase="RolledBack", decision={"reason": "Aborted"}))
    assert "rolled back (Aborted)" in said and "kubectl get esv" in said and "nothing was proven" not in said
