"""After a guard's alarm: recorded answers are asked for, and the decision follows, whatever is known of them."""

from __future__ import annotations

import asyncio
from dataclasses import astuple, replace

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.metrics.convention.frozen import FrozenCounts, FrozenQuestion, read_frozen
from earlystop.rollout.guard.culprit import Evidence, Frozen
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.state import Alarm
from earlystop.rollout.stored.status_codec import digest_of_decision

LEAST_SECONDS, MOST_SECONDS = 120, 3600
"""Two scrapes at least of what was scored since the harm began; no more than an hour of it, and of the time before."""
PATIENCE_SECONDS = 5.0
"""So long an alarm waits for what is known of recorded answers: requests are to go back at once."""


async def after_alarm(reader: CountBatcher, tracked: TrackedPolicy, look: Progress, alarm: Alarm) -> Progress:
    """What a look led to in which a guard has alarmed, with its decision."""
    state = look.state
    evidence = evidence_of(state)
    evidence = replace(evidence, frozen=await _frozen(reader, tracked, evidence, alarm))
    # The digest of the promotion's verdict is worked out only now: it takes as long as many looks.
    digest = digest_of_decision(tracked.name, tracked.uid, tracked.state)
    return replace(look, state=respond(tracked.times, state, digest, evidence))


async def _frozen(reader: CountBatcher, tracked: TrackedPolicy, evidence: Evidence, alarm: Alarm) -> Frozen | None:
    """What the scorer made of recorded answers; None where nobody says it, or not in time."""
    name = tracked.plan.spec.metrics.source_ref.name
    source = reader.sources.get(name)
    if source is None or not evidence.scored:
        return None
    seconds = max(LEAST_SECONDS, alarm.at - evidence.onset)
    question = FrozenQuestion(
        policy=tracked.label,
        seconds=min(seconds, MOST_SECONDS),
        before_seconds=MOST_SECONDS,
        ago_seconds=seconds,
        namespace_label=source.namespace_label,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await reader.answer(name, question, alarm.at, read_frozen)
    except TimeoutError:
        return None
    return Frozen(*astuple(found)) if isinstance(found, FrozenCounts) else None
