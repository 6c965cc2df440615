"""What an incumbent's counters say is no evidence, breaks no reading, and still shows whether it is served."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import BODY_EFFECTS, PAIRS
from earlystop.metrics.convention.body_effects import BodyEffects, EffectsQuestion, read_effects
from earlystop.metrics.convention.count_source import ConventionCounts
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.convention.reader import read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_source import CountedStep, CountQuestion
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.templates.count_source import TemplateCounts
from earlystop.metrics.templates.reader import TemplateReading
from earlystop.metrics.templates.reset_ledger import ResetLedger
from tests.unit.metrics.convention.samples import Source, good, row

ARMS = (Variant.BASELINE.value, Variant.CANDIDATE.value)
SERVED = ("baseline", "incumbent", "candidate")
STEP = CountedStep(policy="llm/qa", step=0, started_at=900, variants=SERVED)


def question(preset: str = "EarlyStop") -> CountQuestion:
    return CountQuestion(
        policy="llm/qa",
        revision="r1",
        preset=preset,
        variants=("candidate",),
        window_seconds=60,
        templates={"completed": 'done{variant="{variant}"}'},
        beside=("incumbent",),
    )


def reading(*samples: Sample) -> Reading:
    request = ConventionCounts().request(question())
    return good(read_counts(Source(*samples), [request], 1000)["llm/qa"])


def test_an_incumbents_requests_are_read_and_are_in_no_total_of_the_two_that_are_compared() -> None:
    counts = ConventionCounts()
    found = reading(*(row(n, variant=name) for n, name in enumerate(SERVED, start=5)))
    ledger = counts.apply(Ledger(), found, 1000, STEP).ledger
    assert {name: each.started for name, each in counts.totals(ledger, 0, ARMS).items()} == {
        "baseline": 5,
        "candidate": 7,
    }
    assert counts.requests_since(Ledger(), found, 0, {"baseline": 20, "incumbent": 60, "candidate": 20}, 0) == {
        "baseline": 5,
        "incumbent": 6,
        "candidate": 7,
    }
    assert counts.unpack(counts.pack(ledger)) == ledger


def test_a_pair_of_an_incumbent_is_no_pair_of_the_candidates() -> None:
    paired = {"__name__": PAIRS, "outcome": "both"}
    found = reading(row(9, variant="incumbent", **paired), row(4, variant="", **paired), row(1))
    totals = ConventionCounts().totals(ConventionCounts().apply(Ledger(), found, 1000, STEP).ledger, 0, ARMS)
    assert totals["candidate"] == Tally(pairs_both=4)


def test_to_whom_nobody_told_of_an_incumbent_its_series_are_those_of_no_variant() -> None:
    request = ConventionCounts().request(replace(question(), beside=()))
    found = good(read_counts(Source(row(5), row(6, variant="incumbent")), [request], 1000)["llm/qa"])
    assert {key.variant for key in found.observed} == {"baseline"}


def test_counters_that_templates_find_are_those_of_the_two_that_are_compared() -> None:
    counts = TemplateCounts()
    request = counts.request(question("Custom"))
    assert request.candidate == "candidate"
    empty = TemplateReading(1000, {}, 1000.0, "q")
    ledger = counts.apply(Ledger(), empty, 1000, STEP).ledger
    assert isinstance(ledger, ResetLedger)
    assert counts.totals(ledger, 0, SERVED).keys() == set(ARMS)
    assert counts.open_requests(ledger, 0, SERVED).keys() == set(ARMS)
    weights = {"baseline": 20, "incumbent": 60, "candidate": 20}
    assert counts.requests_since(ledger, empty, 0, weights, 900).keys() == set(ARMS)


@pytest.mark.parametrize("effect", ["set", "kept"])
def test_what_an_injector_did_for_an_incumbent_says_nothing_of_the_candidates_setting(effect: str) -> None:
    rows = [
        Sample({"__name__": BODY_EFFECTS, "variant": "candidate", "effect": "kept"}, 300.0),
        Sample({"__name__": BODY_EFFECTS, "variant": "incumbent", "effect": effect}, 500.0),
    ]
    assert read_effects(Source(*rows), EffectsQuestion("llm/qa", 60), 1000) == BodyEffects(0.0, 300.0)
