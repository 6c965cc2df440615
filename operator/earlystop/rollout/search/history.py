"""Verdicts as memory: which of them are about what a policy may try, and what each of their comparisons showed.

What counts is decided by what a verdict holds, never by who wrote it:
- It can be recomputed, and the chain of verdicts that leads to it is whole. Anything else is refused.
- It is about the same parameters, by name, type and meaning, compared with the same baseline. Others are passed over.
- It is of the policy's own namespace, whose verdicts everybody who writes policies there may read, or of one that an
  admin allows (`may_share`). The workload may be another one, such as one with a new version of the model: how much
  deployments differ is part of what is learned.

Estimates are worked out from the looks, so verdicts of earlier releases count as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.parameters import Parameter
from earlystop.api.policy import PolicySpec, TargetReference
from earlystop.api.verdict import OtherCandidate, VerdictSpec
from earlystop.api.wire import HISTORY_LABEL
from earlystop.evidence import standard_errors
from earlystop.evidence.engine import EvidenceState
from earlystop.rollout.manual import BY_PERSON
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.state import Comparison, Verdict
from earlystop.rollout.verdict import digest_of
from earlystop.rollout.verify import chain_differences, object_differences, recomputed

Manifest = Mapping[str, Any]
MOST_VERDICTS = 200
"""The latest ones are read: each is replayed, which takes some ten milliseconds."""

FAVOURABLE = (Verdict.PROMOTE, Verdict.RECOMMEND)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a search is about, and a verdict must be about as well.

    parameters: all of the policy; baseline: canonical value of each that it sets.
    """

    parameters: tuple[Parameter, ...]
    baseline: Mapping[str, str]

    @classmethod
    def of(cls, spec: PolicySpec) -> Subject:
        """That of a policy."""
        return cls(spec.parameters, spec.baseline_settings())


@dataclass(frozen=True, slots=True)
class PastComparison:
    """One candidate of a verdict.

    namespace, policy, verdict: names; target: whose requests were split; at: when it was decided, as RFC 3339.
    subject: what it is about. margin: Exact Match that it was allowed to lose, 0..1.
    values: canonical value of each parameter. loss, saving: as in `TrialOutcome`. requests: of both variants, of looks
    that were evidence. promoted, rolled_back: what became of it; neither where it was left undecided. by_person:
    whether somebody asked for that, whatever the evidence said.
    """

    namespace: str
    policy: str
    verdict: str
    target: TargetReference
    at: str
    subject: Subject
    margin: float
    values: Mapping[str, str]
    loss: Estimate | None
    saving: Estimate | None
    requests: int
    promoted: bool
    rolled_back: bool
    by_person: bool


@dataclass(frozen=True, slots=True)
class History:
    """What was read.

    comparisons: those that count, the latest verdict first. refused: sentences, each about a verdict whose record or
    chain is broken. passed_over: sentences, each about verdicts of something else.
    """

    comparisons: tuple[PastComparison, ...] = ()
    refused: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


