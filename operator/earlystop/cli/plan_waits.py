"""Why a planned rollout waits, besides for answers: what `kubectl earlystop plan` says of it."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.evidence.longest_session import LEAST_BLOCK, TOUCHED_BY_BLOCK, looks_to_learn
from earlystop.rollout.dispersion_terms import awaited_looks
from earlystop.rollout.look_spacing import looks_per_spacing, seconds_of_looks
from earlystop.rollout.plan import stages_of

MOST_OF_IT = 0.9
"""A part of the mean time from which on a wait is said to decide how long the rollout takes."""

LOOKS_WITHIN_LEAST = TOUCHED_BY_BLOCK[LEAST_BLOCK] - 1
"""A session of so many looks at most makes nothing wait for longer blocks than the shortest."""


def dispersion_hours(spec: PolicySpec) -> float | None:
    """Hours until looks have taught how much answers scatter, None where nothing waits for that."""
    looks = awaited_looks(spec)
    return None if looks is None else _hours_of_looks(spec, looks, _classes(spec), len(spec.candidates or ()))


def _hours_of_looks(spec: PolicySpec, looks: int, classes: int, candidates: int) -> float:
    seconds = seconds_of_looks(spec.rollout.look_seconds, looks, classes, max(1, candidates))
    return (spec.rollout.settle_seconds + seconds) / 3600


def wait_remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """Sentences about what a promotion waits for. found: the figures of the plan."""
    if found["verdict"] == "RollBack":
        return []  # harm waits for nothing
    sentences, mean, rollout = people_remarks(spec), float(found["hours_mean"]), spec.rollout
    hours, looks = dispersion_hours(spec), awaited_looks(spec)
    if hours is not None and looks is not None:
        decides = " That is what takes the time here." if hours >= MOST_OF_IT * mean else ""
        sentences.append(
            f"Nothing is promoted before {counted(looks, 'look')} have shown how much answers scatter "
            "(DispersionUnknown), which "
            f"takes {_in_hours(hours)}.{decides}{_doubling(spec, looks)} {_sooner(spec)}"
        )
    if rollout.minimum_hours:
        sentences.append(f"rollout.minimumHours lets nothing be promoted before {rollout.minimum_hours} h of looks.")
    least = sum(rollout.settle_seconds + each.minimum_seconds for each in stages_of(spec)) / 3600
    if hours is None and least >= MOST_OF_IT * mean:
        sentences.append(
            f"Nearly all of that time, {_in_hours(least)}, is what the policy asks for at least: minimumSeconds and "
            "settleSeconds of its steps."
        )
    return sentences


def rate_remarks(spec: PolicySpec, rate: float) -> list[str]:
    """What a rate of pairs is a rate of; nothing where requests of users are judged. rate: pairs a second, > 0."""
    if spec.objective.exact_match.evidence != "Pairs" or not spec.delivery.traits.moves_traffic:
        return []
    candidates = max(1, spec.most_at_once)
    each = " for each candidate" if candidates > 1 else ""
    answered = "it and the baseline" if candidates > 1 else "both variants"
    return [
        f"--rate {rate:g} means {counted(format(rate, 'g'), 'pair')} a second here{each}: golden questions that "
        f"{answered} answer, so {counted(format(2 * candidates * rate, 'g'), 'answer')} a second in all. "
        "Requests of users bring no evidence on EM.",
        *_requests_are_of_users(spec),
    ]


def _requests_are_of_users(spec: PolicySpec) -> list[str]:
    """That a search's bound on requests is none on pairs, where the policy writes one."""
    budget = None if spec.search is None else spec.search.budget
    if budget is None or budget.requests is None:
        return []
    return [
        f"search.budget.requests: {budget.requests} counts requests of users, which come at a rate of their own, and "
        "no pairs; this forecast plays one request for each pair. Where users ask more often than that, bound "
        "the search by search.budget.seconds instead."
    ]


def people_remarks(spec: PolicySpec) -> list[str]:
    """Waits that nobody can forecast: for people, and for what gates ask."""
    sentences, approval, gates = [], spec.approval, spec.rollout.gates or ()
    if approval.mode != "Never":
        sentences.append(
            f"approval.mode {approval.mode}: how long people take is in none of these figures. A decision waits for "
            f"them for {_in_hours(approval.expires_seconds / 3600)} at most (approval.expiresSeconds)."
        )
    if gates:
        names = ", ".join(each.name for each in gates)
        longest = max(each.timeout_seconds for each in gates)
        endless = any(each.on_timeout == "Wait" for each in gates)
        before_steps = " Those before steps are asked anew for each." if any(g.before == "Step" for g in gates) else ""
        most = (
            "as long as one with onTimeout Wait is not open"
            if endless
            else f"{_in_hours(longest / 3600)} at most each time (timeoutSeconds)"
        )
        sentences.append(
            f"rollout.gates ({names}): how long they take to open is in none of these figures: {most}.{before_steps}"
        )
    return sentences


def _sooner(spec: PolicySpec) -> str:
    """What to write so that less is waited for."""
    short = ""
    if spec.objective.exact_match.longest_session_seconds is None:
        least, seconds = looks_to_learn(LEAST_BLOCK), LOOKS_WITHIN_LEAST * spec.rollout.look_seconds
        short = (
            f" Where sessions stay on one for {seconds} s at most, write longestSessionSeconds: {seconds}: "
            f"{counted(least, 'look is', 'looks are')} then enough."
        )
    return (
        "Where nothing keeps a session on a variant, write objective.exactMatch.assumeIndependent: true."
        f"{short} Where the design effect of sessions is known, write dispersion."
    )


def _doubling(spec: PolicySpec, looks: int) -> str:
    """Why looks come less often than those of one candidate without query classes; nothing where they do not."""
    candidates, classes = max(1, len(spec.candidates or ())), _classes(spec)
    often = looks_per_spacing(classes, candidates)
    if often == looks_per_spacing(0):
        return ""
    of = [f"{counted(candidates, 'candidate')}"] * (candidates > 1) + [f"{classes} query classes"] * (classes > 0)
    return (
        f" A look of {' and '.join(of)} takes more room in the status, so looks come half as often after every {often} "
        f"of them; with one candidate{' and no query classes' * (classes > 0)} it would take "
        f"{_in_hours(_hours_of_looks(spec, looks, 0, 1))}."
    )


def _in_hours(hours: float) -> str:
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.2f} h"


def _classes(spec: PolicySpec) -> int:
    return len(spec.objective.query_classes or ()) if spec.delivery.traits.moves_traffic else 0
