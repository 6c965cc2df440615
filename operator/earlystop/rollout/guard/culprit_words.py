"""What people are told of what has moved."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.evidence.objective import ClaimKind
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.guard.culprit import (
    Baseline,
    Culprit,
    Evidence,
    Finding,
    baseline_of,
    change_of_baseline,
    change_of_candidate,
    says_something,
    tells_of_scorer,
    voids_certificates,
)

_NAMES = {
    Culprit.SETTING: "the setting",
    Culprit.DATA: "the data",
    Culprit.ENGINE: "the engine",
    Culprit.SCORER: "the scorer",
}
_ADVICE = {
    Culprit.SETTING: "Nothing else is known to have changed.",
    Culprit.DATA: "Other questions are asked than those that the setting was proven on.",
    Culprit.ENGINE: "Something of the target is another since about then; the condition Certified says what.",
    Culprit.SCORER: "Answers are scored otherwise than before, so Exact Match is not to be trusted; put the scorer "
    "right before the policy is retried.",
}


def culprit_sentence(finding: Finding, evidence: Evidence) -> str:
    """Who has moved, and what shows it."""
    said = _named(finding.named) if finding.named else _undecided(finding)
    found = [said, *(_advice(each, evidence) for each in finding.named), _baseline(evidence), _frozen(evidence)]
    if voids_certificates(finding, evidence):
        found.append("Other certificates of the campaign may be void too, so no setting follows.")
    return " ".join(each for each in found if each)


def _advice(culprit: Culprit, evidence: Evidence) -> str:
    if culprit is Culprit.ENGINE and not any(each.culprit is culprit for each in evidence.changed):
        return "The same golden questions are answered otherwise, though nothing of the target shows a change."
    return _ADVICE[culprit]


def _named(named: Sequence[Culprit]) -> str:
    verb = "has" if len(named) == 1 else "have"
    return f"What {verb} moved: {_listed(named, 'and')}."


def _undecided(finding: Finding) -> str:
    if not finding.possible:
        return "What has moved is unknown."
    return f"What has moved is unknown: it may be {_listed(finding.possible, 'or')}."


def _listed(culprits: Sequence[Culprit], last: str) -> str:
    names = [_NAMES[each] for each in culprits]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def _baseline(evidence: Evidence) -> str:
    """What the baseline's own rate did, and the promoted setting's."""
    before, after = evidence.before, evidence.after
    if not all((before.baseline, before.candidate, after.baseline, after.candidate)):
        return "Too little was counted before or since to compare with."
    what = _what(evidence)
    ours, theirs = change_of_candidate(before, after), change_of_baseline(before, after)
    is_known = baseline_of(evidence) is not Baseline.UNKNOWN
    doubt = "" if is_known else ", which is too little or too uncertain to say"
    said = (
        f"Since {rfc3339(evidence.onset)} or so {what} changed by {_points(ours)} points under the promoted setting "
        f"and by {_points(theirs)} under the baseline{doubt}."
    )
    if evidence.trend is None:
        return said
    now, change = evidence.trend.harm, evidence.trend.baseline
    return f"{said} The harm is now {_points(now)} points, and the baseline changed by {_points(change)} with it."


def _what(evidence: Evidence) -> str:
    claim = evidence.claims[0]
    match claim.kind:
        case ClaimKind.GUARDRAIL:
            return f"the rate of {claim.name}"
        case ClaimKind.UNANSWERED:
            return "the share of requests that come to an answer"
        case ClaimKind.QUERY_CLASS:
            return f"Exact Match in class {claim.name}"
        case _:
            return "Exact Match"


def _frozen(evidence: Evidence) -> str:
    """What the scorer made of recorded answers, where it decides over what alarmed."""
    frozen = evidence.frozen
    if not evidence.scored:
        return ""
    if frozen is None or not says_something(frozen):
        return "Nobody scores recorded answers again, so the scorer cannot be told apart."
    before = frozen.agreed_before + frozen.disagreed_before
    usual = f", and before {frozen.disagreed_before} of {before}" if before else ""
    now = f"{frozen.disagreed} of {frozen.agreed + frozen.disagreed}"
    doubt = "" if tells_of_scorer(frozen) else ", which may always have been so: too few were scored before"
    return f"The scorer disagrees with the known score of {now} recorded answers{usual}{doubt}."


def _points(change: float) -> str:
    return f"{100 * change:+z.1f}"
