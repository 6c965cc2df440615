"""Who has moved, and what shows it, as it stands in a status and in the verdict of an alarm, and back."""

from __future__ import annotations

import base64
from dataclasses import replace

from earlystop.api.status.culprit import ChangedStatus, CulpritStatus
from earlystop.api.whole_numbers import numbers_in, varint
from earlystop.evidence.objective import Claim
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.guard.culprit import UNKNOWN, Changed, Culprit, Evidence, Finding, Frozen, Trend
from earlystop.rollout.guard.culprit_evidence import without_counts
from earlystop.rollout.guard.growing_harm import DIGITS
from earlystop.rollout.guard.spans import Rates, Span, Spans
from earlystop.rollout.guard.state import Alarm, GuardState

WIDTH, LOOK_SECONDS = 6, 60
EXPECTED = ":"
"""What packed spans begin with whose beginnings are departures from what was expected."""


def culprit_status(alarm: Alarm | None) -> CulpritStatus | None:
    """What is said of an alarm; None without one, and of one that an earlier release has stored."""
    if alarm is None or alarm.finding is None or alarm.evidence is None:
        return None
    finding, evidence = alarm.finding, alarm.evidence
    return CulpritStatus(
        named=finding.words,
        possible=tuple(each.value for each in finding.possible) or None,
        earliest=rfc3339(evidence.earliest),
        onset=rfc3339(evidence.onset),
        latest=rfc3339(evidence.latest),
        before=tuple(evidence.before),
        after=tuple(evidence.after),
        by_class_before=tuple(map(tuple, evidence.by_class_before)) or None,
        by_class_after=tuple(map(tuple, evidence.by_class_after)) or None,
        facts_known=evidence.facts_known,
        questions_known=evidence.questions_known or None,
        changed=tuple(ChangedStatus(culprit=each.culprit.value, at=rfc3339(each.at)) for each in evidence.changed)
        or None,
        frozen=None if evidence.frozen is None else tuple(evidence.frozen),
        trend=None if evidence.trend is None else tuple(f"{each:z.{DIGITS}f}" for each in evidence.trend),
    )


def restore_culprit(
    stored: CulpritStatus | None, guard: GuardState, claims: tuple[Claim, ...]
) -> tuple[Finding | None, Evidence | None]:
    """Inverse of `culprit_status`. claims: of the alarm. Raises ValueError for claims that the guard does not watch."""
    if stored is None:
        return None, None
    named = tuple(Culprit(each) for each in stored.named if each != UNKNOWN)
    possible = tuple(Culprit(each) for each in stored.possible or ())
    evidence = replace(
        without_counts(guard, claims),
        earliest=from_rfc3339(stored.earliest),
        onset=from_rfc3339(stored.onset),
        latest=from_rfc3339(stored.latest),
        before=Rates(*stored.before),
        after=Rates(*stored.after),
        by_class_before=tuple(Rates(*each) for each in stored.by_class_before or ()),
        by_class_after=tuple(Rates(*each) for each in stored.by_class_after or ()),
        facts_known=stored.facts_known,
        questions_known=bool(stored.questions_known),
        changed=tuple(Changed(Culprit(each.culprit), from_rfc3339(each.at)) for each in stored.changed or ()),
        frozen=None if stored.frozen is None else Frozen(*stored.frozen),
        trend=None if stored.trend is None else Trend(*map(float, stored.trend)),
    )
    return Finding(named, possible), evidence


def pack_spans(spans: Spans) -> str:
    """The spans, "" for none: of each its size as a power of 2, how much later it began than looks a minute apart let
    one expect after the span before, and counts of both variants with those that are no hits."""
    numbers, expected = [], 0
    for each in spans:
        baseline, hits, candidate, others = each.rates
        numbers += [each.looks.bit_length() - 1, each.begin - expected, baseline, baseline - hits]
        numbers += [candidate, candidate - others]
        expected = each.begin + LOOK_SECONDS * each.looks
    text = base64.b85encode(b"".join(map(varint, numbers))).decode()
    return EXPECTED + text if text else ""


def unpack_spans(text: str) -> Spans:
    """Inverse of `pack_spans`; statuses of earlier releases have the time since the span before began. Raises
    ValueError for text not made by it."""
    numbers = numbers_in(base64.b85decode(text.removeprefix(EXPECTED)))
    seconds = LOOK_SECONDS if text.startswith(EXPECTED) else 0
    if len(numbers) % WIDTH:
        raise ValueError(f"a guard's spans hold {len(numbers)} numbers, which are no rows of {WIDTH}")
    spans, begin = [], 0
    for index in range(0, len(numbers), WIDTH):
        power, later, baseline, misses, candidate, others = numbers[index : index + WIDTH]
        begin += later
        spans.append(Span(begin, 1 << power, Rates(baseline, baseline - misses, candidate, candidate - others)))
        begin += seconds << power
    return tuple(spans)
