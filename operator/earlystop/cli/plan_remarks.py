"""What `kubectl earlystop plan` says beside its table: what a single look would need, and what speaks against the
forecast."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.evidence.dispersion_source import STATED, DispersionSource
from earlystop.rollout.answer_limit import answer_limit
from earlystop.rollout.dispersion_terms import dispersion_source
from earlystop.rollout.formatting import in_points
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse

FEW = 0.9
"""Fewer rollouts than these that end as is supposed say too little of their mean."""

COUNTED_UNTIL_THE_VERDICT = ("requests", "candidate_requests", "hours")
"""What a forecast has a mean of, and what nine of ten rollouts take at most."""


def rows_of(spec: PolicySpec) -> tuple[tuple[str, str, int], ...]:
    """The rows of the table: words, the figure's name and its decimal places. Every pair is about every variant."""
    hours = ("hours over all steps", "hours", 2)
    if spec.objective.exact_match.evidence == "Pairs":
        return (("pairs that are evidence, over all steps", "requests", 0), hours)
    return (
        ("scored requests that are evidence, over all steps", "requests", 0),
        ("of them judged for each candidate", "candidate_requests", 0),
        hours,
    )


def unit_of(spec: PolicySpec) -> str:
    """What the forecast counts, in the singular."""
    return "pair" if spec.objective.exact_match.evidence == "Pairs" else "request"


def supposed_remark(spec: PolicySpec, rate: float, baseline_em: float, discordance: float) -> str:
    """What the table supposes of traffic besides the loss, most of which nobody has to write. rate: scored requests, or
    pairs, a second, > 0; baseline_em, discordance: 0..1, the latter of any use where pairs are compared."""
    of_pairs = unit_of(spec) == "pair"
    coming = counted(f"{rate:g}", "pair") if of_pairs else counted(f"{rate:g}", "scored request", "scored requests")
    apart = (
        f", and {100 * discordance:g} % of pairs that just one variant has right (--discordance)"
        if of_pairs or not spec.delivery.traits.moves_traffic
        else ""
    )
    right = f"a baseline with {100 * baseline_em:g} % of answers right (--baseline-em)"
    return f"Supposed: {coming} a second (--rate), {right}{apart}."


def single_look_remark(spec: PolicySpec, found: Mapping[str, float | str]) -> str:
    """What one look at the end would need, how much comes by the deadline, and from where on waiting is hardly worth
    it; nothing of that where the deadline ends the rollout before."""
    unit, most = unit_of(spec), float(found["sensible_maximum"])
    waiting = (
        ""
        if most > float(found["requests_to_deadline"])
        else f" A rollout that has no verdict after {counted(round(most), unit)} hardly ever gets one."
    )
    return (
        f"A test that may look only once, when all is over, would need "
        f"{counted(round(float(found['fixed_sample'])), unit)} at the last step's split, and would find it in 90 % of "
        f"rollouts. The deadline allows {counted(round(float(found['requests_to_deadline'])), unit)}: a verdict by "
        f"then has probability {rounded_percent(float(found['power']))}.{waiting}"
    )


def why_few(spec: PolicySpec, fixed_sample: float, to_deadline: float) -> str:
    """Why so few rollouts end as is supposed, and what to suppose instead. fixed_sample: what one look at the end would
    need; to_deadline: what comes by the deadline; both in requests, or pairs, >= 0."""
    if to_deadline >= fixed_sample:
        return "the supposed loss is too near to the margin. Write an --em-loss further from it."
    unit = unit_of(spec)
    return (
        f"{counted(round(to_deadline), unit)} by the deadline are few where a single look would need "
        f"{round(fixed_sample):,}. Write a larger --rate or rollout.deadlineSeconds, or an --em-loss further from the "
        "margin."
    )


