"""The judged part of a policy, pinned for a whole campaign: a later edit starts a new one, never bends this one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from earlystop.api.counts import Variant
from earlystop.api.interning import interned, interned_spec
from earlystop.api.policy import Candidate, PolicySpec, Setting
from earlystop.evidence.class_objective import class_objective
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.version import CURRENT, FIRST
from earlystop.rollout.answer_limit import checked_limit
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse
from earlystop.rollout.plan_objective import objective_of
from earlystop.rollout.search.progress import Incumbent
from earlystop.rollout.search.space import by_trials
from earlystop.rollout.search.trial_plan import TrialPlan

TIMES = ("aaSeconds", "learnSeconds", "minimumHours", "minimumSeconds", "shadowSeconds")
LOOK_SECONDS, WHEN_SAFE, BY_TIME, LONGEST_ANSWER = "lookSeconds", "WhenSafe", "ByTime", "longestAnswer"
SHADOW_PART = 0.2
"""Part of the risk of harm that is spent in shadow where live answers follow: pairs need few requests anyway."""

PINNED = {"target_ref", "parameters", "baseline", "candidates", "search", "delivery", "metrics", "objective"}


class StageKind(StrEnum):
    """What happens in a stage: the baseline alone is watched; its requests are judged as each candidate would have
    answered them; or requests are split."""

    LEARN = "Learn"
    SHADOW = "JudgedInShadow"
    SPLIT = "Split"


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a plan, with weights of its own.

    kind: what happens in it. weight: percent of requests that each candidate gets, 0 unless they are split.
    minimum_seconds: least time of evidence before the next stage or a promotion. same_setting: whether requests of
    candidates get the baseline's setting (A/A).
    """

    kind: StageKind
    weight: int
    minimum_seconds: int
    same_setting: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What one campaign tries and must prove.

    text: canonical JSON, the identity of the plan: all else follows from it.
    names, variants, settings: of each candidate, in the policy's order; variants: labels in headers and metrics.
    stages: learning how answers scatter and judging in shadow come first where the policy asks for them.
    attempt: which campaign of its candidates this is, among those that share the risks of error.
    used: what promotions since the pinned baseline have used of margin and risk.
    trial: which trial of a search it is, None outside of one; its setting is then the only candidate.
    retry: the token by which a person started it anew, "" where none did.
    longest_answer: what the MetricSource said of it when the campaign began, in output tokens; None where nothing.
    """

    text: str
    spec: PolicySpec = field(compare=False)
    names: tuple[str, ...] = field(compare=False)
    variants: tuple[str, ...] = field(compare=False)
    baseline_settings: dict[str, str] = field(compare=False)
    settings: tuple[dict[str, str], ...] = field(compare=False)
    stages: tuple[Stage, ...] = field(compare=False)
    objective: Objective = field(compare=False)
    attempt: int = field(default=1, compare=False)
    used: MarginUse = field(default=NOTHING_USED, compare=False)
    trial: TrialPlan | None = field(default=None, compare=False)
    retry: str = field(default="", compare=False)
    longest_answer: int | None = field(default=None, compare=False)
    _answered: tuple[PolicySpec, str, bool] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def incumbent(self) -> Incumbent | None:
        """The setting that serves while the candidate is tried, None where the baseline does."""
        return None if self.trial is None else self.trial.incumbent

    def incumbent_weight(self, step: int) -> int:
        """Percent of requests that the incumbent gets in a step: all that baseline and candidate do not; 0 without
        one."""
        if self.trial is None or self.trial.incumbent is None:
            return 0
        stage = self.stage(step)
        if stage.kind is not StageKind.SPLIT:
            return self.trial.incumbent_weight
        return 100 - stage.weight - self.trial.baseline_weight(stage.weight)

    def settings_of(self, name: str) -> dict[str, str]:
        """Value of each parameter of a candidate. Raises ValueError for a name that is not in the plan."""
        return self.settings[self.names.index(name)]

    def label_of(self, name: str) -> str:
        """Label of a candidate in headers and metrics. Raises ValueError for a name that is not in the plan."""
        return self.variants[self.names.index(name)]

    def is_asked_for(self, spec: PolicySpec, retry: str) -> bool:
        """Whether a policy as it is written now asks for this plan, and for no other campaign. The version of the
        engine, the attempt, what was used, the trial and what the MetricSource said are the plan's own: no policy asks
        for these. retry: as in `plan_text`."""
        known = self._answered
        if known is None or known[0] is not spec or known[1] != retry:
            # A look asks several times, and the hash of a whole spec costs more than all else of the answer.
            own = self.objective.engine, self.attempt, self.used, self.trial, self.longest_answer
            asked = _asks_for(self.text, spec, retry, *own)
            known = spec, retry, asked
            object.__setattr__(self, "_answered", known)
        return known[2]

    def stage(self, step: int) -> Stage:
        """The stage of a step. Each candidate that is dropped begins a new step, of the last stage's kind."""
        return self.stages[min(step, len(self.stages) - 1)]

    def objective_at(self, step: int, learned: float | None) -> Objective:
        """What is to be proven in a step; learned: the factor that the baseline's scatter has shown, if it was watched.

        In shadow both answers to a request are known, so they are pairs; no live answer of a class is there, and
        requests that failed or are open have no shadow, so no share of them is expected.
        """
        stage = self.stage(step).kind
        objective = replace(
            self.objective,
            dispersion=learned or self.objective.dispersion,
            risk_harm=self.objective.risk_harm * self._share_of_harm(stage),
        )
        if stage is StageKind.SHADOW:
            return replace(
                objective,
                basis=Basis.PAIRS,
                classes=(),
                require_each=False,
                split_known=False,
                source=DispersionSource.LOOKS if objective.by_users else objective.source,
                about=None,
                has_own_requests=False,
            )
        return objective

    @property
    def is_per_class(self) -> bool:
        """Whether every candidate is judged in each query class by itself."""
        return self.spec.objective.per_class

    def class_objectives_at(self, step: int, learned: float | None) -> dict[str, Objective]:
        """What is to be proven in each query class that is judged by itself, by its name and in the policy's order;
        parameters as for `objective_at`."""
        if not self.is_per_class:
            return {}
        whole = self.objective_at(step, learned)
        return {each.name: class_objective(whole, each.margin) for each in self.objective.classes}

    def _share_of_harm(self, stage: StageKind) -> float:
        """The part of the risk of harm that a stage spends: a candidate may be taken back in shadow and again on live
        answers, so the two share it. Version 1 of the engine spent the whole in each."""
        kinds = {each.kind for each in self.stages}
        if self.objective.engine == FIRST or not {StageKind.SHADOW, StageKind.SPLIT} <= kinds:
            return 1.0
        return SHADOW_PART if stage is StageKind.SHADOW else 1 - SHADOW_PART


