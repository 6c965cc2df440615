"""An engine and the injector before it disagree only where what was in flight cannot explain it, and people are told
what to look at: never for healthy traffic, and not for a single restart."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.metrics.cross_check import (
    Bounds,
    CrossChecks,
    Disagreement,
    EngineSide,
    InjectorSide,
    Larger,
    disagreement,
    growth,
    total_growth,
    words,
)
from earlystop.metrics.cross_check_reading import NotCounted, cross_check_queries
from earlystop.metrics.templates.engines import sglang, vllm
from earlystop.metrics.templates.range_vectors import RawSeries
from tests.unit.metrics.cross_check_traffic import QUESTION, Passed, Scraped, healthy
from tests.unit.metrics.templates.expositions import page
from tests.unit.rollout.policies import examples

NONE = Bounds()


@pytest.mark.slow
@given(
    seed=st.integers(0, 10**6),
    number=st.integers(0, 30),
    slow=st.sampled_from((0.0, 1.0, 10.0)),
    failing=st.sampled_from((0.0, 0.05, 0.5)),
    most_choices=st.sampled_from((1, 1, 4)),
)
@examples
def test_healthy_traffic_of_any_shape_never_disagrees(
    seed: int, number: int, slow: float, failing: float, most_choices: int
) -> None:
    rng = random.Random(seed)
    answers = healthy(rng, number=number, slow=slow, failing=failing, most_choices=most_choices)
    assert Scraped(answers, rng).compared() is None


def passing(*, past: int = 0, lost: int = 0, number: int = 200) -> list[Passed]:
    """Answers of which some come past the injector, and some from Pods that nobody scrapes: one a second."""
    answers = [
        Passed(QUESTION.begin - 60 + 2.0 * k, QUESTION.begin - 59 + 2.0 * k, QUESTION.begin - 59 + 2.0 * k, 100)
        for k in range(number)
    ]
    changed = [replace(each, past=True) for each in answers[40 : 40 + past]]
    gone = [replace(each, engine=9) for each in answers[40 : 40 + lost]]
    return [*changed, *gone, *answers[40 + past + lost :], *answers[:40]]


@pytest.mark.parametrize(("past", "lost", "larger"), [(30, 0, Larger.ENGINE), (0, 30, Larger.INJECTOR)])
def test_answers_that_one_side_alone_counts_are_found_with_their_tokens(past: int, lost: int, larger: Larger) -> None:
    found = Scraped(passing(past=past, lost=lost), random.Random(1)).compared()
    assert isinstance(found, Disagreement) and found.larger is larger and not found.is_cut
    # At the ends of the window some of them may have been counted outside of it.
    assert 10 <= found.sequences <= 30 and found.tokens <= 100 * found.sequences


def test_an_injector_that_is_killed_is_told_as_one() -> None:
    answers = [replace(each, injector=1) for each in passing()]
    found = Scraped(answers, random.Random(1), gone={"injector-1": QUESTION.begin + 50.0}).compared()
    assert isinstance(found, Disagreement) and found.larger is Larger.ENGINE and found.is_cut
    said = words(found, "VLLM", 300)
    assert "A process of the injector began anew or was not scraped meanwhile." in said and "killed" in said


def test_a_counter_that_is_never_found_is_named_with_the_workload_whose_pods_were_looked_for() -> None:
    class Nothing(Scraped):
        def range_vector(self, query: str, at: float) -> list[RawSeries]:
            return [] if query.startswith("vllm:") else super().range_vector(query, at)

    found = Nothing(passing(), random.Random(1)).compared()
    assert isinstance(found, NotCounted)
    assert "no counter vllm:request_generation_tokens_count of Pods of Deployment qwen;" in found.message


@pytest.mark.parametrize(("name", "engine"), [("vllm-0.32.0-after", vllm), ("sglang-0.5.23-collector", sglang)])
def test_what_an_engines_recorded_page_counts_agrees_with_as_much_and_with_no_less(name: str, engine: object) -> None:
    recorded = {
        field: [(index, value) for index, value in enumerate(page(name).values(selector))]
        for field, selector in engine.TEMPLATES.items()  # type: ignore[attr-defined]
    }
    whole = {field: int(sum(value for _, value in values)) for field, values in recorded.items()}
    grown = {
        field: total_growth(
            [
                RawSeries({"series": str(index)}, [(0, "0"), (500, str(value)), (1500, str(value))])
                for index, value in rows
            ],
            100,
            1000,
        )
        for field, rows in recorded.items()
    }
    # The growth was seen before the window's first sample within it, so it is the most and not the least.
    assert {field: bounds.most for field, bounds in grown.items()} == whole
    side = EngineSide(*(Bounds(whole[field], whole[field]) for field in ("completed", "tokens")))
    mirror = InjectorSide(side.sequences, side.tokens, NONE, NONE, in_flight=0)
    assert disagreement(side, mirror) is None
    fewer = replace(mirror, sequences=Bounds(whole["completed"] - 1, whole["completed"] - 1))
    found = disagreement(side, fewer)
    assert found is not None and (found.larger, found.sequences, found.tokens) == (Larger.ENGINE, 1, 0)
    assert disagreement(side, replace(fewer, in_flight=1)) is None


def test_the_growth_of_a_counter_is_bounded_by_the_samples_around_the_window() -> None:
    points = [(0, "10"), (100, "12"), (200, "15"), (300, "21")]
    assert growth(points, 50, 250) == Bounds(3, 11)
    assert growth(points, 0, 300) == Bounds(9, 11, is_cut=True)
    assert growth([(100, "12"), (200, "3"), (300, "4")], 150, 250) == Bounds(0, 4, is_cut=True)
    assert growth([(100, "5"), (200, "NaN"), (300, "6")], 50, 250) == Bounds(0, 6)


def test_one_copy_of_a_series_is_read_where_two_scrapers_keep_it() -> None:
    points = [(0, "0"), (100, "5"), (200, "9"), (300, "9")]
    copies = [RawSeries({"pod": "qwen-1", "replica": name}, points) for name in ("a", "b")]
    assert total_growth(copies, 50, 250, "replica") == growth(points, 50, 250)


def test_nothing_is_said_before_two_windows_in_a_row_and_nothing_is_taken_back_before_two_that_agree() -> None:
    found = Disagreement(Larger.ENGINE, 5, 500, 2, (100, 9_000), (93, 8_500), False)
    other = replace(found, larger=Larger.INJECTOR)
    checks, said = CrossChecks(), []
    for each in (found, None, found, other, found, found, None, found, found, None, None):
        checks = checks.after(each)
        said.append(checks.said is not None)
    assert said == [False] * 5 + [True] * 5 + [False]


def test_the_sentence_says_by_how_much_which_is_larger_and_what_to_look_at() -> None:
    found = Disagreement(Larger.ENGINE, 1_005, 50_000, 2, (2_100, 90_000), (1_093, 40_000), False)
    said = words(found, "VLLM", 300)
    assert "the engine counted at least 2,100 answers with 90,000 tokens, and the injector at most 1,093" in said
    assert "the engine has 1,005 answers and 50,000 tokens more" in said and "delivery.paths" in said
    assert "holds no promotion" in said and said.endswith(".")
    said = words(replace(found, larger=Larger.INJECTOR, tokens=0), "VLLM", 300)
    assert "the injector has 1,005 answers more" in said and "an engine that restarts" in said


def test_only_pods_of_the_injector_and_of_the_target_in_the_policys_namespace_are_asked_for() -> None:
    queries = cross_check_queries(replace(QUESTION, namespace_label="namespace"))
    assert all('namespace="llm"' in text and text.endswith("[220s]") for text in queries.values())
    assert queries["completed"].startswith('vllm:request_generation_tokens_count{pod=~"qwen-')
    assert all('pod=~"qwen-es-injector-' in text for name, text in queries.items() if name.startswith("earlystop"))