def may_share(labels: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether a search in a namespace with these labels may learn from the verdicts of another one: both must carry the
    label `earlystop.dev/shares-history` with the same value, which only who may edit namespaces can set."""
    group = labels.get(HISTORY_LABEL, "")
    return bool(group) and other.get(HISTORY_LABEL) == group


def read_history(
    subject: Subject | None, verdicts: Iterable[Manifest], namespaces: Collection[str] | None = None
) -> History:
    """What verdicts show of a subject, or of whatever each is about for None.

    verdicts: objects, with all of a policy's among them, so that chains can be followed. namespaces: those that may be
    learned from; None: all that are given.
    """
    found = sorted(verdicts, key=_newest_first, reverse=True)
    chains = _Chains(found)
    comparisons: list[PastComparison] = []
    refused: list[str] = []
    others: Counter[str] = Counter()
    for each in found[:MOST_VERDICTS]:
        if namespaces is not None and _namespace(each) not in namespaces:
            others[_not_shared(_namespace(each))] += 1
            continue
        try:
            record = VerdictSpec.model_validate(each["spec"])
            plan = parse_plan(record.plan)
            reason = None if subject is None else another_subject(subject, Subject.of(plan.spec))
            problem = None if reason else chains.problem_of(each)
            if reason:
                others[f"of {_namespace(each)}/{record.policy}: {reason}"] += 1
            elif problem:
                refused.append(f"{_name(each)} is refused: {problem}")
            else:
                comparisons += _comparisons(each, record, plan)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            refused.append(f"{_name(each)} is refused: it is no verdict that this release can read ({first}).")
    if len(found) > MOST_VERDICTS:
        others[f"older than the latest {MOST_VERDICTS}"] += len(found) - MOST_VERDICTS
    return History(tuple(comparisons), tuple(refused), tuple(_counted(reason, n) for reason, n in others.items()))


class _Chains:
    """Whether verdicts are what they were when they were made, and follow each other."""

    def __init__(self, verdicts: Sequence[Manifest]) -> None:
        self._by_policy: dict[str, list[Manifest]] = {}
        self._digests: dict[int, str] = {}
        for each in verdicts:
            self._by_policy.setdefault(_text_of(each, "policyUid"), []).append(each)

    def problem_of(self, verdict: Manifest) -> str | None:
        """The first sentence that `kubectl earlystop verify` says of it, None where it says none."""
        beside = self._by_policy[_text_of(verdict, "policyUid")]
        problems = object_differences(verdict) or chain_differences(verdict, beside, self._digest)
        return problems[0] if problems else None

    def _digest(self, spec: dict[str, Any]) -> str:
        """That of a record, worked out once: each verdict of a policy is on the chain of all later ones."""
        known = self._digests.get(id(spec))
        return known if known is not None else self._digests.setdefault(id(spec), digest_of(spec))


def another_subject(wanted: Subject, found: Subject) -> str | None:
    """Why a verdict is about something else than what is wanted, as a clause; None where it is not."""
    own, theirs = ({each.name: each for each in subject.parameters} for subject in (wanted, found))
    if own.keys() != theirs.keys():
        return f"the parameters are {', '.join(sorted(theirs))}, not {', '.join(sorted(own))}"
    for name, parameter in own.items():
        if _meaning(parameter) != _meaning(theirs[name]):
            return f"{name} is another parameter there ({_described(theirs[name])}, not {_described(parameter)})"
    if dict(wanted.baseline) != dict(found.baseline):
        return f"the baseline is {in_words(found.baseline)}, not {in_words(wanted.baseline)}"
    return None


def in_words(values: Mapping[str, str]) -> str:
    """A setting as people read it: "window 10, patience 2"."""
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "what clients ask for"


def _meaning(parameter: Parameter) -> tuple[object, ...]:
    """What makes values of a parameter mean the same: bounds and the choices beside a value do not matter."""
    return parameter.type, parameter.stops_sooner, parameter.body


def _described(parameter: Parameter) -> str:
    order = f", stops sooner {parameter.stops_sooner}" if parameter.stops_sooner else ""
    body = ", written into bodies" if parameter.body else ""
    return f"type {parameter.type}{order}{body}"


def _comparisons(manifest: Manifest, record: VerdictSpec, plan: Plan) -> list[PastComparison]:
    return [
        _comparison(manifest, record, plan, record),
        *(_comparison(manifest, record, plan, o) for o in record.others),
    ]


def _comparison(
    manifest: Manifest, record: VerdictSpec, plan: Plan, of: VerdictSpec | OtherCandidate
) -> PastComparison:
    compared = recomputed(record, plan, of)
    is_leading = isinstance(of, VerdictSpec)
    is_dropped = isinstance(of, OtherCandidate) and of.reason is not None
    decision = Verdict(record.decision)
    return PastComparison(
        namespace=_namespace(manifest),
        policy=record.policy,
        verdict=str(manifest["metadata"]["name"]),
        target=plan.spec.target_ref,
        at=record.at,
        subject=Subject.of(plan.spec),
        margin=plan.objective.margin,
        values=plan.settings_of(of.candidate),
        loss=loss_of(compared.evidence),
        saving=saving_of(compared.evidence),
        requests=requests_of(compared),
        promoted=is_leading and decision in FAVOURABLE,
        rolled_back=is_dropped or (is_leading and decision is Verdict.ROLL_BACK),
        by_person=is_leading and record.reason in BY_PERSON,
    )


def loss_of(evidence: EvidenceState) -> Estimate | None:
    """The loss that evidence shows, as in `TrialOutcome`."""
    found = standard_errors.loss(evidence)
    return None if found is None else Estimate(*found)


def saving_of(evidence: EvidenceState) -> Estimate | None:
    """The saving that evidence shows, as in `TrialOutcome`."""
    found = standard_errors.saving(evidence)
    return None if found is None else Estimate(*found)


def requests_of(compared: Comparison) -> int:
    """Requests that a comparison took, of both variants: each of a judgement in shadow once."""
    return sum(look.baseline.started + look.candidate.started for look in compared.looks)


def _not_shared(namespace: str) -> str:
    return f"of namespace {namespace}: it has no label {HISTORY_LABEL} with the own namespace's value, set by an admin"


def _counted(reason: str, number: int) -> str:
    return f"{number} verdict{'s' * (number > 1)} passed over, {reason}."


def _namespace(manifest: Manifest) -> str:
    return str((manifest.get("metadata") or {}).get("namespace", ""))


def _name(manifest: Manifest) -> str:
    return f"The verdict {_namespace(manifest)}/{(manifest.get('metadata') or {}).get('name', '(without a name)')}"


def _text_of(manifest: Manifest, field: str) -> str:
    spec = manifest.get("spec")
    return str(spec.get(field, "")) if isinstance(spec, Mapping) else ""


def _newest_first(manifest: Manifest) -> tuple[str, str, str]:
    return _text_of(manifest, "at"), _namespace(manifest), _name(manifest)
