"""Recomputing what a verdict says has moved: the rule once more, over counts of which its looks show the latest."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.status.guard import RecordedGuard
from earlystop.rollout.guard.believable import believable_rates
from earlystop.rollout.guard.codec import claim_in
from earlystop.rollout.guard.culprit import Evidence, culprits
from earlystop.rollout.guard.culprit_codec import restore_culprit
from earlystop.rollout.guard.culprit_evidence import late_classes, rates_of
from earlystop.rollout.guard.spans import total
from earlystop.rollout.guard.state import GuardState


def culprit_differences(stored: RecordedGuard, guard: GuardState, trial_began: int) -> list[str]:
    """Where what is said of what has moved does not follow from what is recorded, one sentence each. guard: as its
    looks give it. trial_began: moment of the first look that the promotion rests on, Unix seconds: harm that "may have
    begun within the trial" began no sooner, and a change from before it is no reason.

    Counts from before the record's looks, what has changed of the target, and recorded answers are believed.
    """
    if stored.culprit is None:
        return []  # written by an earlier release
    try:
        finding, evidence = restore_culprit(stored.culprit, guard, tuple(map(claim_in, stored.alarm)))
    except (ValueError, IndexError) as error:
        return [f"What the guard's record says of what has moved cannot be read: {error}."]
    assert evidence is not None  # it is stored
    problems = []
    within = replace(evidence, earliest=max(evidence.earliest, trial_began))
    if culprits(within) != finding:
        problems.append("The guard's record does not show that what it names has moved.")
    if not evidence.earliest <= evidence.onset <= evidence.latest <= guard.looked_at:
        problems.append("The moments of what the guard's record says has moved are in no order, or after its looks.")
    if not _fit_looks(evidence, guard):
        problems.append("The guard's looks do not give the counts by which the record says what has moved.")
    return problems


def _fit_looks(evidence: Evidence, guard: GuardState) -> bool:
    """Whether counts since the harm began are those of the looks, as far back as these go."""
    late = [look for look in guard.looks if look.at > evidence.onset]
    counted = believable_rates(total([rates_of(guard.objective, evidence.claims[0], look) for look in late]))
    goes_back = evidence.onset < guard.checkpoint_at
    fits = all(map(int.__le__, counted, evidence.after)) if goes_back else counted == evidence.after
    return fits and evidence.by_class_after in ((), late_classes(guard, evidence.onset))
