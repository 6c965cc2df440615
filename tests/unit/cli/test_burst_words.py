"""Where a burst of the candidate's failures does not count against it, what takes it back says so."""

from __future__ import annotations

from dataclasses import replace

from earlystop.cli.screen.waiting_words import harms_of
from earlystop.evidence import candidate_bursts
from earlystop.evidence.candidate_bursts import Spell
from tests.unit.rollout.policies import policy, started

RAIL = {"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"}
LEARNED = policy({"objective": {"exactMatch": {"margin": "0.05", "assumeIndependent": None}, "guardrails": [RAIL]}})


def words_after(*failed: int) -> str:
    """What a guardrail waits for after looks of 100 requests a variant, so many of which failed for the candidate."""
    (only,) = started(LEARNED).comparisons
    bursts = candidate_bursts.start(32)
    for each in failed:
        bursts = candidate_bursts.observe(bursts, Spell(each, 100, 100), 1)
    rails = only.evidence.guardrails
    known = replace(rails, rates=tuple(replace(each, bursts=bursts) for each in rails.rates))
    (words,) = (
        text
        for text, _, _ in harms_of(replace(only, evidence=replace(only.evidence, guardrails=known)))
        if "guardrail" in text
    )
    return words


def test_a_burst_that_does_not_count_is_named_and_lasting_failures_are_not() -> None:
    assert words_after(*[1] * 20, *[40] * 8).endswith("rate, without the burst that most of its own came in)")
    assert words_after(*[4] * 40).endswith("the baseline's rate)")
