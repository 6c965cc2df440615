"""Candidates with names and shadows on the metrics page: exact, one event each, and within bounds."""

from __future__ import annotations

import random
import threading
from collections import defaultdict

import pytest
from prometheus_client import CollectorRegistry

from earlystop.api.counts import Tally
from earlystop.api.wire import RESULTS, UNASSIGNED, pair_completeness, pair_outcome
from earlystop.exporter.assignment import MAX_PLACES, MAX_VARIANTS, Shadow
from earlystop.exporter.export import Exporter
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reader import CountRequest, judge_samples
from earlystop.metrics.convention.reading import Reading
from tests.unit.exporter.pages import POLICY, REVISION, assignment, scrape, unassigned

NAMES = ("w10", "w5", "w2")


def read(registry: CollectorRegistry, *variants: str) -> dict[str, Tally]:
    """The counts of step 0 and the class default by variant, as the operator reads them."""
    request = CountRequest(POLICY, REVISION, 60, variants)
    result = judge_samples(scrape(registry), [request], 0, None)[POLICY]
    rows = result.observed if isinstance(result, Reading) else {}
    return {key.variant: tally for key, tally in rows.items() if key == SeriesKey(0, key.variant, "default", "proc")}


def test_every_candidate_stands_at_zero_as_soon_as_it_is_registered_in_every_step_known(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    assert exporter.register(POLICY, REVISION, 0, variants=("baseline", "w10"))
    assert exporter.register(POLICY, REVISION, 1, variants=("w5",))
    assert read(registry, "w10", "w5") == {"baseline": Tally(), "w10": Tally(), "w5": Tally()}
    assert {row.labels["variant"] for row in scrape(registry) if row.labels["step"] == "1"} == {"baseline", "w10", "w5"}


def test_a_candidate_that_nobody_registered_is_counted_as_unassigned(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0, variants=("baseline", "w10"))
    exporter.started(assignment("w5"))
    exporter.started(assignment("w10"))
    assert unassigned(registry) == {POLICY: 1}
    assert read(registry, "w10", "w5") == {"baseline": Tally(), "w10": Tally(started=1)}
    assert not exporter.feedback(assignment("w5"), "up") and exporter.feedback(assignment("w10"), "up")
    assert not exporter.setting(POLICY, REVISION, "w5", "window", "5")
    assert exporter.setting(POLICY, REVISION, "w10", "window", "10")
    assert not exporter.pair(assignment("w5"), "both") and exporter.pair(assignment("w10"), "both")


@pytest.mark.parametrize("odd", ["", UNASSIGNED, "a b", "x" * 65, "ü", 'a"b'])
def test_an_odd_label_is_never_exposed_and_changes_nothing(
    exporter: Exporter, registry: CollectorRegistry, odd: str
) -> None:
    exporter.register(POLICY, REVISION, 0)
    before = scrape(registry)
    assert not exporter.register(POLICY, REVISION, 1, variants=("w10", odd))
    assert scrape(registry) == before


def test_a_revision_has_at_most_sixteen_variants_and_those_that_it_has_go_on(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    for number in range(100):
        admitted = exporter.register(POLICY, REVISION, 0, variants=(f"v{number}",))
        assert admitted == (number < MAX_VARIANTS)
        exporter.started(assignment(f"v{number}"))
    assert unassigned(registry) == {POLICY: 100 - MAX_VARIANTS}
    rows = [row for row in scrape(registry) if row.labels["revision"] == REVISION]
    assert len(rows) == MAX_VARIANTS * 8


def test_forged_classes_and_labels_together_keep_the_page_bounded(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    for number in range(300):
        exporter.register(POLICY, REVISION, number % 40, f"c{number % 7}", variants=(f"v{number % 50}",))
        exporter.started(assignment(f"v{number % 50}", step=number % 90))
    rows = [row for row in scrape(registry) if row.labels["revision"] == REVISION]
    assert 0 < len(rows) <= MAX_PLACES * 8


def test_shadows_are_counted_with_the_answer_that_they_are_compared_with_to_the_last_pair(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    rng, expected = random.Random(3), defaultdict[str, Tally](Tally)
    exporter.register(POLICY, REVISION, 0, variants=("baseline", *NAMES))
    for _ in range(500):
        full, tokens = rng.choice(RESULTS), rng.randint(0, 900)
        shadows = [Shadow(name, rng.randint(0, tokens), rng.choice(RESULTS)) for name in NAMES if rng.random() < 0.8]
        exporter.started(assignment())
        exporter.completed(assignment(), tokens, full, shadows)
        for one in (Shadow("baseline", tokens, full), *shadows):
            answer = Tally(1, 1, tokens=one.tokens, tokens_squared=one.tokens**2, empty=int(one.tokens == 0))
            expected[one.variant] += answer + Tally(**{str(one.result): 1})
            # What cannot be scored beside what can is wrong.
            if one.variant != "baseline" and not full == one.result == "unscored":
                outcome = pair_outcome(full == "match", one.result == "match")
                known = [None if result == "unscored" else result == "match" for result in (full, one.result)]
                expected[one.variant] += Tally(**{f"pairs_{outcome}": 1, f"pairs_{pair_completeness(*known)}": 1})
    assert read(registry, *NAMES) == expected


def test_a_shadow_that_is_not_exposed_or_of_an_unassigned_request_is_counted_nowhere(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0, variants=("baseline", "w10"))
    exporter.completed(assignment(), 9, "match", [Shadow("w5", 3, "match"), Shadow("baseline", 3, "match")])
    exporter.completed(assignment(revision="odd"), 9, "match", [Shadow("w10", 3, "match")])
    exporter.completed(assignment("odd"), 9, "match", [Shadow("w10", 3, "match")])
    assert read(registry, "w10", "w5")["w10"] == Tally()
    assert read(registry, "w10")["baseline"] == Tally(completed=1, match=1, tokens=9, tokens_squared=81)
    assert {row.labels["variant"] for row in scrape(registry)} == {"baseline", "w10", UNASSIGNED}


def test_an_odd_shadow_is_refused_and_then_nothing_is_counted(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0, variants=("baseline", "w10"))
    for odd in (Shadow("w10", -1, "match"), Shadow("w10", 1, "right")):
        with pytest.raises(ValueError, match="is"):
            exporter.completed(assignment(), 9, "match", [odd])
    assert read(registry, "w10") == {"baseline": Tally(), "w10": Tally()}


@pytest.mark.slow
def test_a_scrape_never_sees_an_answer_without_its_shadows(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0, variants=("baseline", *NAMES))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            exporter.completed(assignment(), 7, "match", [Shadow(name, 3, "mismatch") for name in NAMES])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        for _ in range(30):
            seen = read(registry, *NAMES)
            full = seen["baseline"].completed
            for name in NAMES:
                row = seen[name]
                counts = (row.started, row.completed, row.mismatch, row.pairs_baseline_only, row.tokens // 3)
                assert set(counts) == {full}
    finally:
        over.set()
        thread.join()


def test_an_evaluators_pair_has_the_label_of_a_candidate_with_a_name_and_none_for_the_one_candidate(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0, variants=("baseline", "candidate", "w10"))
    for variant in ("candidate", "w10", "baseline"):
        assert exporter.pair(assignment(variant), "both")
    pairs = [row for row in scrape(registry) if row.labels["__name__"] == "earlystop_pairs_total" and row.value]
    assert {row.labels["variant"]: row.value for row in pairs} == {"": 2, "w10": 1}


def test_an_answer_that_nobody_tried_to_score_is_in_no_count_of_results(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0, variants=("baseline", "w10"))
    exporter.completed(assignment(), 9, None, [Shadow("w10", 3, "match")])
    exporter.completed(assignment(), 9, "unscored", cut=True)
    exporter.completed(assignment(), 4, "mismatch", empty=True)
    counted = read(registry, "w10")
    assert counted["baseline"] == Tally(
        completed=3, mismatch=1, unscored=1, tokens=22, tokens_squared=178, empty=1, cut=1
    )
    assert counted["w10"] == Tally(started=1, completed=1, match=1, tokens=3, tokens_squared=9)


def test_an_incumbent_is_counted_by_a_server_that_knows_of_baseline_and_candidate_alone(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0)
    assert "incumbent" not in read(registry, "incumbent")
    for variant in ("incumbent", "baseline", "incumbent"):
        exporter.started(assignment(variant))
        exporter.completed(assignment(variant), 10, None)
    counted = read(registry, "candidate", "incumbent")
    assert {name: each.completed for name, each in counted.items()} == {"baseline": 1, "candidate": 0, "incumbent": 2}
    assert unassigned(registry) == {}


def test_an_incumbent_of_a_revision_that_is_not_exposed_is_counted_as_unassigned(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.started(assignment("incumbent", revision="other"))
    assert unassigned(registry) == {POLICY: 1} and "incumbent" not in read(registry, "incumbent")
