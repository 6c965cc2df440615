"""Every kind of state that a rollout reaches, by a name that says which."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.kernel import carried_out, expire, lose_sight, start_campaign, suspend_or_resume
from earlystop.rollout.kernel import weights_in_force as in_force
from earlystop.rollout.state import RolloutState
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.traffic import HARMFUL, SAME, SAVING, Server, decided, observe, snapshot, split

SPEC = policy()
HOLD = policy({"rollout": {"onInconclusive": "Hold"}})


def _reached() -> dict[str, RolloutState]:
    begun = started(SPEC)
    observing = observe(SPEC, snapshot(SPEC, begun, Server()), Server(), split(5, 300))
    skewed = replace(SAVING.at(5), candidate=SAVING.at(50).candidate)
    promoting = decided(SPEC, begun, Server(), SAVING)
    rolling_back = decided(SPEC, begun, Server(), HARMFUL)
    holding = expire(HOLD, observing, NOW + 10**6)
    promoted = carried_out(promoting)
    again = start_campaign(SPEC, UID, "again", "sha256:" + "0" * 64, promoted, NOW + 5000)
    server = Server()
    raised = observe(SPEC, snapshot(SPEC, again, server), server, *[SAME.at(5)] * 4)
    one_more = observe(SPEC, raised, server, SAME.at(25))
    return {
        "pending": RolloutState(),
        "applying": begun,
        "settling": in_force(begun, NOW + 5),
        "blind before its snapshot": lose_sight(in_force(begun, NOW + 5), NOW + 40, NOW + 35),
        "observing nothing yet": snapshot(SPEC, begun, Server()),
        "observing": observing,
        "blind": lose_sight(observing, NOW + 99),
        "observing a broken split": observe(SPEC, snapshot(SPEC, begun, Server()), Server(), skewed),
        "suspended": suspend_or_resume(policy({"suspend": True}), observing, NOW + 99),
        "promoting": promoting,
        "promoted": promoted,
        "rolling back": rolling_back,
        "rolled back": carried_out(rolling_back),
        "rolled back before any look": carried_out(expire(SPEC, begun, NOW + 10**6)),
        "rolled back without metrics": carried_out(expire(SPEC, lose_sight(observing, NOW + 99), NOW + 999)),
        "holding": holding,
        "held": carried_out(holding),
        "second campaign": again,
        "second campaign at a later step": one_more,
        "second verdict": carried_out(decided(SPEC, again, Server(), HARMFUL)),
    }


REACHED = _reached()
