"""`audit` shows a row for each thing that was done to a policy, and who did it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from earlystop.cli.audit import LONGEST_TOLD
from earlystop.cli.main import app
from tests.unit.cli.api_server import answering
from tests.unit.metrics.source.faulty_server import Handler
from tests.unit.rollout.record.chains import chain_of


@pytest.mark.slow
def test_verdicts_and_events_stand_in_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = {"kind": "EarlyStopPolicy", "namespace": "llm", "name": "qa"}
    event = {
        "metadata": {"name": "qa.1", "namespace": "llm"},
        "involvedObject": about,
        "reason": "Suspended",
        "message": "Asked for by user alice: Suspended.",
        "lastTimestamp": "2020-01-01T00:00:00Z",
    }
    foreign = {**event, "involvedObject": {**about, "kind": "Pod"}}
    said = {"type": "Counted", "status": "False", "reason": "ByAuthor", "message": "Ask somebody else."}
    approval: dict[str, Any] = {
        "metadata": {"name": "qa-1", "namespace": "llm", "creationTimestamp": "2020-01-01T00:00:01Z"},
        "spec": {"policy": "qa", "answer": "Approve", "by": "carol", "decisionDigest": "sha256:0f"},
        "status": {"conditions": [said]},
    }
    other = {**approval, "spec": {**approval["spec"], "policy": "other"}}
    items = {"earlystopverdicts": chain_of(2), "events": [event, foreign], "earlystopapprovals": [approval, other]}

    def answer(handler: Handler) -> None:
        last = handler.path.split("?")[0].rpartition("/")[2]
        handler.reply(200, json.dumps({"items": items.get(last, []), "metadata": {}}).encode())

    with answering(answer, tmp_path, monkeypatch):
        shown = CliRunner().invoke(app, ["audit", "qa"], env={"COLUMNS": "300"})
        rows = json.loads(CliRunner().invoke(app, ["audit", "-A", "-o", "json"]).output)
        whole = CliRunner().invoke(app, ["audit", "qa"]).output.splitlines()
        nobody = CliRunner().invoke(app, ["audit", "other"])
    assert shown.exit_code == 0, shown.output
    assert "Suspended" in shown.output and "user alice" in shown.output and "llm/qa" in shown.output
    assert whole == [each.rstrip() for each in whole] and min(map(len, whole)) < max(map(len, whole)) / 2
    assert [each["what"] for each in rows] == ["Suspended", "Approve", "Promote", "Promote"]
    assert rows[-1]["told"] in shown.output and len(rows[-1]["told"]) > LONGEST_TOLD, "a pipe has all of it"
    assert "ByAuthor: Ask somebody else." in rows[1]["told"] and rows[1]["who"] == "user carol"
    assert nobody.exit_code == 1 and "no policy and no verdict other" in nobody.output


def test_of_a_namespace_with_thousands_of_events_those_about_policies_are_asked_for_in_large_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(handler: Handler) -> None:
        address = urlsplit(handler.path)
        if address.path.endswith("/events"):
            asked.append(parse_qs(address.query))
        items = chain_of(1) if address.path.endswith("/earlystopverdicts") else []
        handler.reply(200, json.dumps({"items": items, "metadata": {}}).encode())

    with answering(answer, tmp_path, monkeypatch):
        done = CliRunner().invoke(app, ["audit", "qa", "-n", "llm"])
    assert done.exit_code == 0, done.output
    assert asked == [{"limit": ["500"], "fieldSelector": ["involvedObject.kind=EarlyStopPolicy"]}]
