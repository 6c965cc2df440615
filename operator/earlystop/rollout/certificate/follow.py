"""A certificate is bound to what it was made on, lapses when that changes, and holds again when it has come back."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.certificate.binding import Binding, Lapse, changed_parts
from earlystop.rollout.damping import LEAST_SECONDS
from earlystop.rollout.state import RolloutState

SETTLED_SECONDS = int(LEAST_SECONDS)
"""So long a change, or its end, must last: a target that is rolled out back and forth neither moves requests nor makes
an event each time."""


def follow_certificate(state: RolloutState, found: Binding | None, now: int) -> RolloutState:
    """The state after what the certificate depends on was read; the same one where nothing of it is news.

    found: what was read; None where it could not be, which shows no change. A lapse begins at once and ends after a
    minute in which all was as certified.
    """
    certified = state.certified
    if certified is None or found is None:
        return state
    if certified.bound is None:
        return replace(state, certified=replace(certified, bound=found))
    lapse = _lapse_after(certified.lapse, certified.bound, found, now)
    return state if lapse is certified.lapse else replace(state, certified=replace(certified, lapse=lapse))


def _lapse_after(lapse: Lapse | None, bound: Binding, found: Binding, now: int) -> Lapse | None:
    changed = changed_parts(bound, found)
    if lapse is None:
        return Lapse(changed, now, now) if changed else None
    if changed:
        is_known = not lapse.is_back and lapse.changed == changed
        return lapse if is_known else Lapse(changed, lapse.at, now)
    if not lapse.is_back:
        return replace(lapse, since=now, is_back=True)
    return None if now - lapse.since >= SETTLED_SECONDS else lapse


def certificate_due_at(state: RolloutState) -> int | None:
    """When something follows from a lapse although nothing changes, in Unix seconds; None for never."""
    lapse = None if state.certified is None else state.certified.lapse
    return lapse.since + SETTLED_SECONDS if lapse is not None and lapse.is_back else None
