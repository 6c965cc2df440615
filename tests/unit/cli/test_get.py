"""`get` has a line for every policy, whatever is in it, and the objects themselves for programs."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from earlystop.cli.main import app
from earlystop.cli.overview import HEADINGS, WIDE, line, overview
from tests.unit.cli.api_server import answering, api_with
from tests.unit.cli.shown_policies import policy_in, text_of

OBSERVING = policy_in("observing claims")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def named(name: str, namespace: str = "llm") -> dict[str, Any]:
    made = deepcopy(OBSERVING)
    made["metadata"] |= {"name": name, "namespace": namespace}
    return made


@pytest.mark.slow
def test_every_policy_is_one_line_by_namespace_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with api_with([named("b"), named("a"), named("c", "first")], tmp_path, monkeypatch):
        for words in (("get", "-A"), ("list", "-A")):
            heading, *lines = run(*words).stdout.splitlines()
            assert [each.split()[:2] for each in lines] == [["first", "c"], ["llm", "a"], ["llm", "b"]]
            assert all(word in heading for word in HEADINGS) and "LOG E" not in heading
            assert "1 in " in lines[0] and "1/1" in lines[0]


def test_a_line_says_evidence_as_it_is_now_and_what_it_was_at_best_as_the_screen_does() -> None:
    policy = named("a")
    policy["status"]["evidence"] |= {
        "logE": {"promote": "1.609", "harm": "0.000", "tokens": "1.000"},
        "largestLogE": {"promote": "2.303", "harm": "1.946", "tokens": "1.000"},
    }
    said = "keeps EM 1 in 4.9 (was 1 in 10), harm no sign (was 1 in 7)"
    assert said in line(policy)
    assert "1 in 4.9 (was 1 in 10)" in text_of(overview([policy]), 500)
    policy["status"]["evidence"]["largestLogE"] = policy["status"]["evidence"]["logE"]
    assert "keeps EM 1 in 4.9, harm no sign," in line(policy)


def test_wide_has_the_logarithms_that_words_are_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with api_with([named("a")], tmp_path, monkeypatch):
        heading, line_ = run("get", "-o", "wide").stdout.splitlines()
    assert all(word in heading for word in WIDE)
    assert OBSERVING["status"]["evidence"]["logE"]["promote"] in line_


@pytest.mark.slow
@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_get_the_objects_themselves(
    form: str, read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_with([named("a"), named("b")], tmp_path, monkeypatch):
        listed, single = read(run("get", "-o", form).stdout), read(run("get", "a", "-o", form).stdout)
    assert listed["kind"] == "List" and listed["items"] == [named("a"), named("b")]
    assert single == named("a")


def test_one_name_gives_one_line_and_none_of_other_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with api_with([named("a"), named("b")], tmp_path, monkeypatch):
        assert len(run("get", "b").stdout.splitlines()) == 2
        refused = run("get", "b", "-A")
    assert refused.exit_code == 2 and "write --namespace" in refused.stderr


@pytest.mark.slow
def test_where_there_is_none_it_says_in_which_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with api_with([], tmp_path, monkeypatch):
        assert run("get").stdout == "There are no policies in namespace llm.\n"
        assert run("get", "-A").stdout == "There are no policies.\n"


WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["phase", "progress", "weight", "evidence", "counts", "conditions", "search", "decision"])


@pytest.mark.slow
@settings(max_examples=40)
@given(st.dictionaries(FIELDS, WHATEVER) | WHATEVER)
def test_a_status_that_nobody_wrote_is_a_line_all_the_same(status: Any) -> None:
    policy = {"metadata": {"name": "qa", "namespace": "llm"}, "spec": {}, "status": status}
    assert "qa" in line(policy)
    assert "qa" in text_of(overview([policy], wide=True), 500)


BROKEN: dict[str, dict[str, Any]] = {
    "a status that is a number": {"status": 5},
    "no spec": {"spec": None},
    "an empty spec": {"spec": {}},
    "an unknown phase": {"status": {**policy_in("promoted")["status"], "phase": "Sleeping"}},
    "looks that are none": {"status": {**policy_in("promoted")["status"], "looks": "x"}},
    "candidates that are a text": {"status": {**policy_in("promoted")["status"], "candidates": "x"}},
}


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["status", "explain", "wait", "get"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_object_is_told_in_a_sentence(
    verb: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {**policy_in("promoted"), **BROKEN[kind]}
    words = [verb, "qa", *(["--timeout", "1"] if verb == "wait" else ())]
    with answering(lambda handler: handler.reply(200, json.dumps(policy).encode()), tmp_path, monkeypatch):
        result = run(*words)
    assert result.exit_code in (0, 1) and isinstance(result.exception, SystemExit | None), result.exception
    assert "nobody foresaw" not in result.output
