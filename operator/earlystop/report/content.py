"""What a report of one verdict says: from the verdict, and from those before it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.counts import Look, total
from earlystop.api.plurals import counted
from earlystop.api.verdict import OtherCandidate, VerdictSpec
from earlystop.evidence import pair_attrition
from earlystop.evidence.class_differences import class_differences
from earlystop.evidence.engine import replay
from earlystop.evidence.objective import Objective
from earlystop.report.search import search_words
from earlystop.report.terms import terms_of
from earlystop.report.trail import TrailEntry, TriedSetting, latest_first
from earlystop.rollout.decision import BY_CLASS, EVERY_CANDIDATE_DROPPED, HARM_REASONS, HARMFUL_IN_EVERY_CLASS
from earlystop.rollout.formatting import in_count, in_duration, in_factor, in_points, in_rate, rfc3339
from earlystop.rollout.manual import BY_PERSON
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import Verdict
from earlystop.rollout.verdict import canonical_text
from earlystop.rollout.verify.verdict import judged_objective, object_differences

MOST_SETTINGS = 60
MOST_DECISIONS = 100
"""Rows of tables; the latest are shown."""
ALARM_IS_NOT_REPEATED = (
    "A guard decided this, by looks after the promotion. The page repeats and draws the trial that led to the "
    "promotion; the alarm was recomputed when the page was made, and kubectl earlystop verify does so again."
)


@dataclass(frozen=True, slots=True)
class ReportedClass:
    """Exact Match in one query class. baseline, candidate: in percent. difference, margin: in points."""

    name: str
    baseline: str
    candidate: str
    difference: str
    margin: str


@dataclass(frozen=True, slots=True)
class ReportedComparison:
    """A candidate that the verdict is about, or that was judged beside it. reason: why it is tried no longer. missing:
    whose answers to golden questions are missing, as a sentence; "" where none are. classes: of the query classes that
    the policy names."""

    candidate: str
    effect: str
    saving: str
    reason: str
    number_of_looks: int
    missing: str = ""
    classes: tuple[ReportedClass, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a page shows.

    name, namespace: of the verdict. text: its record as canonical JSON without the digest, which the digest is of.
    terms: what each comparison had to prove, as JSON. problems: what is wrong with the record, as sentences. trail: all
    verdicts of the policy, the latest first. search: how its search ended, or that it went on, "" for no trial or where
    the record tells of another search than its plan. left_out: what the page does not show, as a sentence. made_at: as
    Kubernetes writes times. moves_traffic: whether candidates had requests of users, and not in shadow alone.
    """

    name: str
    namespace: str
    record: VerdictSpec
    text: str
    terms: str
    problems: tuple[str, ...]
    price_of_error: str
    comparisons: tuple[ReportedComparison, ...]
    settings: tuple[TriedSetting, ...]
    trail: tuple[TrailEntry, ...]
    left_out: str
    made_at: str
    search: str = ""
    moves_traffic: bool = True

    @property
    def not_repeated(self) -> str:
        """What of the decision a browser repeats nothing of, as a sentence; "" where that is nothing."""
        return ALARM_IS_NOT_REPEATED if self.record.guard else ""

    @property
    def number_of_looks(self) -> int:
        """Looks of all candidates together."""
        return sum(each.number_of_looks for each in self.comparisons)


