"""YAML is read as kubectl reads it: what would be applied is what is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.files.documents import read_documents
from earlystop.cli.files.yaml_values import SAFE_LOADER, ManifestLoader, as_yaml
from earlystop.cli.main import app
from tests.cluster.objects import changed, policy
from tests.unit.every_row import every_row

TEXTS = (
    "2026-01-01",
    "2026-01-01T10:00:00Z",
    "2026-1-1 10:00:00",
    "1:30",
    "190:20:30",
    "1:30.5",
    "=",
    "1e",
    ".",
    "0x",
    "0b_",
    "1e400",
    "yy",
    "12345e6789",
    "0891234567",
)
NUMBERS: dict[str, float] = {
    "40": 40,
    "-3": -3,
    "+4": 4,
    "010": 8,
    "0x1F": 31,
    "0b11": 3,
    "1_000": 1000,
    "1.5e-3": 0.0015,
    ".5": 0.5,
    "5.": 5.0,
    "-1.5": -1.5,
    "-.5": -0.5,
    "+.5": 0.5,
    "1e3": 1000.0,
    "1E3": 1000.0,
    "1e-3": 0.001,
    "5e-05": 0.00005,
    "1.5e3": 1500.0,
    "0o10": 8,
    "-0O7": -7,
    "0X1f": 31,
    "08": 8.0,
    "1__0": 10,
}
LETTERS = {"y": True, "Y": True, "n": False, "N": False, "yes": True, "No": False, "on": True, "OFF": False}


@every_row("written", TEXTS)
def test_text_that_other_readers_take_for_a_date_or_a_number_stays_as_it_was_written(written: str) -> None:
    assert yaml.load(f"a: {written}", ManifestLoader) == {"a": written}


@every_row("written", NUMBERS)
def test_numbers_are_numbers(written: str) -> None:
    found = yaml.load(f"a: {written}", ManifestLoader)["a"]
    assert (found, type(found)) == (NUMBERS[written], type(NUMBERS[written]))


@every_row("written", LETTERS)
def test_words_that_stand_for_true_and_false_are_these_as_to_kubectl(written: str) -> None:
    assert yaml.load(f"a: {written}", ManifestLoader)["a"] is LETTERS[written]


@every_row("written", (*TEXTS, "yes", "0123456789", "00", "-", "~", "1_0", "1234e56", "1E234567"))
def test_text_that_the_library_writes_as_a_digest_is_read_as_that_text(written: str) -> None:
    assert yaml.load(yaml.safe_dump({"a": written}), ManifestLoader) == {"a": written}


@pytest.mark.parametrize("written", [".inf", "-.Inf", "+.INF", ".nan", "!!int x", "!!float x"])
def test_a_number_that_json_has_not_is_refused_where_it_stands(written: str, tmp_path: Path) -> None:
    said = refused(tmp_path / "a.yaml", f"kind: EarlyStopPolicy\nspec:\n  x: {written}\n")
    assert "line 3, column 6: " in said and " is no " in said


def test_a_number_with_an_exponent_is_the_number_that_kubectl_would_apply(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    for written in ("9e3", "9.e3", "0.9e+4"):
        file.write_text(with_unquoted("spec.rollout.deadlineSeconds", written))
        assert CliRunner().invoke(app, ["validate", str(file)]).exit_code == 0, written


@every_row("text", (*NUMBERS, *LETTERS, "~", "null", "12345e6789", "0891234567", "1_0", "2026-01-01"))
def test_text_that_a_command_writes_is_that_text_to_whoever_reads_it(text: str) -> None:
    assert as_yaml({"a": text}) == f"a: '{text}'\n"
    assert yaml.load(as_yaml({"a": text}), ManifestLoader) == {"a": text}


def test_it_builds_plain_values_alone() -> None:
    assert issubclass(ManifestLoader, SAFE_LOADER)
    assert {"date", "datetime"}.isdisjoint(type(each).__name__ for each in yaml.load("[2026-01-01]", ManifestLoader))


def refused(file: Path, text: str, command: str = "validate") -> str:
    """What a command says about a file that it refuses, in one line."""
    file.write_text(text)
    ended = CliRunner().invoke(app, [command, str(file)])
    assert ended.exit_code == 1, ended.output
    return " ".join(ended.output.split())


@pytest.mark.parametrize("tag", ["binary aGk=", "set {a}", "omap [a: 1]", "pairs [a: 1]", "timestamp 2026-01-01"])
@pytest.mark.parametrize("command", ["validate", "plan", "verify"])
def test_what_json_cannot_hold_is_refused_where_it_stands(command: str, tag: str, tmp_path: Path) -> None:
    said = refused(tmp_path / "a.yaml", f"kind: EarlyStopPolicy\nspec:\n  x: !!{tag}\n", command)
    assert f"line 3, column 6: !!{tag.split()[0]} is in no manifest; write text, in quotes." in said


def with_unquoted(field: str, written: str) -> str:
    """A policy in YAML with a value that stands there without quotes."""
    manifest: dict[str, Any] = changed(policy(), field, "UNQUOTED")
    return json.dumps(manifest).replace('"UNQUOTED"', written).replace("{", "{ ")


def test_a_date_for_a_name_is_that_name_and_none_for_a_number(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(with_unquoted("spec.metrics.sourceRef.name", "2026-01-01"))
    assert read_documents(file)[0]["spec"]["metrics"]["sourceRef"]["name"] == "2026-01-01"
    assert CliRunner().invoke(app, ["validate", str(file)]).exit_code == 0
    said = refused(file, with_unquoted("spec.rollout.deadlineSeconds", "1:30:00"))
    assert "spec.rollout.deadlineSeconds: " in said
