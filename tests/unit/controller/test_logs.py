"""The operator's log, as tools read it."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from earlystop import __version__
from earlystop.controller import main
from earlystop.controller.logs import log_as_json
from earlystop.controller.options import settings_in
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import Quality


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    """The handlers and levels of the process's log, put back after a test."""
    root, kopf = logging.getLogger(), logging.getLogger("kopf")
    before = list(root.handlers), root.level, kopf.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    kopf.setLevel(before[2])


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_time_of_a_line_is_as_rfc_3339_has_it_and_the_moment_of_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_as_json("INFO")
    record = logging.makeLogRecord(
        {"msg": "%s!", "args": ("Hi",), "levelname": "INFO", "levelno": 20, "created": 1_764_283_422.0625}
    )
    logging.getLogger().handle(record)
    (line,) = lines_of(capsys.readouterr().out)
    assert line["time"] == "2025-11-27T22:43:42.062Z" and line["message"] == "Hi!" and line["level"] == "INFO"
    assert datetime.fromisoformat(line["time"]).astimezone(UTC).timestamp() == 1_764_283_422.062


def test_the_first_line_says_the_version_and_every_setting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def operate(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(main, "operate", operate)
    monkeypatch.setenv("EARLYSTOP_PASSWORD", "hunter2")
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    main.run(["--namespace=llm", "--keep-verdicts=64"])
    text = capsys.readouterr().out
    first = lines_of(text)[0]
    assert first["version"] == __version__ and first["settings"] == {
        **vars(settings_in([])),
        "namespace": ["llm"],
        "keep_verdicts": 64,
    }
    assert "hunter2" not in text


async def test_what_is_told_of_a_policy_has_its_reason_revision_and_decision_as_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_as_json("INFO")
    async with World(Quality(exact_match=0.4, mean_tokens=300, requests=40)).open() as world:
        await world.reconcile_until("RolledBack")
        revision = world.status["revision"]
    lines = [each for each in lines_of(capsys.readouterr().out) if each.get("policy") == "llm/qa"]
    told = {each["reason"]: each for each in lines if "reason" in each}
    assert {each["revision"] for each in lines[-3:]} == {revision}
    rolled_back = next(
        each for reason, each in told.items() if each["message"].startswith(reason) and "decision" in each
    )
    assert rolled_back["decision"] == "RollBack" and rolled_back["campaign"] == 1
    assert all(each["message"].startswith(f"{reason}: ") for reason, each in told.items())
    stored = next(each for each in lines if "digest" in each)
    assert (stored["decision"], stored["revision"]) == ("RollBack", revision)
