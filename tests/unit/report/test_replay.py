"""The script of a page repeats the evidence of a verdict as Python has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.assessment import Assessment
from earlystop.evidence.engine import begin, update
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.verify import recomputed
from tests.unit.report.drawn_verdicts import drawn_verdict
from tests.unit.report.script_engine import Replayer, replayer

NEAR = 1e-9
VERDICTS = 200


@pytest.fixture(scope="module", name="scripts")
def _scripts() -> Iterator[Replayer]:
    with replayer() as found:
        yield found


def values_of(assessment: Assessment) -> dict[str, float | None]:
    """What the page shows of an assessment, by the names of the script's."""
    now, largest = assessment.log_e, assessment.log_e_max
    found: dict[str, float | None] = {
        f"{kind}.{name}": getattr(values, name)
        for kind, values in (("now", now), ("largest", largest))
        for name in ("promote", "harm", "tokens")
    }
    for kind, interval in (("effect", assessment.effect), ("saving", assessment.saving)):
        found |= {f"{kind}.{name}": getattr(interval, name) for name in ("estimate", "low", "high")}
    return found


def assert_repeated(scripts: Replayer, verdict: dict[str, Any], *, at_each_look: bool) -> None:
    """Every comparison of a verdict is repeated, at its last look or at each one."""
    record = VerdictSpec.model_validate(verdict["spec"])
    plan = parse_plan(record.plan)
    for of in (record, *record.others):
        comparison = recomputed(record, plan, of)
        objective = comparison.evidence.objective
        repeated = scripts.replay(objective, record.columns, of.looks)
        assert len(repeated) == len(comparison.looks) + 1
        states = [comparison.evidence]
        if at_each_look:
            states = [begin(objective)]
            for look in comparison.looks:
                states.append(update(states[-1], look))
        for state, again in zip(states, repeated[-len(states) :], strict=True):
            expected = values_of(state.assessment)
            found = {name: again[name.split(".")[0]][name.split(".")[1]] for name in expected}
            assert found == pytest.approx(expected, rel=NEAR, abs=NEAR), (verdict["metadata"]["name"], of.candidate)


def test_evidence_and_intervals_are_those_of_python_at_each_look(scripts: Replayer) -> None:
    for seed in (1, 3, 8):
        assert_repeated(scripts, drawn_verdict(seed), at_each_look=True)


@pytest.mark.slow
def test_two_hundred_verdicts_are_those_of_python_to_a_billionth(scripts: Replayer) -> None:
    for seed in range(VERDICTS):
        assert_repeated(scripts, drawn_verdict(seed), at_each_look=False)
