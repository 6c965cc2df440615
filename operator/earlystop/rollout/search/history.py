"""Verdicts as memory: which of them are about what a policy may try, and what each of their comparisons showed.

What counts is decided by what a verdict holds, never by who wrote it:
- It can be recomputed, and the chain of verdicts that leads to it is whole. Anything else is refused.
- It is about the same parameters, by name, type and meaning, compared with the same baseline. Others are passed over.
- It is of the policy's own namespace, whose verdicts everybody who writes policies there may read, or of one that an
  admin allows. The workload may be another one, such as one with a new version of the model: how much
  deployments differ is part of what is learned.

Estimates are worked out from the looks, so verdicts of earlier releases count as well.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.api.look_table import number_of_looks
from earlystop.api.parameters import Parameter
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec, TargetReference
from earlystop.api.verdict import OtherCandidate, VerdictSpec
from earlystop.api.wire import HISTORY_LABEL
from earlystop.rollout.decision import BY_CLASS, CERTIFICATE_LAPSED, GUARD_ALARM
from earlystop.rollout.guard.adjust import STEPPED_BACK
from earlystop.rollout.manual import BY_PERSON
from earlystop.rollout.outages import interrupts
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.search.verdict_chain import Chains, Link
from earlystop.rollout.state import Verdict
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.trials.outcome import loss_of, saving_of
from earlystop.rollout.verify.verdict import object_differences, recomputed

Manifest = Mapping[str, Any]
Name = tuple[str, str]
"""Namespace and name of a verdict."""

MOST_VERDICTS = 64
"""The latest ones count."""

MOST_LOOKS = 4000
"""Looks that are replayed in all, those of each candidate counted, and once more for each query class: some seven
seconds of one core. Verdicts differ a hundredfold in them, so a number of verdicts bounds nothing."""

SAME_LOOKS = "about a campaign that was decided twice: another verdict holds its looks"

CHANGED = "The digest does not belong to this record: it was changed after it was made."

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What a record that was made up may raise. A number that a float cannot hold, or by which nothing can be divided, is
among them: one such verdict must not hide all others."""

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
        """The subject of a policy."""
        return cls(spec.parameters, spec.baseline_settings())


@dataclass(frozen=True, slots=True)
class PastComparison:
    """One candidate of a verdict.

    namespace, policy, verdict: names; target: whose requests were split; at: when it was decided, as RFC 3339.
    subject: what it is about. margin: Exact Match that it was allowed to lose, 0..1.
    values: canonical value of each parameter. loss, saving: as in `TrialOutcome`. requests: of both variants, of looks
    that were evidence. promoted, rolled_back: what became of it for all requests; neither where it was left undecided,
    nor where query classes got settings of their own. by_person: whether somebody asked for that, whatever the evidence
    said.
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


def read_history(
    subject: Subject | None,
    verdicts: Iterable[Manifest],
    namespaces: Collection[str] | None = None,
    removed: Iterable[Link] = (),
) -> History:
    """What verdicts show: as `HistoryReader`, of all at once."""
    reader = HistoryReader(subject, namespaces)
    reader.add_removed(removed)
    by_name: dict[Name, Manifest] = {}
    for each in verdicts:
        reader.add(each)
        by_name[_namespace(each), _plain_name(each)] = each
    for name in reader.chosen():
        reader.replay(name, by_name.get(name))
    return reader.history()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is remembered of a verdict that may count. at: its moment. looks: how many would be replayed. campaign: the
    policy and the revision whose requests it is about."""

    at: str
    name: Name
    looks: int
    campaign: tuple[str, str]


