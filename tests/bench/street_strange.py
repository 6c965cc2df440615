"""Traffic that nobody had in mind when the claims were built: other laws of what `street` has, at the border.

Each campaign goes look by look through the engine that decides. What `street` measures of sessions, tokens and missing
answers has smooth laws; here they switch, have heavy tails or masses at their ends, or hit one variant alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import ClassMargin, Objective, Unscored, class_claim

MARGIN, RISK, RATE, SIZE, LOOKS = 0.02, 0.05, 0.85, 200, 300
SAVING, CAP = 0.10, 4096
TOLERANCE = MARGIN / 10
PLAIN = Objective(MARGIN, 0.0, RISK, RISK)
LEARNED = replace(PLAIN, source=DispersionSource.LOOKS)

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Strange:
    """A kind of traffic. objective: what is to be proven. looks: those of one campaign, and how much Exact Match the
    requests so far have lost. about_tokens: whether the claim in question is the saving. excused: whether a rollback is
    none of the errors, since the candidate loses more than the margin."""

    objective: Objective
    looks: Callable[[np.random.Generator], Iterator[tuple[Look, float]]]
    about_tokens: bool = field(default=False, kw_only=True)
    excused: bool = field(default=False, kw_only=True)


def errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns with a wrong promotion, or a wrong saving, and with a wrong rollback."""
    known = {**KINDS, **BEYOND}
    strange, number = known[kind], list(known).index(kind)
    found = np.array([_wrong(strange, np.random.default_rng([seed, number, run])) for run in range(runs)])
    return float(found[:, 0].mean()), float(found[:, 1].mean())


