"""Recomputing what a verdict says has moved: the rule once more, over counts of which its looks show the latest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.counts import Look
from earlystop.api.status.guard import RecordedGuard
from earlystop.rollout.guard.believable import believable, believable_rates
from earlystop.rollout.guard.codec import claim_in
from earlystop.rollout.guard.culprit import Evidence, culprits
from earlystop.rollout.guard.culprit_codec import restore_culprit
from earlystop.rollout.guard.culprit_evidence import (
    is_read_from_looks,
    rates_of,
    spans_of_looks,
    with_classes,
    with_counts,
    without_counts,
)
from earlystop.rollout.guard.spans import total
from earlystop.rollout.guard.state import GuardState

Trials = Sequence[tuple[Look, ...]]


def culprit_differences(stored: RecordedGuard, guard: GuardState, trials: Trials) -> list[str]:
    """Where what is said of what has moved does not follow from what is recorded, one sentence each. guard: as its
    looks give it. trials: looks that the promotion may rest on; harm that "may have begun within the trial" began no
    sooner, and a change from before it is no reason.

    Counts of Exact Match from before the record's looks, what has changed of the target, and recorded answers are
    believed.
    """
    if stored.culprit is None:
        return []  # written by an earlier release
    try:
        finding, evidence = restore_culprit(stored.culprit, guard, tuple(map(claim_in, stored.alarm)))
    except (ValueError, IndexError) as error:
        return [f"What the guard's record says of what has moved cannot be read: {error}."]
    assert evidence is not None  # it is stored
    problems = []
    began = min([guard.since, *(look.at for look in trials[0][:1])])
    if culprits(replace(evidence, earliest=max(evidence.earliest, began))) != finding:
        problems.append("The guard's record does not show that what it names has moved.")
    if not _in_order(evidence, guard):
        problems.append("The moments of what the guard's record says has moved are in no order, or not of its time.")
    if not _fit_looks(evidence, guard, trials):
        problems.append("The guard's looks do not give the counts by which the record says what has moved.")
    if (evidence.questions_known or evidence.changed) and not evidence.facts_known:
        problems.append("The guard's record says what has moved of a target that it says could not be compared.")
    return problems


def _in_order(evidence: Evidence, guard: GuardState) -> bool:
    """Harm begins while the guard watches; it "may have begun" sooner at no other moment than 0, which is any."""
    ordered = evidence.earliest <= evidence.onset <= evidence.latest <= guard.looked_at
    return ordered and guard.since <= evidence.onset and (not evidence.earliest or guard.since <= evidence.earliest)


def _fit_looks(evidence: Evidence, guard: GuardState, trials: Trials) -> bool:
    """Whether moments and counts are those of the looks, as far back as these go."""
    claim = evidence.claims[0]
    if is_read_from_looks(claim, guard):
        seen = replace(guard, spans=spans_of_looks(guard))
        known, sudden = without_counts(seen, evidence.claims), evidence.trend is None
        found = [with_counts(known, seen, each, sudden=sudden) for each in trials]
        return any(_counts(evidence) == _counts(each) for each in found)
    late = [look for look in guard.looks if look.at > evidence.onset]
    counted = believable_rates(total([rates_of(guard.objective, claim, look) for look in late]))
    goes_back = evidence.onset < guard.checkpoint_at
    fits = all(map(int.__le__, counted, evidence.after)) if goes_back else counted == evidence.after
    plain = replace(evidence, by_class_before=(), by_class_after=())
    return fits and any(_counts(evidence) == _counts(with_classes(plain, guard, each)) for each in trials)


def _counts(evidence: Evidence) -> tuple[object, ...]:
    """What of the evidence was counted, and when."""
    found = believable(evidence)
    by_class = found.by_class_before, found.by_class_after
    return found.earliest, found.onset, found.latest, found.before, found.after, by_class, found.trend