class HistoryReader:
    """Reads verdicts one by one, twice: `add` notes of each what tells whether it may count, `chosen` names those that
    are to be read again, and `replay` takes what each of them shows. No verdict is kept, since one may have a megabyte.

    subject: what they must be about; None: whatever each is about. namespaces: that may be learned from; None: all.
    """

    def __init__(self, subject: Subject | None, namespaces: Collection[str] | None = None) -> None:
        self._subject = subject
        self._namespaces = namespaces
        self._kept: list[_Kept] = []
        self._links: dict[Name, Link] = {}
        self._removed: list[Link] = []
        self._refused: list[str] = []
        self._others: Counter[str] = Counter()
        self._comparisons: list[PastComparison] = []

    def add(self, verdict: Manifest) -> None:
        """Read one. All verdicts of a policy must be among them, so that chains can be followed."""
        namespace = _namespace(verdict)
        if self._namespaces is not None and namespace not in self._namespaces:
            self._others[_not_shared(namespace)] += 1
            return
        try:
            link, record = Link.of(verdict), verdict["spec"]
            plan = parse_plan(record["plan"])
            reason = self._not_counted(plan, record)
            campaign = link.policy_uid, str(record["revision"])
            kept = _Kept(str(record["at"]), (namespace, link.name), _looks_of(record, plan), campaign)
        except UNREADABLE as error:
            self._refused.append(_unreadable(verdict, error))
            return
        self._links[kept.name] = link
        if reason is not None:
            self._others[f"of {namespace}/{record['policy']}: {reason}"] += 1
            return
        insort(self._kept, kept, key=lambda each: (each.at, each.name))
        if len(self._kept) > MOST_VERDICTS:
            del self._kept[0]
            self._others[f"older than the latest {MOST_VERDICTS}"] += 1

    def add_removed(self, links: Iterable[Link]) -> None:
        """Note verdicts that retention has removed, as checkpoints tell of them: chains go on through these."""
        self._removed += links

    def chosen(self) -> tuple[Name, ...]:
        """The verdicts to read again once all were added, the latest first: their chain is whole, and together they
        have at most `MOST_LOOKS` looks. One that has too many is passed over, not those that are older and have
        fewer."""
        chains, chosen, left = Chains([*self._removed, *self._links.values()]), [], MOST_LOOKS
        whole: list[_Kept] = []
        for each in {kept.name: kept for kept in reversed(self._kept)}.values():
            link = self._links[each.name]
            problem = chains.problem_of(link) if link.is_sound else CHANGED
            if problem is not None:
                self._refused.append(f"{_in_words(each.name)} is refused: {problem}")
            else:
                whole.append(each)
        # A campaign that was decided twice, as one that a person aborts after its promotion, has two verdicts about the
        # same looks. The one with the most of them counts; of equals the first, which nobody asked for.
        fullest = {each.campaign: each for each in sorted(whole, key=lambda each: each.looks)}
        for each in whole:
            if fullest[each.campaign] is not each:
                self._others[SAME_LOOKS] += 1
            elif each.looks > left:
                self._others[f"with more looks than the {MOST_LOOKS} that are replayed in all"] += 1
            else:
                left -= each.looks
                chosen.append(each.name)
        return tuple(chosen)

    def replay(self, name: Name, verdict: Manifest | None) -> None:
        """Take what a chosen verdict shows, in their order. verdict: as it was read again; None: it is gone. Takes some
        two milliseconds for each look."""
        try:
            if verdict is None or Link.of(verdict) != self._links[name]:
                self._refused.append(f"{_in_words(name)} is refused: it was changed or deleted while it was read.")
                return
            problems = object_differences(verdict)
            if problems:
                self._refused.append(f"{_in_words(name)} is refused: {problems[0]}")
            else:
                self._comparisons += _comparisons(verdict)
        except UNREADABLE as error:
            self._refused.append(_unreadable(verdict or {}, error))

    def history(self) -> History:
        """The history of what was read so far."""
        passed_over = tuple(_counted(reason, number) for reason, number in self._others.items())
        return History(tuple(self._comparisons), tuple(self._refused), passed_over)

    def _not_counted(self, plan: Plan, record: Mapping[str, Any]) -> str | None:
        """Why a record is about something else, or holds nothing of its own; None where it counts."""
        if interrupts(plan, record["reason"], has_looks=number_of_looks(record) > 0):
            return "an outage interrupted the trial, which another verdict goes on with"
        if record["reason"] in (GUARD_ALARM, STEPPED_BACK):
            return "a guard's decision holds the looks of the promotion that another verdict is about"
        if record["reason"] == CERTIFICATE_LAPSED:
            return "a lapse's decision holds the looks of the promotion that another verdict is about"
        return None if self._subject is None else another_subject(self._subject, Subject.of(plan.spec))


def _looks_of(record: Mapping[str, Any], plan: Plan) -> int:
    """How many looks a replay takes. Raises TypeError or AttributeError for a record that is none."""
    rows = number_of_looks(record) + sum(number_of_looks(each) for each in record.get("others") or ())
    return rows * (1 + len(plan.spec.objective.query_classes or ()))


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


def _comparisons(manifest: Manifest) -> list[PastComparison]:
    record = VerdictSpec.model_validate(manifest["spec"])
    plan = parse_plan(record.plan)
    candidates: list[VerdictSpec | OtherCandidate] = [record, *record.others]
    return [_comparison(manifest, record, plan, each) for each in candidates]


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
        loss=loss_of(compared),
        saving=saving_of(compared),
        requests=started_in(compared.looks),
        promoted=is_leading and decision in FAVOURABLE and record.reason != BY_CLASS,
        rolled_back=is_dropped or (is_leading and decision is Verdict.ROLL_BACK),
        by_person=is_leading and record.reason in BY_PERSON,
    )


def _not_shared(namespace: str) -> str:
    return (
        f"of namespace {namespace}: it lacks the label {HISTORY_LABEL} of the policy's own namespace, set by an admin"
    )


def _counted(reason: str, number: int) -> str:
    return f"{counted(number, 'verdict')} passed over, {reason}."


def _namespace(manifest: Manifest) -> str:
    return str(_metadata(manifest).get("namespace", ""))


def _plain_name(manifest: Manifest) -> str:
    return str(_metadata(manifest).get("name", "(without a name)"))


def _metadata(manifest: Manifest) -> Mapping[str, Any]:
    found = manifest.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _in_words(name: Name) -> str:
    return f"The verdict {'/'.join(name)}"


def _unreadable(manifest: Manifest, error: Exception) -> str:
    named = _in_words((_namespace(manifest), _plain_name(manifest)))
    first = (str(error).splitlines() or [type(error).__name__])[0]
    if not isinstance(manifest.get("spec"), Mapping):
        first = "its spec holds no fields"
    elif isinstance(error, KeyError):
        first = f"its spec lacks {first}"
    return f"{named} is refused: it is no verdict that this release can read ({first})."
