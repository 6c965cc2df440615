"""What a campaign must prove, out of what its policy asks for and what campaigns before it have used."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.evidence.bound_part import BOUND_PART
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.multiple_testing import campaign_risk
from earlystop.evidence.objective import About, Basis, ClassMargin, Guardrail, GuardrailKind, Objective, Unscored
from earlystop.evidence.version import CURRENT, FIRST
from earlystop.rollout.answer_limit import answer_limit
from earlystop.rollout.dispersion_terms import dispersion_source, known_looks
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse, part_of
from earlystop.rollout.search.trial_plan import TrialPlan


def objective_of(
    spec: PolicySpec,
    engine: int = CURRENT,
    attempt: int = 1,
    used: MarginUse = NOTHING_USED,
    trial: TrialPlan | None = None,
    longest_answer: int | None = None,
) -> Objective:
    """What a policy wants to have proven, as the evidence takes it. engine: version of the arithmetic. attempt, used,
    trial, longest_answer: as in `plan.Plan`; a trial has a risk of its own, out of what its attempt may spend. Raises
    ValueError where the attempt is none of those that share the risks, or nothing is left."""
    wanted, risk, longest = spec.objective, spec.objective.risk, answer_limit(spec, engine, longest_answer)
    part, tests = part_of(spec, used), 1 - BOUND_PART if spec.rollout.aa_seconds else 1
    return Objective(
        margin=part.margin,
        minimum_saving=float(wanted.tokens.minimum_saving),
        risk_promote=tests * (campaign_risk(part.risk, attempt, risk.campaigns) if trial is None else trial.risk),
        risk_harm=tests * campaign_risk(float(risk.harm), attempt, risk.campaigns),
        floor=None if wanted.exact_match.floor is None else float(wanted.exact_match.floor),
        guardrails=tuple(
            Guardrail(each.name, GuardrailKind(each.kind), float(each.maximum_ratio))
            for each in wanted.guardrails or ()
        ),
        classes=tuple(ClassMargin(each.name, float(each.margin)) for each in wanted.query_classes or ()),
        require_each=wanted.require_each,
        basis=Basis(wanted.exact_match.evidence),
        dispersion=float(wanted.exact_match.dispersion or 1),
        longest_answer=longest.tokens,
        limit_is_derived=longest.is_derived,
        # Where users keep a variant, requests are split as much as each of them asks.
        split_known=spec.delivery.traits.split_known and not spec.delivery.traits.same_users,
        engine=engine,
        source=DispersionSource.ASSUMED if engine == FIRST else dispersion_source(spec),
        about=_about(spec, engine),
        distinct_questions=None if wanted.exact_match.questions is None else wanted.exact_match.questions.number,
        unscored=Unscored(wanted.exact_match.unscored),
        known_looks=known_looks(spec),
        sessions_declared=wanted.exact_match.longest_session_seconds is not None,
        answers_repeat=wanted.exact_match.repeated_answers,
        same_setting_steps=1 if spec.rollout.aa_seconds else 0,
    )


def _about(spec: PolicySpec, engine: int) -> About | None:
    """What a verdict on pairs is about, where these are golden questions; version 1 of the engine did not say it."""
    wanted = spec.objective.exact_match
    if engine == FIRST or wanted.evidence != "Pairs" or not spec.delivery.traits.moves_traffic:
        return None
    return About.FILE if wanted.questions is None else About(wanted.questions.about)
