"""A certificate is bound to what it was made on, lapses when that changes, and holds again when it has come back."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.certificate.binding import Binding, Lapse, Part, changed_parts, with_later_known
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
    bound = with_later_known(certified.bound, found)
    if lapse is certified.lapse and bound is certified.bound:
        return state
    return replace(state, certified=replace(certified, bound=bound, lapse=lapse))


def _lapse_after(lapse: Lapse | None, bound: Binding, found: Binding, now: int) -> Lapse | None:
    changed = _changed(lapse, bound, found)
    if lapse is None:
        return Lapse(changed, now, now, moments=(now,) * len(changed)) if changed else None
    if changed:
        is_known = not lapse.is_back and lapse.changed == changed
        if is_known:
            return lapse
        # One that was back for less than a minute is another since it was so first.
        known = [lapse.moment_of(each) for each in changed]
        return Lapse(changed, lapse.at, now, moments=tuple(now if each is None else each for each in known))
    if not lapse.is_back:
        return replace(lapse, since=now, is_back=True)
    is_known = all(found.knows(each) for each in lapse.changed)
    return None if is_known and now - lapse.since >= SETTLED_SECONDS else lapse


def _changed(lapse: Lapse | None, bound: Binding, found: Binding) -> tuple[Part, ...]:
    """What is not as it was certified. Of what nobody knows now, what was last known still holds."""
    changed = set(changed_parts(bound, found))
    if lapse is not None and not lapse.is_back:
        changed |= {each for each in lapse.changed if not found.knows(each)}
    return tuple(each for each in Part if each in changed)


def is_known_to_lapse(state: RolloutState, found: Binding) -> bool:
    """Whether some part of the lapse was read just now: on what was known once nothing is taken back."""
    lapse = None if state.certified is None else state.certified.lapse
    return lapse is not None and any(found.knows(each) for each in lapse.changed)


def certificate_due_at(state: RolloutState) -> int | None:
    """When something follows from a lapse although nothing changes, in Unix seconds; None for never."""
    lapse = None if state.certified is None else state.certified.lapse
    return lapse.since + SETTLED_SECONDS if lapse is not None and lapse.is_back else None


def new_lapse(before: RolloutState, after: RolloutState) -> Lapse | None:
    """A lapse that has begun, or has come to something else; None without one. What alternates is new once."""
    then, now = before.certified, after.certified
    if now is None or now.bound is None or now.lapse is None or then is None or then.at != now.at:
        return None
    return now.lapse if then.lapse is None or _is_more(then.lapse, now.lapse) else None


def _is_more(before: Lapse, now: Lapse) -> bool:
    """Whether a lapse names something that it did not name before."""
    return not set(now.changed) <= set(before.changed)