def report_of(
    manifest: Mapping[str, Any],
    trail: Sequence[TrailEntry],
    made_at: int,
    *,
    broken_chain: Sequence[str] = (),
    left_out: str = "",
) -> Report:
    """The report of a verdict, which is recomputed here as `verify` does.

    trail: of all verdicts of the policy, this one among them. made_at: Unix seconds. broken_chain: where the chain that
    leads to it is broken, a sentence each. left_out: what of the trail was not read, as a sentence.
    Raises ValueError, KeyError, TypeError or AttributeError for an object that is no verdict.
    """
    spec, metadata = manifest["spec"], manifest["metadata"]
    problems = (*object_differences(manifest), *broken_chain)
    record = VerdictSpec.model_validate(spec)
    plan = parse_plan(record.plan)
    judged: tuple[VerdictSpec | OtherCandidate, ...] = (record, *record.others)
    objectives = [judged_objective(record, plan, each) for each in judged]
    terms = [
        {"candidate": each.candidate, "terms": terms_of(objective)}
        for each, objective in zip(judged, objectives, strict=True)
    ]
    ordered = latest_first(trail)
    settings = [tried for each in ordered for tried in each.settings]
    return Report(
        name=str(metadata["name"]),
        namespace=str(metadata.get("namespace") or "default"),
        record=record,
        text=canonical_text(spec),
        terms=json.dumps(terms, sort_keys=True, separators=(",", ":")),
        problems=problems,
        price_of_error=price_of_error(record, objectives[0]),
        comparisons=tuple(
            ReportedComparison(
                each.candidate,
                each.effect,
                each.saving,
                getattr(each, "reason", None) or "",
                len(each.looks),
                missing_answers(each.looks) if pair_attrition.is_checked(objective) else "",
                () if problems else _in_classes(objective, each.looks),
            )
            for each, objective in zip(judged, objectives, strict=True)
        ),
        settings=tuple(settings[:MOST_SETTINGS]),
        trail=tuple(ordered[:MOST_DECISIONS]),
        left_out=" ".join([*_surplus(ordered, settings), left_out]).strip(),
        made_at=rfc3339(made_at),
        search="" if problems else search_words(record, plan),
        moves_traffic=plan.spec.delivery.traits.moves_traffic,
    )


def _surplus(trail: Sequence[TrailEntry], settings: Sequence[TriedSetting]) -> Iterator[str]:
    """What is left out of lists that are too long, as sentences."""
    for most, what, found in ((MOST_DECISIONS, "verdicts", trail), (MOST_SETTINGS, "settings", settings)):
        if len(found) > most:
            yield f"Only the latest {most} {what} are shown."


def _in_classes(objective: Objective, rows: Sequence[Sequence[int]]) -> tuple[ReportedClass, ...]:
    """Of each query class that these rows of looks count. Of a record that does not verify nothing is worked out."""
    looks = [Look.from_row(list(row), by_users=objective.by_users) for row in rows] if objective.classes else []
    if not looks or any(len(each.classes) != len(objective.classes) for each in looks):
        return ()
    found = class_differences(replay(objective, looks), looks)
    return tuple(
        ReportedClass(
            each.name,
            in_rate(each.baseline),
            in_rate(each.candidate),
            in_points(each.difference),
            in_points(each.margin),
        )
        for each in found
    )


def missing_answers(looks: Sequence[Sequence[int]]) -> str:
    """Of how many pairs in these rows of looks one variant's answer is missing, as a sentence; "" for none."""
    counts = total([Look.from_row(list(row)).candidate for row in looks])
    answers, asked = counts.pair_answers, counts.pairs.total
    parts = []
    if answers.one_sided:
        parts.append(
            f"Of {counted(in_count(answers.known), 'pair')} {in_count(answers.without_baseline)} lack an answer of the "
            f"baseline that could be scored, and {in_count(answers.without_candidate)} one of the candidate."
        )
    if asked > answers.known:
        unknown = counted(in_count(asked - answers.known), "pair")
        parts.append(f"Of {unknown} nobody counted whether an answer is missing.")
    return " ".join(parts)


def price_of_error(record: VerdictSpec, objective: Objective) -> str:
    """How often such a verdict is wrong, in one sentence."""
    if record.guard is not None:
        apart = in_duration(record.guard.false_revert_seconds)
        return f"A setting that does no harm is taken back once in {apart} at most, on average."
    promote, harm = (f"{in_factor(100 * risk)} %" for risk in (objective.risk_promote, objective.risk_harm))
    if record.reason in BY_PERSON:
        return "A person decided this, so no probability of error is promised."
    if record.reason == BY_CLASS:
        return f"In each query class a setting that must not be promoted is, with a probability of at most {promote}."
    if record.decision in (Verdict.PROMOTE, Verdict.RECOMMEND):
        return (
            f"A candidate that loses the margin or more, or saves too little, gets this verdict with a probability of "
            f"at most {promote}, however often one looks."
        )
    if record.reason in (*HARM_REASONS, EVERY_CANDIDATE_DROPPED, HARMFUL_IN_EVERY_CLASS):
        return f"A harmless candidate is taken back with a probability of at most {harm}, however often one looks."
    return (
        "Nothing was claimed about the candidate, so nothing claimed can be wrong. A wrong promotion had a probability "
        f"of at most {promote}, a wrong rollback one of at most {harm}."
    )
