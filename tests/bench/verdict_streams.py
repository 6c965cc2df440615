"""Random streams of every objective: does an interval that is shown ever contradict the verdict beside it?"""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np

from earlystop.api.counts import ClassAnswers, Look, Pairs, Tally
from earlystop.evidence import engine
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.engine import EXACT_MATCH, Assessment, EvidenceState, Verdict
from earlystop.evidence.objective import Basis, ClassMargin, Guardrail, GuardrailKind, Objective

PLAIN = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.05)
LEARNED = replace(PLAIN, source=DispersionSource.LOOKS, known_looks=4, sessions_declared=True)
CLASSES = (ClassMargin("easy", 0.05), ClassMargin("hard", 0.08))

OBJECTIVES: dict[str, Objective] = {
    "plain": PLAIN,
    "smaller risks": replace(PLAIN, risk_promote=0.001, risk_harm=0.01),
    "dispersion": replace(PLAIN, dispersion=2.5),
    "classes": replace(PLAIN, classes=CLASSES),
    "each class": replace(PLAIN, classes=CLASSES, require_each=True, dispersion=1.5),
    "pairs": replace(PLAIN, basis=Basis.PAIRS),
    "cohorts": replace(PLAIN, split_known=False, margin=0.05),
    "longest answer": replace(PLAIN, longest_answer=4000),
    "learned": LEARNED,
    "learned, classes": replace(LEARNED, classes=CLASSES),
    "floor and guardrail": replace(
        PLAIN, floor=0.6, guardrails=(Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),)
    ),
}

LOOKS = 40


def contradictions(objective: Objective, streams: int, seed: int) -> tuple[list[str], int]:
    """Sentences on streams whose intervals contradict their claims at a look, and how many streams ended in a verdict.

    Each stream has its own traffic, EM, true difference and saving, and a baseline that wanders.
    """
    found, decided = [], 0
    for number in range(streams):
        rng = np.random.default_rng([seed, number])
        state = engine.begin(objective)
        rates = rng.uniform(0.3, 0.98), rng.choice([-3, -1.5, -1, 0, 0.5]) * objective.margin
        size, saving = int(rng.choice([40, 200, 1500])), rng.choice([0.05, 0.1, 0.4])
        for at in range(LOOKS):
            state = engine.update(state, _look(rng, objective, at, size, rates, saving))
            problem = _contradiction(state)
            if problem:
                found.append(f"stream {number}, look {at}: {problem}")
            if state.assessment.verdict is not Verdict.CONTINUE:
                decided += 1
                break
    return found, decided


def _contradiction(state: EvidenceState) -> str:
    found, objective = state.assessment, state.objective
    keeps = found.log_e_max.promote >= -log(objective.risk_promote)
    harms = EXACT_MATCH in found.harms
    effect = found.effect
    if effect.low is None or effect.high is None:
        return "the effect has no bounds"
    agrees = (effect.low > -objective.margin, effect.high < -objective.margin) == (keeps, harms)
    if not agrees and not (keeps and harms):
        return f"effect {effect}, promote {keeps}, harm {harms}"
    return _misplaced(found, objective)


def _misplaced(found: Assessment, objective: Objective) -> str:
    saving = found.saving
    if (saving.low is not None and saving.low > objective.minimum_saving) != found.saves_tokens:
        return f"saving {saving}, saves {found.saves_tokens}"
    for each in (found.effect, saving):
        low, high = (-np.inf if each.low is None else each.low), (np.inf if each.high is None else each.high)
        if each.estimate is not None and not low <= each.estimate <= high:
            return f"the estimate lies outside {each}"
    return ""


def _look(
    rng: np.random.Generator, objective: Objective, at: int, size: int, rates: tuple[float, float], saving: float
) -> Look:
    base, difference = rates
    hard = rng.uniform(0.1, 0.9)
    arms, by_class = [], []
    for change, kept in ((0.0, 1.0), (difference, 1 - saving)):
        number = max(4, int(rng.binomial(2 * size, 0.5)))
        of_hard = min(max(1, int(rng.binomial(number, hard))), number - 1)
        counts = (number - of_hard, of_hard)
        rate = [min(max(base + change + shift, 0.0), 1.0) for shift in (0.02, -0.2)]
        match = [int(rng.binomial(count, each)) for count, each in zip(counts, rate, strict=True)]
        by_class.append([(hit, count - hit) for hit, count in zip(match, counts, strict=True)])
        lengths = np.minimum(np.rint(rng.gamma(1.5, 400 * kept, number)), 4000).astype(int)
        tokens = {"tokens": int(lengths.sum()), "tokens_squared": int((lengths * lengths).sum())}
        arms.append(Tally(number, number, 0, sum(match), number - sum(match), **tokens))
    if objective.basis is Basis.PAIRS:
        worse = 0.03 - difference / 2
        drawn = rng.multinomial(size, [0.8 - 0.06, worse, 0.06 - worse, 0.2])
        pairs = {f"pairs_{name}": int(count) for name, count in zip(Pairs._fields, drawn, strict=True)}
        arms[1] = replace(arms[1], **pairs)
    classes = tuple(ClassAnswers(*by_class[0][k], *by_class[1][k]) for k in range(len(objective.classes)))
    return Look(15 * at, 0, 50, arms[0], arms[1], classes)
