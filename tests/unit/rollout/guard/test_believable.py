"""An alarm takes the setting off whatever was counted: what no counter can say is in no status."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.rollout.guard.believable import LARGEST_COUNT, believable
from earlystop.rollout.guard.culprit import Frozen, culprits
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.spans import NO_RATES, Rates
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import to_status
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.rollout.guarding import TIMES, digest, harmed
from tests.unit.rollout.policies import UID

ABSURD = 2**70


@pytest.fixture(scope="module")
def harm() -> RolloutState:
    return harmed()


@pytest.mark.parametrize("frozen", [Frozen(0, 0, ABSURD, 0), Frozen(ABSURD, 0, 20, 20), Frozen(0, 0, 20, -1)])
def test_an_absurd_count_of_recorded_answers_is_none_and_holds_no_alarm_up(harm: RolloutState, frozen: Frozen) -> None:
    after = respond(TIMES, harm, digest(harm), replace(evidence_of(harm), frozen=frozen))
    assert after.phase is Phase.ROLLING_BACK and after == respond(TIMES, harm, digest(harm), evidence_of(harm))
    status = json.loads(json.dumps(to_status("qa", UID, TIMES, after, "")))
    assert "frozen" not in status["guard"]["culprit"]
    record = {
        "metadata": {"name": verdict_name("qa", after)},
        "spec": json.loads(json.dumps(verdict_spec("qa", UID, after))),
    }
    assert object_differences(record) == []


def test_absurd_counts_of_answers_and_classes_name_nobody_and_the_largest_count_stays(harm: RolloutState) -> None:
    known, absurd = evidence_of(harm), Rates(ABSURD, 1, 1, 1)
    assert believable(known) == known
    most = replace(known, frozen=Frozen(LARGEST_COUNT, 0, LARGEST_COUNT, 0))
    assert believable(most) == most
    for shown in (replace(known, before=absurd), replace(known, after=absurd)):
        found = believable(shown)
        assert NO_RATES in (found.before, found.after) and culprits(found).named == ()
    one_class = (Rates(1, 1, 1, 1), absurd)
    found = believable(replace(known, by_class_before=(known.before, known.after), by_class_after=one_class))
    assert (found.by_class_before, found.by_class_after) == ((), ())
