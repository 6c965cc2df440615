"""Votes and pairs from a server's page to the look: exact, each in its place, and nothing else taken for them."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from prometheus_client import CollectorRegistry

from earlystop.api.counts import PairAnswers, Pairs, Tally, Variant
from earlystop.api.wire import PAIR_COMPLETENESS, PAIR_OUTCOMES, SENTIMENTS
from earlystop.exporter.export import Exporter
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, merge, pack, totals, unpack
from earlystop.metrics.convention.query import counts_query
from earlystop.metrics.convention.reader import CountRequest, judge_samples
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind
from tests.unit.exporter.pages import POLICY, REVISION, assignment, read
from tests.unit.metrics.convention.samples import good, kind, read_one, row

PAIRS = {"__name__": "earlystop_pairs_total", "variant": ""}
FEEDBACK = {"__name__": "earlystop_feedback_total"}
CANDIDATE = SeriesKey(0, Variant.CANDIDATE, "default", "p")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_every_vote_and_every_pair_on_a_servers_page_comes_back_exactly(registry: CollectorRegistry) -> None:
    rng, expected = random.Random(11), defaultdict[SeriesKey, Tally](Tally)
    exporter = Exporter(registry, process="proc")
    for step in range(2):
        for name in ("easy", "hard"):
            exporter.register(POLICY, REVISION, step, name)
            for variant in Variant:
                expected[SeriesKey(step, variant, name, "proc")] += Tally()
    for _ in range(1500):
        step, variant, name = rng.randrange(2), rng.choice(list(Variant)), rng.choice(["easy", "hard"])
        one = assignment(variant, step=step, query_class=name)
        if rng.random() < 0.5:
            outcome = rng.choice(PAIR_OUTCOMES)
            assert exporter.pair(one, outcome)
            expected[SeriesKey(step, Variant.CANDIDATE, name, "proc")] += Tally(**{f"pairs_{outcome}": 1})
        else:
            sentiment = rng.choice(SENTIMENTS)
            assert exporter.feedback(one, sentiment)
            expected[SeriesKey(step, variant, name, "proc")] += Tally(**{f"feedback_{sentiment}": 1})
    found = read(registry)
    assert found == expected
    assert unpack(pack(Ledger(found))) == Ledger(found)


def test_pairs_of_several_evaluators_add_up_and_a_page_read_again_adds_nothing() -> None:
    ledger = Ledger()
    for evaluator in range(3):
        page = CollectorRegistry()
        exporter = Exporter(page, process=f"evaluator{evaluator}")
        exporter.register(POLICY, REVISION, 0)
        for _ in range(5 + evaluator):
            exporter.pair(assignment(), "both")
            ledger = merge(ledger, read(page))
    sums = totals(ledger, 0)
    assert sums[Variant.CANDIDATE] == Tally(pairs_both=5 + 6 + 7)
    assert sums[Variant.BASELINE] == Tally()


@pytest.mark.parametrize("outcome", PAIR_OUTCOMES)
def test_a_pair_without_a_variant_is_the_one_candidates(outcome: str) -> None:
    without_label = Sample({name: text for name, text in row(5, **PAIRS, outcome=outcome).labels.items() if text}, 5)
    for sample in (row(5, **PAIRS, outcome=outcome), without_label):
        assert good(read_one(sample)).observed == {CANDIDATE: Tally(**{f"pairs_{outcome}": 5})}


def named(*samples: Sample, variants: tuple[str, ...]) -> dict[SeriesKey, Tally]:
    """What is counted when these candidates are asked for, nothing when no row is theirs."""
    asked = [CountRequest(POLICY, REVISION, 60, variants)]
    result = judge_samples(samples, asked, 1000, None)[POLICY]
    return dict(result.observed) if isinstance(result, Reading) else {}


def test_a_pair_with_a_variant_is_that_candidates_if_it_is_asked_for() -> None:
    mine = {**PAIRS, "outcome": "both"}
    pairs = [row(n, **{**mine, "variant": name}) for n, name in enumerate(("w10", "w5", "baseline", "forged", ""), 1)]
    keys = {name: SeriesKey(0, name, "default", "p") for name in ("w10", "w5", "candidate")}
    assert named(*pairs, variants=("w5", "w10")) == {keys["w10"]: Tally(pairs_both=1), keys["w5"]: Tally(pairs_both=2)}
    assert named(*pairs, variants=("candidate",)) == {keys["candidate"]: Tally(pairs_both=5)}
    assert named(*pairs, variants=("other",)) == {}


def test_the_pairs_of_a_look_are_the_candidates_and_stand_in_one_row_with_its_answers() -> None:
    samples = [row(3, variant="candidate"), *(row(n, **PAIRS, outcome=word) for n, word in enumerate(PAIR_OUTCOMES, 1))]
    (tally,) = good(read_one(*samples)).observed.values()
    assert tally.started == 3 and tally.pairs == Pairs(1, 2, 3, 4)


def test_whose_answers_pairs_lack_stands_beside_them_and_is_unknown_of_an_evaluator_that_does_not_say_it() -> None:
    answers = {**PAIRS, "__name__": "earlystop_pair_answers_total"}
    said = [row(n, **answers, outcome=word) for n, word in enumerate(PAIR_COMPLETENESS, 1)]
    mute = [row(n, **PAIRS, outcome=word, process="old") for n, word in enumerate(PAIR_OUTCOMES, 1)]
    observed = good(read_one(*said, row(15, **PAIRS, outcome="both"), *mute)).observed
    of_each = {key.process: tally for key, tally in observed.items()}
    assert of_each["p"].pair_answers == PairAnswers(1, 2, 3, 4, 5) and of_each["p"].pairs == Pairs(15, 0, 0, 0)
    assert of_each["old"].pair_answers == PairAnswers() and of_each["old"].pairs.total == 10


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("sentiment", SENTIMENTS)
def test_a_vote_goes_to_the_variant_that_it_is_about(variant: Variant, sentiment: str) -> None:
    observed = good(read_one(row(4, **FEEDBACK, variant=variant, sentiment=sentiment))).observed
    assert observed == {SeriesKey(0, variant, "default", "p"): Tally(**{f"feedback_{sentiment}": 4})}


@pytest.mark.parametrize(
    "odd",
    [
        row(5, **PAIRS),
        row(5, **PAIRS, outcome="draw"),
        row(5, **PAIRS, outcome="completed"),
        row(5, **PAIRS, sentiment="up"),
        row(5, **PAIRS, outcome="both", sentiment="up"),
        row(5, **PAIRS, outcome="both", result="match"),
        row(5, **{**PAIRS, "variant": "third"}, outcome="both"),
        row(5, **FEEDBACK),
        row(5, **FEEDBACK, sentiment="meh"),
        row(5, **FEEDBACK, outcome="up"),
        row(5, **FEEDBACK, sentiment="up", outcome="completed"),
        row(5, **FEEDBACK, sentiment="up", variant=""),
        row(5, variant="", sentiment="up"),
        row(5, sentiment="up"),
        row(5, **{"__name__": "earlystop_requests_total"}, outcome="both"),
        row(5, **{"__name__": "earlystop_answers_total"}, result="match", sentiment="up"),
    ],
)
def test_a_vote_or_pair_with_other_labels_is_no_count(odd: Sample) -> None:
    only = {SeriesKey(0, Variant.BASELINE, "default", "p"): Tally(started=1)}
    assert good(read_one(row(1), odd)).observed == only
    assert kind(read_one(odd)) is FailureKind.NO_DATA


@pytest.mark.parametrize("labels", [{**PAIRS, "outcome": "both"}, {**FEEDBACK, "sentiment": "down"}])
@pytest.mark.parametrize("value", [float("nan"), 0.5, -1.0])
def test_a_vote_or_pair_that_is_no_whole_number_fails_the_reading(labels: dict[str, str], value: float) -> None:
    assert kind(read_one(row(1), row(value, **labels))) is FailureKind.NOT_A_COUNT


def test_a_query_asks_for_votes_and_pairs_and_keeps_the_labels_that_tell_them_apart() -> None:
    query = counts_query([POLICY], [REVISION], 60)
    assert "earlystop_pairs_total" in query and "earlystop_feedback_total" in query
    grouped = query.split("(")[1].split(")")[0].split(",")
    assert {"outcome", "result", "sentiment"} <= set(grouped)