def _wrong(strange: Strange, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the first claim of each side is wrong for the requests so far."""
    objective, state = strange.objective, engine.begin(strange.objective)
    line, harm_line = -log(objective.risk_promote), -log(objective.harm_risks.exact_match)
    promoted: bool | None = None
    dropped: bool | None = None
    for look, lost in strange.looks(rng):
        state = engine.update(state, look)
        if strange.about_tokens:
            saved = state.exact_tokens or state.tokens
            if saved.log_e_max >= line:
                return True, False
            continue
        promote, harm = state.quality.deciding(objective.basis)
        held = state.attrition.suspected or state.attrition.shown(objective.risk_attrition)
        if promoted is None and promote.log_e_max >= line and not held:
            promoted = lost >= MARGIN - TOLERANCE
        if dropped is None and harm.log_e_max >= harm_line:
            dropped = lost <= MARGIN + TOLERANCE and not strange.excused
        if promoted is not None and dropped is not None:
            break
    return bool(promoted), bool(dropped)


def tally(answers: int, match: int, tokens: tuple[int, int] | None = None, unscored: int = 0) -> Tally:
    """Counts of one arm in a look. tokens: sums of lengths and of their squares."""
    total, squares = tokens or (100 * answers, 20_000 * answers)
    wrong = answers - match - unscored
    return Tally(answers, answers, 0, match, wrong, unscored, tokens=total, tokens_squared=squares)


REGIMES = np.array([(0.8, 0.15, 0.05), (0.1, 0.1, 0.8), (0.34, 0.33, 0.33), (0.02, 0.9, 0.08)])
"""Shares of three classes of questions in each of four regimes, which take turns by chance."""
CLASS_RATES = np.array([0.97, 0.8, 0.5])


def _regimes(stays: float, losses: tuple[float, float, float]) -> Callable[..., Iterator[tuple[Look, float]]]:
    """Regimes that switch, each with its own mix of classes; on average over all, the loss is the margin."""
    unscaled = float((REGIMES @ np.array(losses)).mean())
    by_class = np.array(losses) * MARGIN / unscaled

    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        regime, lost = int(rng.integers(4)), 0.0
        for number in range(1, LOOKS + 1):
            if rng.random() > stays:
                regime = int(rng.integers(4))
            lost += float(REGIMES[regime] @ by_class)
            n = rng.multinomial(SIZE, REGIMES[regime])
            n_c = rng.binomial(n, 0.5)
            n_b = n - n_c
            x_b, x_c = rng.binomial(n_b, CLASS_RATES), rng.binomial(n_c, CLASS_RATES - by_class)
            rows = zip(x_b.tolist(), (n_b - x_b).tolist(), x_c.tolist(), (n_c - x_c).tolist(), strict=True)
            arms = tally(int(n_b.sum()), int(x_b.sum())), tally(int(n_c.sum()), int(x_c.sum()))
            yield Look(15 * number, 0, 50, *arms, classes=tuple(ClassAnswers(*row) for row in rows)), lost / number

    return looks


def _tailed(
    tail: float, likeness: tuple[float, float], weight: int = 50, most: int = 20
) -> Callable[..., Iterator[tuple[Look, float]]]:
    """Sessions whose lengths have a Pareto tail, at most `most` looks, and which ask 1 to 5 times a look.

    likeness: intraclass correlation of the baseline's answers and of the candidate's.
    """
    spread = [1 / each - 1 for each in likeness]

    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        number = SIZE // 3

        def begun(count: int) -> tuple[Whole, Whole, Whole, NDArray[np.float64]]:
            length = np.minimum(np.ceil(1 + rng.pareto(tail, count)), most).astype(np.int64)
            arm = (rng.random(count) < weight / 100).astype(np.int64)
            mean, strength = np.array([RATE, RATE - MARGIN])[arm], np.array(spread)[arm]
            return length, arm, rng.integers(1, 6, count), rng.beta(mean * strength, (1 - mean) * strength)

        left, arm, each, rate = begun(number)
        left = rng.integers(1, left + 1)
        for at in range(1, LOOKS + 1):
            match = rng.binomial(each, rate)
            n, x = np.bincount(arm, each, 2).astype(int), np.bincount(arm, match, 2).astype(int)
            baseline, candidate = (tally(int(n[k]), int(x[k])) for k in (0, 1))
            yield Look(15 * at, 0, weight, baseline, candidate), MARGIN
            left = left - 1
            over = left == 0
            left[over], arm[over], each[over], rate[over] = begun(int(over.sum()))

    return looks


def _lengths(rng: np.random.Generator, count: int, session: int, also_empty: float) -> tuple[int, int]:
    """Sums of lengths, and of their squares: a quarter has none, some are cut off at the cap, by session.

    also_empty: share of answers that are empty besides, which is what they save.
    """
    sessions = -(-count // session)
    kind = np.repeat(rng.choice(3, sessions, p=(0.25, 0.15, 0.6)), session)[:count]
    own = rng.choice(3, count, p=(0.25, 0.15, 0.6))
    kind = np.where(rng.random(count) < 0.5, kind, own)
    usual = np.minimum(np.exp(rng.normal(5.5, 1.2, count)), CAP)
    drawn = np.rint(np.where(kind == 0, 0, np.where(kind == 1, CAP, usual))).astype(np.int64)
    drawn[rng.random(count) < also_empty] = 0
    return int(drawn.sum()), int((drawn * drawn).sum())


def _masses(session: int) -> Callable[..., Iterator[tuple[Look, float]]]:
    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        half = SIZE // 2
        for at in range(1, LOOKS + 1):
            baseline, candidate = (tally(half, 0, _lengths(rng, half, session, empty)) for empty in (0.0, SAVING))
            yield Look(15 * at, 0, 50, baseline, candidate), 0.0

    return looks


def _batches(
    period: int, batch: int, likeness: float, job: int = 2 * SIZE
) -> Callable[..., Iterator[tuple[Look, float]]]:
    """Independent answers, and in each so-manieth look a job that asks so many alike questions, in batches of one
    variant."""
    strength = 1 / likeness - 1

    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        for at in range(1, LOOKS + 1):
            n, rates = rng.multinomial(SIZE, (0.5, 0.5)), np.array([RATE, RATE - MARGIN])
            x = rng.binomial(n, rates)
            if at % period == 0:
                arm = rng.integers(0, 2, job // batch)
                rate = rng.beta(rates[arm] * strength, (1 - rates[arm]) * strength)
                n = n + np.bincount(arm, minlength=2) * batch
                x = x + np.bincount(arm, rng.binomial(batch, rate), 2).astype(int)
            baseline, candidate = (tally(int(n[k]), int(x[k])) for k in (0, 1))
            yield Look(15 * at, 0, 50, baseline, candidate), MARGIN

    return looks


def _hard_hidden(hidden: float, equal: float, loss: float) -> Callable[..., Iterator[tuple[Look, float]]]:
    """Three of ten questions are hard, and of these alone answers cannot be scored: `equal` of both variants' and
    `hidden` of the wrong ones of the candidate."""

    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        for at in range(1, LOOKS // 2 + 1):
            n_c = int(rng.binomial(2 * SIZE, 0.5))
            arms = []
            for n, lost, gone in ((2 * SIZE - n_c, 0.0, 0.0), (n_c, loss, hidden)):
                hard = int(rng.binomial(n, 0.3))
                easy_right = int(rng.binomial(n - hard, 0.96))
                right = int(rng.binomial(hard, 0.6 - lost / 0.3))
                right_gone = int(rng.binomial(right, equal))
                wrong_gone = int(rng.binomial(hard - right, equal + (1 - equal) * gone))
                arms.append(tally(n, easy_right + right - right_gone, unscored=right_gone + wrong_gone))
            yield Look(15 * at, 0, 50, arms[0], arms[1]), loss

    return looks


def _as_many(share: float, loss: float) -> Callable[..., Iterator[tuple[Look, float]]]:
    """As many answers of both variants cannot be scored: of the baseline whichever, of the candidate wrong ones."""

    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        for at in range(1, LOOKS // 2 + 1):
            n_c = int(rng.binomial(2 * SIZE, 0.5))
            n_b = 2 * SIZE - n_c
            x_b, x_c = int(rng.binomial(n_b, RATE)), int(rng.binomial(n_c, RATE - loss))
            gone_b, gone_c = int(rng.binomial(n_b, share)), min(n_c - x_c, int(rng.binomial(n_c, share)))
            left_b = x_b - int(rng.hypergeometric(x_b, n_b - x_b, gone_b))
            yield Look(15 * at, 0, 50, tally(n_b, left_b, unscored=gone_b), tally(n_c, x_c, unscored=gone_c)), loss

    return looks


def _unscored_by_class(
    by_class: tuple[tuple[float, float], tuple[float, float]], loss: float
) -> Callable[..., Iterator[tuple[Look, float]]]:
    """Half of the questions are hard. by_class: the share of wrong answers that cannot be scored, to easy and to hard
    questions, of the baseline and of the candidate. Hard ones alone lose."""

    def looks(rng: np.random.Generator) -> Iterator[tuple[Look, float]]:
        for at in range(1, LOOKS + 1):
            n_c = int(rng.binomial(SIZE, 0.5))
            arms, rows = [], []
            for n, lost, unscored in ((SIZE - n_c, 0.0, by_class[0]), (n_c, loss, by_class[1])):
                hard = int(rng.binomial(n, 0.5))
                counts = np.array([n - hard, hard])
                right = rng.binomial(counts, (0.97, 0.55 - 2 * lost))
                gone = rng.binomial(counts - right, unscored)
                arms.append(tally(n, int(right.sum()), unscored=int(gone.sum())))
                rows.append(list(zip(right.tolist(), (counts - right).tolist(), strict=True)))
            classes = tuple(ClassAnswers(*rows[0][k], *rows[1][k]) for k in (0, 1))
            yield Look(15 * at, 0, 50, arms[0], arms[1], classes=classes), loss

    return looks


def harmed_classes(by_class: tuple[tuple[float, float], tuple[float, float]], runs: int, seed: int) -> float:
    """The share of campaigns that name easy questions as harmed, which lose nothing. by_class: the share of wrong
    answers that cannot be scored, to easy and to hard questions, of the baseline and of the candidate."""
    objective, named = replace(PLAIN, classes=tuple(ClassMargin(name, MARGIN) for name in ("easy", "hard"))), 0
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        state = engine.replay(objective, (look for look, _ in _unscored_by_class(by_class, MARGIN)(rng)))
        named += class_claim("easy") in state.assessment.harms
    return named / runs


_CLASSES = tuple(ClassMargin(name, 0.2) for name in ("easy", "hard", "usual"))

KINDS: Mapping[str, Strange] = {
    "three classes, four regimes that switch after 9 looks": Strange(
        replace(PLAIN, classes=_CLASSES), _regimes(1 - 1 / 9, (0.0, 0.01, 0.06))
    ),
    "the same, after 2 looks, easy ones lose": Strange(
        replace(PLAIN, classes=_CLASSES), _regimes(0.5, (0.06, 0.01, 0.0))
    ),
    "session lengths with a Pareto tail of 1.2, likeness 0.3": Strange(LEARNED, _tailed(1.2, (0.3, 0.3))),
    "session lengths with a Pareto tail of 1.2, likeness 0.1 and 0.5": Strange(LEARNED, _tailed(1.2, (0.1, 0.5))),
    "session lengths with a Pareto tail of 2, likeness 0.3, at 10 %": Strange(LEARNED, _tailed(2.0, (0.3, 0.3), 10)),
    "lengths with masses at 0 and at the cap, in sessions of 6": Strange(
        replace(LEARNED, minimum_saving=SAVING), _masses(6), about_tokens=True
    ),
    "the same, independent, the cap is known": Strange(
        replace(PLAIN, minimum_saving=SAVING, longest_answer=CAP), _masses(1), about_tokens=True
    ),
    "the same, in sessions of 6, the cap is known": Strange(
        replace(LEARNED, minimum_saving=SAVING, longest_answer=CAP), _masses(6), about_tokens=True
    ),
    "a job of 400 alike requests, in batches of 20, each 8th look": Strange(LEARNED, _batches(8, 20, 0.5)),
    "a job of 400 alike requests, in batches of 40, each 24th look": Strange(LEARNED, _batches(24, 40, 0.5)),
    "hard questions alone are unscored: 20 % of its wrong ones, excluded": Strange(
        replace(PLAIN, unscored=Unscored.EXCLUDE), _hard_hidden(0.2, 0.02, 2 * MARGIN), excused=True
    ),
    "hard questions alone are unscored: 40 % of its wrong ones, counted as wrong": Strange(
        PLAIN, _hard_hidden(0.4, 0.0, MARGIN)
    ),
    **{
        f"query classes, {share:.0%} of the candidate's wrong answers to hard questions unscored, no other": Strange(
            replace(PLAIN, classes=_CLASSES[:2]), _unscored_by_class(((0.0, 0.0), (0.0, share)), MARGIN)
        )
        for share in (0.03, 0.1, 0.3)
    },
    "query classes, 30% of the baseline's wrong answers to hard questions unscored, no other": Strange(
        replace(PLAIN, classes=_CLASSES[:2]), _unscored_by_class(((0.0, 0.3), (0.0, 0.0)), MARGIN)
    ),
}
BEYOND: Mapping[str, Strange] = {
    f"{share:.0%} of both unscored and excluded, of the candidate wrong ones alone, twice the margin lost": Strange(
        replace(PLAIN, unscored=Unscored.EXCLUDE), _as_many(share, 2 * MARGIN), excused=True
    )
    for share in (0.01, 0.02, 0.05)
} | {
    "a job of 10,000 alike requests, in batches of 50, each 100th look": Strange(
        LEARNED, _batches(100, 50, 0.3, 10_000)
    )
}
"""What no count shows: as many are missing of both variants, and others; and what so few looks hold that no scatter of
blocks is learned from them."""
QUICK = (
    "session lengths with a Pareto tail of 1.2, likeness 0.1 and 0.5",
    "hard questions alone are unscored: 20 % of its wrong ones, excluded",
    "query classes, 30% of the candidate's wrong answers to hard questions unscored, no other",
)
