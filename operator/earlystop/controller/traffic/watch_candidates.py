"""Asking now and then whether the candidates that users get are still served, between the checks of objects."""

from __future__ import annotations

import aiohttp

from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.turns import TrafficTurns
from earlystop.delivery.decisions import Probe
from earlystop.delivery.probes.canary import probe_variants
from earlystop.delivery.probes.misrouting import contradicts
from earlystop.delivery.split import TrafficSplit
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, WATCHING, Phase

SECONDS_BETWEEN = 5.0
SECONDS_BETWEEN_ONCE_DECIDED = 30.0
LONGEST_WAIT_SECONDS = 1.0
# After a start of the operator looks come first.
SECONDS_AFTER_START = 30.0
# Of the whole fleet: with many policies each is asked for less often.
POLICIES_A_SECOND = 20.0
# Phases in which users may be led to candidates while nothing is being put in force.
WATCHED = WATCHING | ENDED | BETWEEN_TRIALS | {Phase.SUSPENDED}
# Phases in which nothing else asks how long an unproven split has led users.
FROZEN = frozenset({Phase.SUSPENDED, Phase.HELD})
SECONDS_BETWEEN_WHILE_UNPROVEN = 30.0


def next_watch(tracked: TrackedPolicy, policies: int) -> float | None:
    """When the candidates of a policy are to be asked for again, in Unix seconds; None while no probe proved that users
    are led to any, and while weights are being put in force. policies: how many the operator tracks."""
    memory, phase = tracked.traffic, tracked.state.watch_phase
    if phase in FROZEN and memory.unproven is not None:
        return memory.unproven[2] + SECONDS_BETWEEN_WHILE_UNPROVEN
    return _due(tracked, policies) if phase in WATCHED else None


def _due(tracked: TrackedPolicy, policies: int) -> float | None:
    canary = tracked.traffic.variants.watched
    if canary is None or not canary.targets:
        return None
    spacing = SECONDS_BETWEEN_ONCE_DECIDED if tracked.state.phase in ENDED | BETWEEN_TRIALS else SECONDS_BETWEEN
    return tracked.traffic.variants.asked_at + max(spacing, policies / POLICIES_A_SECOND)


async def watch_candidates(
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    split: TrafficSplit,
    policies: int,
    now: float,
    turns: TrafficTurns,
) -> None:
    """Ask for each candidate if that is due. Whatever is not as it should be requires a check of the traffic, which
    takes the candidates off or proves the split anew."""
    memory, due = tracked.traffic, _due(tracked, policies)
    forgotten = split.is_more_than_baseline and not memory.attended
    unproven = next_watch(tracked, policies) if memory.unproven is not None else None
    if unproven is not None and now >= unproven:
        memory.require_recheck()
    if forgotten and now - tracked.acceptance.checked_at >= max(SECONDS_AFTER_START, policies / 5):
        memory.require_recheck()  # a proof says what to ask for, and the operator has forgotten it
    if due is None or now < due or memory.variants.watched is None:
        return
    asked = Probe(memory.variants.watched.targets, users_led=True, by_variant=True)
    if not memory.variants.begin_asking(split, now):
        return
    async with turns.for_probes(tracked.namespace, LONGEST_WAIT_SECONDS) as free:
        if not free:
            return
        result = await probe_variants(http, asked.targets)
    was_seen = memory.variants.blind is None
    memory.note_answer(asked, split, result, now)
    if memory.fault is not None or contradicts(result) or was_seen != (memory.variants.blind is None):
        memory.require_recheck()
