"""A class gets a setting that is proven in it, whatever the settings' order and whatever happens in other classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Look, Tally
from earlystop.evidence import class_map
from earlystop.evidence.class_map import ClassEvidence
from earlystop.evidence.class_objective import class_objective
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Basis, ClassMargin, Guardrail, GuardrailKind, Objective

OBJECTIVE = Objective(
    margin=0.05,
    minimum_saving=0.10,
    risk_promote=0.05,
    risk_harm=0.05,
    basis=Basis.PAIRS,
    split_known=False,
    has_own_requests=False,
)


def look(at: int, lost: int, length: int, pairs: int = 100) -> Look:
    """100 requests of which the setting spoils so many, at a mean length of so many tokens; the baseline's is 300."""
    baseline = Tally(started=pairs, completed=pairs, match=80, mismatch=20, tokens=300 * pairs)
    squared = {"tokens_squared": 91_000 * pairs}
    counted = Tally(pairs_both=80 - lost, pairs_baseline_only=lost, pairs_neither=20)
    candidate = Tally(
        started=pairs,
        completed=pairs,
        match=80 - lost,
        mismatch=20 + lost,
        tokens=length * pairs,
        tokens_squared=(length**2 + 100) * pairs,
    )
    return Look(at, 0, 50, baseline + Tally(**squared), candidate + counted)


def after(looks: int, *kinds: tuple[int, int]) -> tuple[ClassEvidence, ...]:
    """A class after so many looks; kinds: answers lost and mean length of each setting."""
    records = [[look(at, *kind) for at in range(1, looks + 1)] for kind in kinds]
    return class_map.replayed(OBJECTIVE, records, OBJECTIVE.risk_promote)


HARMLESS, BOLD, HARMFUL = (0, 240), (0, 150), (20, 60)


def test_a_class_without_proof_keeps_the_baseline() -> None:
    family = after(1, HARMLESS, HARMFUL)
    assert class_map.best(family) is None and not class_map.is_settled(family)


def test_a_class_in_which_every_setting_is_harmful_is_settled_and_keeps_the_baseline() -> None:
    family = after(20, HARMFUL, HARMFUL)
    assert class_map.best(family) is None and class_map.is_settled(family)


@pytest.mark.parametrize("kinds", [(HARMLESS, BOLD, HARMFUL), (HARMFUL, BOLD, HARMLESS), (BOLD, HARMFUL, HARMLESS)])
def test_a_class_gets_the_proven_setting_that_saves_most_in_whatever_order_settings_stand(
    kinds: tuple[tuple[int, int], ...],
) -> None:
    family = after(20, *kinds)
    assert class_map.best(family) == kinds.index(BOLD) and class_map.is_settled(family)


def test_a_setting_that_was_certified_is_not_given_while_the_evidence_speaks_against_it() -> None:
    records = [[look(at, *(HARMLESS if at <= 20 else HARMFUL)) for at in range(1, 41)]]
    family = class_map.replayed(OBJECTIVE, records, OBJECTIVE.risk_promote)
    assert family[0].certified_at is not None and class_map.best(family) is None


def test_a_setting_that_saves_less_than_was_asked_for_is_not_given() -> None:
    assert class_map.best(after(20, (0, 290))) is None


@pytest.mark.slow
@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_looks_replayed_by_their_moments_give_what_they_gave_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    family = class_map.start(OBJECTIVE, 3)
    records: list[list[Look]] = [[], [], []]
    for at in range(1, 9):
        due = [look(at, int(rng.integers(0, 9)), 200) if rng.random() < 0.8 else None for _ in records]
        family = class_map.after_looks(family, due, at, OBJECTIVE.risk_promote)
        for record, each in zip(records, due, strict=True):
            record += [] if each is None else [each]
    assert class_map.replayed(OBJECTIVE, records, OBJECTIVE.risk_promote) == family


def test_what_is_to_be_proven_in_a_class_is_its_own_margin_and_nothing_about_other_requests() -> None:
    whole = Objective(
        margin=0.02,
        minimum_saving=0.1,
        risk_promote=0.05,
        risk_harm=0.05,
        floor=0.5,
        guardrails=(Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),),
        classes=(ClassMargin("hard", 0.04),),
        source=DispersionSource.USERS,
    )
    own = class_objective(whole, 0.04)
    assert (own.margin, own.classes, own.guardrails, own.floor) == (0.04, (), (), None)
    assert own.source is DispersionSource.LOOKS and own.risk_promote == whole.risk_promote
