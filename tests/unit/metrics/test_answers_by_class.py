"""Under a guard, counts that no class is compared by are kept once for each server, and every total stays as it was."""

from __future__ import annotations

import random

import pytest

from earlystop.api.counts import Tally
from earlystop.metrics.convention import ledger as ledgers
from earlystop.metrics.convention.answers_by_class import ALL_CLASSES, by_answers
from earlystop.metrics.convention.count_source import ConventionCounts
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_source import CountedStep

SOURCE = ConventionCounts()
VARIANTS = ("baseline", "candidate")
NAMED = ("easy", "hard", "rare")
SERVED = ("", *NAMED, "of nobody")
"""Classes that servers count, of which the policy names some."""
TRIAL = CountedStep(policy="llm/qa", step=3, started_at=0, variants=VARIANTS)
GUARDED = CountedStep(policy="llm/qa", step=3, started_at=0, variants=VARIANTS, guarded_classes=NAMED)


def without_squares(tally: Tally) -> Tally:
    row = list(tally.row())
    row[7] = 0
    return Tally(*row)


def more(rng: random.Random) -> Tally:
    match, mismatch, unscored = (rng.randrange(30) for _ in range(3))
    completed = match + mismatch + unscored
    return Tally(
        completed + 2, completed, 1, match, mismatch, unscored, 300 * completed, 90_000 * completed, rng.randrange(3)
    )


def readings(seed: int, looks: int = 12) -> list[Reading]:
    """Servers that count ever more, one of which ends, one of which comes later, and an evaluator that begins none."""
    rng, counted, found = random.Random(seed), dict[SeriesKey, Tally](), []
    for number in range(looks):
        servers = [
            name for name in ("a", "b", "c") if not (name == "b" and number > 4) and not (name == "c" and number < 3)
        ]
        for variant in VARIANTS:
            for server in servers:
                for query_class in SERVED:
                    key = SeriesKey(3, variant, query_class, server)
                    counted[key] = counted.get(key, Tally()) + more(rng)
            key = SeriesKey(3, variant, "easy", "evaluator")
            counted[key] = counted.get(key, Tally()) + Tally(completed=5, match=4, mismatch=1, tokens=1000)
        present = {*servers, "evaluator"}
        observed = {key: tally for key, tally in counted.items() if key.process in present}
        found.append(Reading(1000 * number, observed, 1000.0 * number, 0))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_totals_answers_by_class_and_requests_in_flight_are_those_of_a_ledger_that_keeps_everything(seed: int) -> None:
    whole, kept = Ledger(), Ledger()
    for reading in readings(seed):
        before = whole, kept
        whole, kept = (
            SOURCE.apply(each, reading, reading.at, step).ledger for each, step in ((whole, TRIAL), (kept, GUARDED))
        )
        kept = ledgers.unpack(ledgers.pack(kept))
        expected = ledgers.totals(whole, 3)
        assert ledgers.totals(kept, 3) == {name: without_squares(each) for name, each in expected.items()}
        for name in NAMED:
            of_class, answers = ledgers.totals(whole, 3, name), ledgers.totals(kept, 3, name)
            for variant in VARIANTS:
                one, other = of_class[variant], answers[variant]
                assert (one.match, one.mismatch, one.unscored) == (other.match, other.mismatch, other.unscored)
        assert SOURCE.in_flight(kept, 3, VARIANTS) == SOURCE.in_flight(whole, 3, VARIANTS)
        asked = [SOURCE.evaluated_since(old, new, 3, VARIANTS) for old, new in zip(before, (whole, kept), strict=True)]
        assert asked[0] == asked[1]
        weights = dict.fromkeys(VARIANTS, 50)
        later = readings(seed)[-1]
        assert SOURCE.requests_since(kept, later, 3, weights, 0.0) == SOURCE.requests_since(
            whole, later, 3, weights, 0.0
        )
    assert len(kept.rows) < len(whole.rows)


def test_a_ledger_of_an_earlier_release_goes_on_without_counting_anything_twice() -> None:
    first, *others = readings(7)
    whole = SOURCE.apply(Ledger(), first, first.at, TRIAL).ledger
    for number, reading in enumerate(others):
        before, whole = whole, SOURCE.apply(whole, reading, reading.at, TRIAL).ledger
        kept = SOURCE.apply(before, reading, reading.at, GUARDED).ledger
        expected, found = ledgers.totals(whole, 3), ledgers.totals(kept, 3)
        assert all(without_squares(found[each]) == without_squares(expected[each]) for each in VARIANTS), number
        assert SOURCE.evaluated_since(before, kept, 3, VARIANTS) == SOURCE.evaluated_since(before, whole, 3, VARIANTS)


def test_to_keep_what_is_kept_so_changes_nothing_and_other_steps_stay_as_they_are() -> None:
    rows = {**readings(1)[-1].observed, SeriesKey(2, "baseline", "easy", "a"): Tally(5, 5, 0, 4, 1, 0, 10, 100)}
    once = by_answers(rows, 3, NAMED)
    assert by_answers(once, 3, NAMED) == once
    assert once[SeriesKey(2, "baseline", "easy", "a")].tokens_squared == 100
    assert {key.query_class for key in once if key.step == 3} == {*NAMED, ALL_CLASSES}


def test_a_series_that_says_to_be_of_all_classes_is_counted_as_one_of_a_class_that_nobody_compares() -> None:
    forged, honest = SeriesKey(3, "baseline", ALL_CLASSES, "a"), SeriesKey(3, "baseline", "easy", "a")
    rows = {forged: Tally(9, 9, 0, 9), honest: Tally(4, 4, 0, 3, 1)}
    kept = Ledger(by_answers(rows, 3, NAMED))
    assert ledgers.totals(kept, 3)["baseline"] == Tally(13, 13, 0, 12, 1)
    assert ledgers.totals(kept, 3, "easy")["baseline"] == Tally(match=3, mismatch=1)


@pytest.mark.parametrize("classes", [(), ("easy",), ("easy", "hard")])
def test_where_nothing_would_be_won_rows_stay_by_class(classes: tuple[str, ...]) -> None:
    rows = readings(2)[-1].observed
    assert by_answers(rows, 3, classes) == rows
