"""The digest of a decision's verdict, worked out once for as long as nothing changes that is in its record.

A verdict holds every look of its campaign. While a guard watches, its digest is asked for at each of its looks, for
months, and the record stays what it was.
"""

from __future__ import annotations

from dataclasses import fields
from weakref import WeakKeyDictionary

from earlystop.rollout.state import Decision, RolloutState
from earlystop.rollout.verdict import verdict_spec

NOT_RECORDED = frozenset({"savings", "outbox", "handled"})
"""Parts of a state that no verdict says anything of; nor does one of a guard that has not alarmed."""
_PARTS = tuple(each.name for each in fields(RolloutState) if each.name not in {*NOT_RECORDED, "decision", "guard"})
_KNOWN: WeakKeyDictionary[Decision, tuple[tuple[object, ...], str]] = WeakKeyDictionary()
"""By decision: the very objects that its digest was worked out from, and the digest."""


def decision_digest(policy: str, uid: str, state: RolloutState) -> str:
    """Digest of the verdict of a state with a decision, as `verdict_spec` has it; as it was stored, where the state
    lacks the looks from which that could be worked out."""
    assert state.decision is not None  # the caller asks for no other
    if state.recorded is not None and state.lacks_looks:
        return state.recorded.digest
    alarmed = state.guard if state.guard is not None and state.guard.alarm is not None else None
    made_from = (policy, uid, alarmed, *(getattr(state, name) for name in _PARTS))
    known = _KNOWN.get(state.decision)
    if known is not None and all(one is other for one, other in zip(known[0], made_from, strict=True)):
        return known[1]
    digest = str(verdict_spec(policy, uid, state)["digest"])
    _KNOWN[state.decision] = made_from, digest
    return digest
