"""Settings that change no body are told, since the variants are alike then, and taken back when they do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.api.counts import Tally
from earlystop.controller.traffic.unseen_requests import LEAST_SECONDS, SECONDS_BETWEEN, look_for_unseen, with_unseen
from earlystop.delivery.injector.never_applied import never_applied
from earlystop.metrics.convention.body_effects import BodyEffects, EffectsQuestion, effects_query, read_effects
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.unseen import Unseen, UnseenQuestion
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.observations import Observation
from tests.unit.controller.embedded_world import SOURCE
from tests.unit.controller.named_answers import NamedAnswers
from tests.unit.controller.traffic.moves import Moves
from tests.unit.rollout.policies import NOW

IN_FORCE = Observation(ConditionStatus.TRUE, "InForce", "Weights are in force, proven by 20 probes.")
LATER = int(NOW + LEAST_SECONDS + SECONDS_BETWEEN)


class Reader(NamedAnswers):
    """All requests come by the overlay, and settings did this to their bodies."""

    def __init__(self, did: BodyEffects | MetricsFailure) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.did = did

    async def read_unseen(self, source: str, question: UnseenQuestion, at: int) -> Unseen | MetricsFailure:
        return Unseen(500.0, 0.0)

    async def read_effects(self, source: str, question: EffectsQuestion, at: int) -> BodyEffects | MetricsFailure:
        return self.did


def observing(mode: str) -> Moves:
    moves = Moves(mode)
    moves.tracked.state = replace(moves.tracked.state, step_started_at=NOW)
    moves.tracked.ledger = Ledger({SeriesKey(2, "baseline", "default", "p1"): Tally(started=1)})
    return moves


async def test_settings_that_change_nothing_are_told_until_they_change_something() -> None:
    moves = observing("RequestBody")
    await look_for_unseen(Reader(BodyEffects(0.0, 500.0)), moves.tracked, NOW + LEAST_SECONDS)
    told = with_unseen(moves.tracked, IN_FORCE)
    assert (told.status, told.reason) == (ConditionStatus.TRUE, "NeverApplied")
    assert told.message.startswith(IN_FORCE.message) and "Of about 500 settings" in told.message
    assert with_unseen(moves.tracked, told) == told
    failed = Reader(MetricsFailure(FailureKind.TIMEOUT, "it took too long"))
    await look_for_unseen(failed, moves.tracked, LATER)
    assert with_unseen(moves.tracked, told) == told
    await look_for_unseen(Reader(BodyEffects(400.0, 100.0)), moves.tracked, LATER + int(SECONDS_BETWEEN))
    assert with_unseen(moves.tracked, told) == IN_FORCE


async def test_a_mode_without_an_injector_is_not_asked_for_what_it_did() -> None:
    moves = observing("GatewayHeader")
    await look_for_unseen(Reader(BodyEffects(0.0, 500.0)), moves.tracked, NOW + LEAST_SECONDS)
    assert with_unseen(moves.tracked, IN_FORCE) == IN_FORCE


@pytest.mark.parametrize(
    ("changed", "unchanged", "told"),
    [(0, 199, False), (0, 200, True), (1, 199, True), (2, 198, False), (500, 0, False)],
)
def test_few_settings_and_such_as_change_one_body_in_a_hundred_say_nothing(
    changed: float, unchanged: float, told: bool
) -> None:
    assert bool(never_applied(changed, unchanged, 600)) == told


@pytest.mark.parametrize(
    ("of_baseline", "alike"), [((0.0, 0.0), True), ((0.0, 900.0), True), ((4.0, 996.0), True), ((900.0, 100.0), False)]
)
def test_variants_are_said_to_be_alike_only_where_the_baselines_settings_change_no_body_either(
    of_baseline: tuple[float, float], alike: bool
) -> None:
    told = never_applied(0.0, 1000.0, 600, *of_baseline)
    assert ("are as the baseline's" in told) == alike
    assert ("About 900 of 1000 of the baseline's changed one" in told) != alike


async def test_a_looser_candidate_is_not_said_to_be_as_its_baseline() -> None:
    moves = observing("RequestBody")
    await look_for_unseen(Reader(BodyEffects(0.0, 500.0, 400.0, 100.0)), moves.tracked, NOW + LEAST_SECONDS)
    told = with_unseen(moves.tracked, IN_FORCE)
    assert told.reason == "NeverApplied" and "the baseline's setting is compared with none" in told.message


class Source:
    """A source that answers with these samples and keeps the query."""

    def __init__(self, samples: list[Sample] | None) -> None:
        self.samples, self.query = samples, ""

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        self.query = query
        if self.samples is None:
            raise MetricsFailure(FailureKind.TIMEOUT, "it took too long")
        return self.samples


def test_set_and_lowered_are_changes_and_all_else_is_none() -> None:
    samples = [Sample({"effect": each}, value) for each, value in (("set", 3.0), ("lowered", 4.0), ("kept", 5.0))]
    samples += [Sample({"effect": "refused"}, 6.0), Sample({"effect": "set"}, float("nan"))]
    own = (("set", 3.0), ("lowered", 5.0), ("kept", 9.0))
    samples += [Sample({"variant": "baseline", "effect": each}, value) for each, value in own]
    question = EffectsQuestion("llm/qa", 600, "namespace")
    source = Source(samples)
    assert read_effects(source, question, NOW) == BodyEffects(7.0, 11.0, 8.0, 9.0)
    assert source.query == effects_query(question)
    assert 'policy="llm/qa",namespace="llm"}[600s]' in source.query
    assert isinstance(read_effects(Source(None), question, NOW), MetricsFailure)
