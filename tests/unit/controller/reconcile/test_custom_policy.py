"""Reconciliations of a policy with the preset Custom, from its creation to its verdict, against an API in memory."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.templates.reset_ledger import ResetLedger
from earlystop.rollout.verify.verdict import differences
from tests.unit.controller.counted_by_templates import RATE, accepted, world
from tests.unit.controller.counts.template_sources import SOURCE, TEMPLATES, Life, steady
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import NOW

UNSCRAPED_SECONDS = 3
"""From the start of a process, at NOW + 62, to its first scrape."""


@pytest.mark.slow
@pytest.mark.parametrize("anew", [False, True])
async def test_it_is_promoted_on_counters_that_restart_and_an_operator_started_anew_counts_the_same(anew: bool) -> None:
    made = world(steady(RATE, ended=NOW + 60), steady(RATE, began=NOW + 62))
    async with made.open():
        for _ in range(200):
            if made.status.get("phase") == "Promoted":
                break
            await made.reconcile()
            if isinstance(made.tracked.ledger, ResetLedger):
                assert made.tracked.ledger.step == 0
            if anew:
                made.tracked = TrackedPolicy.load(made.policy, made.now)
    assert made.status["phase"] == "Promoted"
    assert {variant: each["completed"] for variant, each in made.status["uncertain"].items()} == {
        "baseline": UNSCRAPED_SECONDS * RATE,
        "candidate": UNSCRAPED_SECONDS * RATE,
    }
    (verdict,) = made.verdicts()
    assert differences(verdict["spec"]) == [] and verdict["spec"]["uncertain"] == made.status["uncertain"]
    looks = in_rows(verdict["spec"])["looks"]
    completed = in_rows(verdict["spec"])["columns"].index("candidate.completed")
    assert sum(row[completed] for row in looks) == looks_seconds(made, looks) * RATE


def looks_seconds(made: World, looks: list[list[int]]) -> int:
    """Seconds that the looks cover, without the two in which no process lived, and without those after them until the
    new one was scraped."""
    first = looks[0][0] - made.tracked.spec.rollout.look_seconds
    return looks[-1][0] - first - (2 + UNSCRAPED_SECONDS) * (first < NOW + 60)


@pytest.mark.slow
async def test_what_the_counts_may_have_missed_stands_in_status_and_verdict_and_in_the_decisions_words() -> None:
    late = Life(NOW - 500, NOW + 10**6, steady(RATE).rates, seen_from=NOW + 58, instance="b:1")
    made = world(steady(RATE), late)
    async with made.open():
        await made.reconcile_until("Promoted")
    remainder = made.status["uncertain"]
    assert remainder["baseline"]["completed"] > 0 and remainder["candidate"]["tokens"] > 0
    spec = made.verdicts()[0]["spec"]
    assert spec["uncertain"] == remainder and differences(spec) == []
    assert differences({**spec, "uncertain": {"baseline": {}, "candidate": {}}}) != []
    assert f"{remainder['baseline']['completed']:,} and" in spec["message"] and "could not be placed" in spec["message"]


def source(**templates: str | None) -> SourceSpec:
    written = {name: text for name, text in {**TEMPLATES, **templates}.items() if text is not None}
    return SourceSpec.model_validate({"url": "http://prometheus:9090", "templates": written})


PAIRS = {"objective": {"exactMatch": {"margin": "0.05", "evidence": "Pairs"}}}
RAILS = {"objective": {"guardrails": [{"name": "f", "kind": "FailureRate", "maximumRatio": "1.5"}]}}
CLASSES = {"objective": {"queryClasses": [{"name": "easy", "margin": "0.05"}]}}


@pytest.mark.parametrize(
    ("given", "changes", "reason", "says"),
    [
        (source(match=None), {}, "CountsMissing", "no template for match,"),
        (source(tokens_squared=None, tokens=None), {}, "CountsMissing", "no template for tokens, tokensSquared,"),
        (SOURCE, RAILS, "CountsMissing", "no template for failed,"),
        (SOURCE, PAIRS, "CountsMissing", "no template for pairsBoth, pairsBaselineOnly"),
        (SOURCE, CLASSES, "CountsMissing", "no counts by query class"),
        (source(tokens="rate(x[5m])"), {}, "TemplatesUnusable", "the template for tokens is not one selector"),
        (source(match='m{a="b"}'), {}, "TemplatesUnusable", "does not hold {variant}"),
        (SourceSpec.model_validate({"url": "http://p"}), {}, "TemplatesUnusable", "has no templates; write one"),
        (SOURCE.model_copy(update={"flavour": "Thanos"}), {}, "TemplatesUnusable", "write replicaLabel"),
        (SOURCE, {"metrics": {"preset": "VLLM"}}, "VariantsNotTold", "cannot tell variants apart that share Pods"),
    ],
)
async def test_counts_that_cannot_judge_the_policy_are_refused_with_what_to_write(
    given: SourceSpec, changes: dict[str, Any], reason: str, says: str
) -> None:
    made = world(steady(), source=given, **changes)
    async with made.open():
        await made.reconcile()
    assert (accepted(made)["status"], accepted(made)["reason"]) == ("False", reason)
    assert says in accepted(made)["message"] and made.written("route") == []


async def test_templates_that_change_under_a_rollout_hold_it_and_it_goes_on_when_they_are_back() -> None:
    made = world(steady(4))
    async with made.open():
        await made.reconcile_until("Observing")
        made.counts.sources["default"] = source(match='app_match_total{variant="{variant}",job="qa"}')
        for _ in range(3):
            await made.reconcile()
        metrics = next(each for each in made.status["conditions"] if each["type"] == "MetricsAvailable")
        assert (metrics["status"], metrics["reason"]) == ("False", "SourceChanged")
        made.counts.sources["default"] = SOURCE
        for _ in range(4):
            await made.reconcile()
        metrics = next(each for each in made.status["conditions"] if each["type"] == "MetricsAvailable")
    assert metrics["status"] == "True"


async def test_without_counts_of_started_requests_the_split_is_not_judged() -> None:
    made = world(steady(RATE))
    async with made.open():
        await made.reconcile_until("Promoted")
    assert made.status["evidence"]["logE"]["sampleRatio"] == "0.000"
