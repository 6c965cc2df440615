"""What there is to tell a policy's hooks, as its spec says now, and what they were told since."""

from __future__ import annotations

from dataclasses import replace

from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.reconcile.recorder import Recorder
from earlystop.rollout.hooks.outbox import following_hooks


async def follow_hooks(recorder: Recorder, tracked: TrackedPolicy, now: float) -> None:
    """Store what hooks were told since, and begin or cease to keep what there is to tell. now: Unix seconds.

    Raises what `Recorder.keep` raises.
    """
    settled = tuple(tracked.hooks.settled)  # more may come while this is stored
    outbox = following_hooks(tracked.state.outbox, tracked.spec.hooks or (), settled)
    after = replace(tracked.state, outbox=outbox) if outbox is not tracked.state.outbox else tracked.state
    if after is tracked.state or await recorder.keep(tracked, Progress(after)):
        tracked.hooks.forget_settled(settled)
    troubles = tracked.hooks.troubles(tracked.spec.hooks)
    if troubles != tracked.observations.hooks:
        tracked.observe(replace(tracked.observations, hooks=troubles), now)
