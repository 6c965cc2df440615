"""A setting certified on golden questions: another scorer or set is told and acted on, a missing one is not."""

from __future__ import annotations

import pytest

from earlystop.metrics.convention.evaluators import EvaluatorDigests
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.turns import Turns
from tests.unit.controller.certified_world import EVALUATOR, QUESTIONS, SCORER, EvaluatedWorld

OTHER = "0" * 32
BROKEN = EvaluatorDigests((OTHER,), (QUESTIONS,))
UNREACHABLE = MetricsFailure(FailureKind.UNREACHABLE, "The source does not answer.")


async def promoted(world: object) -> EvaluatedWorld:
    """The world after a promotion whose certificate is bound to the evaluator."""
    assert isinstance(world, EvaluatedWorld)
    await world.reconcile_until("Promoted")
    await world.reconcile()
    bound = world.status["certified"]["bound"]
    assert (bound["scorer"], bound["questions"]) == (SCORER, QUESTIONS)
    assert world.condition("Certified")["status"] == "True"
    return world


@pytest.mark.slow
@pytest.mark.parametrize(
    ("evaluators", "reason"),
    [(BROKEN, "ScorerChanged"), (EvaluatorDigests((SCORER,), (OTHER,)), "QuestionsChanged")],
)
async def test_another_scorer_or_set_of_questions_ends_the_certificate_and_nothing_else_by_default(
    evaluators: EvaluatorDigests, reason: str
) -> None:
    async with EvaluatedWorld().open() as opened:
        world = await promoted(opened)
        world.paired.evaluators = evaluators
        await world.pass_time(180)
        assert world.condition("Certified")["status"] == "False" and world.condition("Certified")["reason"] == reason
        assert reason in world.told()
        world.restart()
        await world.pass_time(180)
        assert world.status["phase"] == "Promoted" and len(world.verdicts()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("missing", [EvaluatorDigests(), UNREACHABLE])
async def test_an_evaluator_that_is_gone_or_cannot_be_read_ends_no_certificate(
    missing: EvaluatorDigests | MetricsFailure,
) -> None:
    async with EvaluatedWorld("RollBack").open() as opened:
        world = await promoted(opened)
        world.paired.evaluators = missing
        await world.pass_time(900)
        assert world.condition("Certified")["status"] == "True" and world.status["phase"] == "Promoted"


@pytest.mark.slow
async def test_evaluators_that_differ_are_told_of_and_move_nothing() -> None:
    async with EvaluatedWorld("RollBack").open() as opened:
        world = await promoted(opened)
        world.paired.evaluators = EvaluatorDigests((OTHER, SCORER), (QUESTIONS,))
        await world.pass_time(300)
        condition = world.condition("Certified")
        assert (condition["status"], condition["reason"]) == ("Unknown", "EvaluatorsDiffer")
        assert "EvaluatorsDiffer" in world.told()
        world.restart()
        await world.pass_time(300)
        assert world.status["phase"] == "Promoted" and "lapse" not in world.status["certified"]
        world.paired.evaluators = EVALUATOR
        await world.pass_time(180)
        assert world.condition("Certified")["reason"] == "AsCertified"


@pytest.mark.slow
async def test_another_scorer_that_stays_takes_the_setting_off_where_the_policy_says_so() -> None:
    async with EvaluatedWorld("RollBack", guarded=False).open() as opened:
        world = await promoted(opened)
        world.paired.evaluators = BROKEN
        await world.reconcile_until("RolledBack")
        assert world.status["decision"]["reason"] == "CertificateLapsed"
        assert "how its evaluator scores answers" in world.status["decision"]["message"]


@pytest.mark.slow
async def test_a_scorer_that_was_put_back_while_nobody_could_read_it_costs_no_request() -> None:
    async with EvaluatedWorld("RollBack").open() as opened:
        world = await promoted(opened)
        world.paired.evaluators = BROKEN
        turns = Turns()
        while world.condition("Certified")["status"] == "True" and turns.another():
            await world.reconcile()
        world.paired.evaluators = UNREACHABLE
        world.restart()
        await world.pass_time(600)
        assert world.status["phase"] == "Promoted" and world.condition("Certified")["reason"] == "ScorerChanged"
        world.paired.evaluators = EVALUATOR
        await world.pass_time(300)
        assert world.status["phase"] == "Promoted" and world.condition("Certified")["status"] == "True"


@pytest.mark.slow
async def test_evaluators_are_asked_once_for_a_look_of_a_guard_and_now_and_then_without_one() -> None:
    async with EvaluatedWorld().open() as opened:
        world = await promoted(opened)
        await world.pass_time(1800)
        asked, looks = world.paired.asked, world.status["guard"]["looksTaken"]
        await world.pass_time(1800)
        more = world.status["guard"]["looksTaken"] - looks
        assert 0 < world.paired.asked - asked <= more + 8
    async with EvaluatedWorld(guarded=False).open() as opened:
        world = await promoted(opened)
        asked = world.paired.asked
        await world.pass_time(3600)
        assert 10 <= world.paired.asked - asked <= 13