def forecast_remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """What speaks against the forecast, and what it takes for granted beyond the options."""
    names = [each.name for each in spec.settings_to_try()]
    sentences = []
    deadline = spec.rollout.deadline_seconds / 3600
    if float(found["hours_mean"]) > deadline:
        sentences.append(
            f"On average that is later than the deadline of {deadline:g} h, so most rollouts end without a verdict. "
            "More traffic, larger weights or a later rollout.deadlineSeconds help."
        )
    if float(found["share"]) < FEW:
        why = why_few(spec, float(found["fixed_sample"]), float(found["requests_to_deadline"]))
        part = rounded_percent(float(found["share"]))
        sentences.append(f"Only {part} of such rollouts ever end so, before their record is full: {why}")
    if any(float(found[f"{each}_mean"]) > float(found[f"{each}_ninety"]) for each in COUNTED_UNTIL_THE_VERDICT):
        sentences.append(
            "A mean is above what nine of ten rollouts take, since the few others take many times as much."
        )
    if spec.rollout.advance == "WhenSafe" and any(step.minimum_seconds for step in spec.rollout.steps[:-1]):
        sentences.append(
            "rollout.advance WhenSafe leaves a step when that is proven to be safe; a minimumSeconds of a step that "
            "has one after it only makes the rollout longer."
        )
    if len(names) > 1:
        sentences.append(
            f"Each of {counted(len(names), 'candidate')} ({', '.join(names)}) is supposed to be like that, and to "
            f"stay until its own verdict, at a risk of {found['risk']:.3g}; the closed test that judges them "
            "together needs no more."
        )
    sentences += [*_limit_remarks(spec), *_question_remarks(spec, found)]
    if not spec.delivery.traits.split_known:
        sentences.append("Cohorts are supposed to send equally many requests.")
    if spec.rollout.aa_seconds:
        sentences.append(
            "Hours include the stage in which all cohorts get the baseline's setting (A/A); requests are those after "
            "it. Cohorts are supposed to be alike; where the candidate's is better by itself, less margin is left."
        )
    if dispersion_source(spec) is DispersionSource.USERS:
        sentences.append(
            "Answers of one user are supposed to be no more alike than those of several. If they are, by a correlation "
            "of r, a cohort of U users tells no more than U / r independent answers, however long it goes on."
        )
    if not spec.delivery.traits.moves_traffic:
        sentences.append("Every scored request is a pair for each candidate; none is answered with one.")
    return sentences


def _limit_remarks(spec: PolicySpec) -> list[str]:
    """That the saving is tested exactly, where caps of the variants say how long an answer can be; that endless answers
    which have not come yet are not seen, where nobody says it and the policy lets no looks be waited for."""
    limit = answer_limit(spec)
    if limit.tokens is None and dispersion_source(spec) in STATED:
        return [
            "The policy states how answers scatter and not how long one can be: a candidate that gives an endless "
            "answer now and then may be promoted before the first has come. Write objective.tokens.longestAnswer, if "
            "the MetricSource says none."
        ]
    if not limit.is_derived:
        return []
    return [
        f"No answer has more than {counted(limit.tokens or 0, 'token')}, the largest cap of the variants (AnswerCap), "
        "so the saving is tested exactly. That takes hardly more answers where the cap is seven times the mean length, "
        "and four times as many where it is fifty times."
    ]


def _question_remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """How many different golden questions a verdict about their population needs, where there are any."""
    if "distinct_questions" not in found:
        return []
    needed, questions = float(found["distinct_questions"]), spec.objective.exact_match.questions
    said = f"about the population of golden questions needs {needed:,.0f} different ones in 90 % of rollouts"
    if questions is None or questions.about == "File":
        return [f"The verdict is about the file of golden questions; one {said}."]
    there = float(questions.number or 0)
    enough = "are enough" if there >= needed else "are too few, so most rollouts end as QuestionsExhausted"
    return [
        f"A verdict {said}, beside those that are asked while nothing counts (rollout.settleSeconds): {there:,.0f} "
        f"{enough}."
    ]


def margin_remarks(spec: PolicySpec, found: Mapping[str, float | str], used: MarginUse | None) -> list[str]:
    """What promotions since a pinned baseline leave for this campaign."""
    pinned = spec.baseline.pinned
    if pinned is None:
        return []
    before = used or NOTHING_USED
    whole = float(spec.objective.exact_match.margin)
    unknown = (
        " What promotions before have used stands in status.losses, which this file has not: nothing is supposed."
        if used is None
        else ""
    )
    return [
        f"Of the margin of {counted(format(100 * whole, 'g'), 'point')} against the pinned baseline, "
        f"{100 * before.lost:g} are spent; "
        f"promotion {before.promotions + 1} of {pinned.promotions} may lose {100 * float(found['margin']):g}.{unknown}"
    ]


def floor_remarks(spec: PolicySpec, baseline_em: float, em_loss: float = 0.0, *, source: str) -> list[str]:
    """What a floor does to what is supposed. baseline_em: 0..1; em_loss: the candidate's, 0 where each setting has its
    own. source: where the baseline's Exact Match is supposed, as people write it."""
    if spec.objective.exact_match.floor is None:
        return []
    floor = float(spec.objective.exact_match.floor)
    if baseline_em < floor:
        return [
            f"The baseline itself is below objective.exactMatch.floor: {in_points(baseline_em)} by {source}, and the "
            f"floor is {in_points(floor)}. A setting that answers as well as the baseline is taken back for that "
            "(BelowFloor), and so is each trial of a search. Write a lower floor."
        ]
    if baseline_em - em_loss < floor:
        return [
            f"A candidate that loses so much is below objective.exactMatch.floor, {in_points(floor)}, and is taken "
            "back for that (BelowFloor), whatever the forecast says."
        ]
    return []
