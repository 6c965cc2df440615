"""Campaigns of the same candidate share the risks of error: which of them a campaign is, and what is spent by it.

Whoever tries a candidate again and again promotes a bad one in the end. So a policy names over how many campaigns of
one candidate its risks hold together (`objective.risk.campaigns`): retries, and edits of anything but the values
that the candidate changes and that number. The k-th of n spends `1/k^2` over the sum of `1/1^2` to `1/n^2` of each risk
(`evidence.multiple_testing.campaign_risk`); the one after the n-th begins anew. A campaign that never had a look of
evidence spends nothing.

A policy that is deleted takes its status with it, and its verdicts stay. One of the same name in the same namespace
goes on from these. What nobody can know of: campaigns that were deleted before their verdict, verdicts that somebody
has deleted, and the same candidate in a policy of another name or namespace.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from math import fsum
from typing import Any

from earlystop.api.look_table import number_of_looks
from earlystop.api.policy import PolicySpec
from earlystop.api.status.policy import RiskStatus
from earlystop.evidence.bound_part import policy_risk
from earlystop.evidence.multiple_testing import campaign_share
from earlystop.evidence.version import FIRST
from earlystop.rollout.formatting import risk_text
from earlystop.rollout.margin_use import part_of
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.search.space import by_trials
from earlystop.rollout.state import Attempts, RolloutState

MOST_REMEMBERED = 16
"""Candidates whose campaigns are counted; those that were tried last are kept."""


def attempts_spent(state: RolloutState) -> tuple[Attempts, ...]:
    """Campaigns of each candidate that spent risk, with the present one if it has had evidence; the latest first."""
    plan = state.plan
    if plan is None or plan.spec.objective.risk.campaigns == 1:
        return state.attempts
    has_trials = state.search is not None and bool(state.search.trials)
    if not has_trials and state.recorded is None and not any(len(each.looks) for each in state.comparisons):
        return state.attempts
    mine = [Attempts(key, plan.attempt) for key in _keys(plan.spec)]
    others = [each for each in state.attempts if each.candidate not in {own.candidate for own in mine}]
    if plan.spec.search is None:
        return (*mine, *others)[:MOST_REMEMBERED]
    # A search may have more settings than are remembered: they make nobody else's count forgotten.
    return (mine[0], *others, *mine[1:])[:MOST_REMEMBERED]


def attempts_recorded(records: Iterable[Mapping[str, Any]], policy: str) -> tuple[Attempts, ...]:
    """Campaigns of each candidate that spent risk, as the specs of verdicts tell of a policy of this name; the latest
    first. What was decided before any evidence, and records that cannot be read, count for nothing."""
    found: dict[str, Attempts] = {}
    settings: dict[str, Attempts] = {}  # of searches
    for record in sorted(records, key=lambda each: str(each.get("at", "")), reverse=True):
        if record.get("policy") != policy or not (number_of_looks(record) or record.get("others")):
            continue
        try:
            plan = parse_plan(str(record.get("plan")))
        except ValueError:
            continue
        if plan.spec.objective.risk.campaigns > 1:
            keys = _keys(plan.spec)
            first = len(keys) if plan.spec.search is None else 1
            for key in keys[:first]:
                found.setdefault(key, Attempts(key, plan.attempt))
            for key in keys[first:]:
                settings.setdefault(key, Attempts(key, plan.attempt))
    return tuple({**found, **{key: each for key, each in settings.items() if key not in found}}.values())[
        :MOST_REMEMBERED
    ]


def keys_recorded(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What a verdict tells of: candidates and searches, and the settings of a search. Of each of them
    `attempts_recorded` reads the latest verdict alone. None where it spent no risk that campaigns share. Raises
    ValueError for a plan that cannot be read."""
    plan = parse_plan(str(record.get("plan")))
    if plan.spec.objective.risk.campaigns == 1 or not (number_of_looks(record) or record.get("others")):
        return ()
    keys = _keys(plan.spec)
    first = len(keys) if plan.spec.search is None else 1
    return (*(f"whole/{key}" for key in keys[:first]), *(f"setting/{key}" for key in keys[first:]))


def next_attempt(attempts: Iterable[Attempts], spec: PolicySpec) -> int:
    """Which campaign of its candidates the next one is, from 1; of several, of that with the most.

    attempts: of the campaigns before. After as many as the policy names the count begins anew.
    """
    known = {each.candidate: each.campaigns for each in attempts}
    attempt = 1 + max((known.get(key, 0) for key in (*_keys(spec), *_earlier_keys(spec))), default=0)
    return attempt if attempt <= spec.objective.risk.campaigns else 1


def risk_status(plan: Plan) -> RiskStatus:
    """What a campaign may spend of each risk, and what its candidate has spent with it; of a wrong promotion also what
    those since the pinned baseline have spent."""
    risk, attempt = plan.spec.objective.risk, plan.attempt
    spent = fsum(campaign_share(each, risk.campaigns) for each in range(1, attempt + 1))
    promote, before = part_of(plan.spec, plan.used).risk, plan.used.risk
    return RiskStatus(
        campaign=attempt,
        campaigns=risk.campaigns,
        promote=risk_text(policy_risk(plan.objective, plan.objective.risk_promote)),
        harm=risk_text(policy_risk(plan.objective, plan.objective.risk_harm)),
        promote_spent=risk_text(before + promote * spent),
        harm_spent=risk_text(float(risk.harm) * spent),
    )


def recorded_risk(plan: Plan) -> RiskStatus | None:
    """What a campaign spends of the risks of error; None under version 1 of the engine, which did not say it."""
    return None if plan.objective.engine == FIRST else risk_status(plan)


def _keys(spec: PolicySpec) -> list[str]:
    """What tells candidates apart, whatever they are called: the values that they change, and over how many campaigns
    they count. A search is one candidate, which comes first, by the parameters that it changes, whatever its strategy
    and whatever else it names: else who adds a value, or a parameter that stays as it is, would have the whole risk
    again. Where it tries all settings at once, each of them counts as well."""
    settings = _changed_settings(spec)
    keys = [_digest(sorted(each.items()), spec) for each in settings]
    if spec.search is None:
        return keys
    whole = _digest(["search", *sorted({name for each in settings for name in each})], spec)
    return [whole] if by_trials(spec) else [whole, *keys]


def _changed_settings(spec: PolicySpec) -> list[dict[str, str]]:
    """The values that differ from the baseline's, for each setting that is tried."""
    baseline = spec.baseline_settings()
    settings = [spec.candidate_settings(each) for each in spec.settings_to_try()]
    return [{name: value for name, value in each.items() if value != baseline.get(name)} for each in settings]


def _earlier_keys(spec: PolicySpec) -> list[str]:
    """The keys by which statuses of earlier releases tell candidates apart: unchanged values count there too."""
    settings = [spec.candidate_settings(each) for each in spec.settings_to_try()]
    return [] if by_trials(spec) else [_digest(sorted(each.items()), spec) for each in settings]


def _digest(identity: list[Any], spec: PolicySpec) -> str:
    text = json.dumps([identity, spec.objective.risk.campaigns])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