@lru_cache(maxsize=4096)
def variant_labels(spec: PolicySpec) -> tuple[str, ...]:
    """Labels of the candidates in headers and metrics: a canary has just one, elsewhere its name tells each apart."""
    if spec.delivery.traits.by_weights and not spec.strategy_traits.takes_several:
        return (Variant.CANDIDATE.value,)
    return tuple(candidate.name for candidate in spec.settings_to_try())


def plan_text(
    spec: PolicySpec,
    retry: str = "",
    engine: int = CURRENT,
    attempt: int = 1,
    used: MarginUse = NOTHING_USED,
    trial: TrialPlan | None = None,
    longest_answer: int | None = None,
) -> str:
    """Canonical JSON of what a campaign is about. Defaults are left out, so that a release which adds a field
    with a default does not restart every rollout. `retry` is a token that a person changes to start again; engine:
    version of the arithmetic that judges it, left out for version 1; attempt, used, trial, longest_answer: as in
    `Plan`, left out where they are 1 and nothing. How steps are left is said where it is not by time, as in all plans
    of version 1, and how often is looked where looks must be longer than a part of a declared session."""
    pinned = spec.model_dump(mode="json", by_alias=True, include=PINNED, exclude_defaults=True, exclude_none=True)
    pinned.get("metrics", {}).pop("crossCheck", None)  # no evidence, so whoever asks for it begins no campaign anew
    pinned["strategy"] = spec.rollout.strategy
    pinned["steps"] = [step.wire() for step in spec.rollout.steps]
    pinned |= {name: value for name, value in spec.rollout.wire().items() if name in TIMES and value}
    if spec.objective.exact_match.longest_session_seconds is not None:
        pinned[LOOK_SECONDS] = spec.rollout.look_seconds
    if retry:
        pinned["retry"] = retry
    if engine != FIRST:
        pinned["engine"] = engine
        pinned |= {"advance": WHEN_SAFE} if spec.rollout.advance == WHEN_SAFE else {}
    if attempt != 1:
        pinned["attempt"] = attempt
    if used != NOTHING_USED:
        pinned["used"] = used._asdict()
    if trial is not None:
        pinned.pop("candidates", None)  # of a plan's own spec, which has the trial's setting as its only candidate
        pinned["trial"] = trial.wire()
    if longest_answer is not None:
        pinned[LONGEST_ANSWER] = longest_answer
    return json.dumps(pinned, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _asks_for(
    text: str,
    spec: PolicySpec,
    retry: str,
    engine: int,
    attempt: int,
    used: MarginUse,
    trial: TrialPlan | None,
    longest: int | None,
) -> bool:
    """Whether that is the plan's text. Every reconciliation asks, and hardly ever of another spec."""
    return plan_text(spec, retry, engine, attempt, used, trial, longest) == text


@lru_cache(maxsize=4096)
def parse_plan(text: str) -> Plan:
    """The plan behind its canonical JSON.

    Raises ValueError (pydantic's) when the text is not a plan with candidates, and steps where they are split, or names
    a version of the engine that this release does not know.
    """
    try:
        pinned = json.loads(text)
    except RecursionError:
        raise ValueError("a plan is a JSON object, and this text is nested without end") from None
    if not isinstance(pinned, dict) or not pinned.keys() >= {"strategy", "steps"}:
        raise ValueError("a plan is a JSON object with strategy and steps among its fields")
    retry = pinned.pop("retry", "")
    engine, attempt = pinned.pop("engine", FIRST), pinned.pop("attempt", 1)
    if not isinstance(attempt, int):
        raise ValueError(f"the plan's attempt is {attempt!r}; write which campaign of its candidates it is, 1 or more")
    used = MarginUse.of(pinned.pop("used", {}))
    trial = TrialPlan.of(pinned.pop("trial")) if "trial" in pinned else None
    longest = checked_limit(pinned.pop(LONGEST_ANSWER, None))
    rollout = {name: pinned.pop(name) for name in ("strategy", "steps", LOOK_SECONDS, *TIMES) if name in pinned}
    rollout["advance"] = pinned.pop("advance", BY_TIME)
    spec = interned_spec(_with_setting(PolicySpec.model_validate({**pinned, "rollout": rollout}), trial))
    candidates = spec.settings_to_try()
    if not candidates or (len(candidates) > 1 and not spec.tries_together):
        raise ValueError("a plan has exactly one candidate, or several that are judged together")
    stages = stages_of(spec, trial)
    if not stages:
        raise ValueError("a plan that splits requests has steps")
    return Plan(
        text=text,
        spec=spec,
        names=tuple(candidate.name for candidate in candidates),
        variants=variant_labels(spec),
        baseline_settings=spec.baseline_settings(),
        settings=tuple(spec.candidate_settings(candidate) for candidate in candidates),
        stages=stages,
        objective=interned(objective_of(spec, engine, attempt, used, trial, longest)),
        attempt=attempt,
        used=used,
        trial=trial,
        retry=str(retry),
        longest_answer=longest,
    )


def _with_setting(spec: PolicySpec, trial: TrialPlan | None) -> PolicySpec:
    """The spec with the setting of a trial as its only candidate. Raises ValueError where it has candidates already."""
    if trial is None:
        return spec
    if spec.candidates or not by_trials(spec):
        raise ValueError("the plan's trial is of no search that has trials; a plan has candidates, or a trial of those")
    values = tuple(Setting(name=name, value=value) for name, value in trial.values)
    return spec.model_copy(update={"candidates": (Candidate(name=trial.name, values=values),)})


def stages_of(spec: PolicySpec, trial: TrialPlan | None = None) -> tuple[Stage, ...]:
    """What happens one after the other; nothing where requests are to be split and there are no steps. Beside an
    incumbent the candidate of a trial gets no more than its plan says of what that one leaves."""
    rollout = spec.rollout
    if not spec.delivery.traits.moves_traffic:
        return (Stage(StageKind.SHADOW, 0, rollout.minimum_seconds),)
    first = [Stage(StageKind.LEARN, 0, rollout.learn_seconds)] if rollout.learn_seconds else []
    first += [Stage(StageKind.SHADOW, 0, rollout.shadow_seconds)] if rollout.shadow_seconds else []
    if not spec.delivery.traits.split_known:
        # Nobody knows how many requests a cohort sends; an even share stands for it.
        even = 100 // (spec.most_at_once + 1)
        first += [Stage(StageKind.SPLIT, even, rollout.aa_seconds, same_setting=True)] if rollout.aa_seconds else []
        return (*first, Stage(StageKind.SPLIT, even, rollout.minimum_seconds))
    splits = tuple(Stage(StageKind.SPLIT, step.weight, step.minimum_seconds) for step in rollout.steps)
    if trial is not None:
        splits = _at_most(splits, trial.largest_weight)
    return (*first, *splits) if rollout.steps else ()


def _at_most(stages: Sequence[Stage], largest: int) -> tuple[Stage, ...]:
    """Stages of which none has a larger weight; those that become alike are one, with the longest least time."""
    below = {each.weight: each for each in stages if each.weight < largest}
    above = [each.minimum_seconds for each in stages if each.weight >= largest]
    return (*below.values(), *([Stage(StageKind.SPLIT, largest, max(above))] if above else []))
